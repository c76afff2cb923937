"""Files that an export brings along: pictures in its folder, or in the zip that it is packed in. Read by the names that rows give.

A name leads nowhere else: absolute paths, `..`, and links out of the folder are not followed.
"""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.reading.unpacking import PICTURES


@dataclass(frozen=True)
class Beside:
    """Where an export lies: a local folder, or a local zip with it. Plain values, so that it can go to another process."""

    folder: str = ""
    zipped: str = ""

    @classmethod
    def of(cls, source: InputFile) -> Beside:
        """What lies beside an input file; nothing where it is not on a local disk."""
        protocol = source.fs.protocol
        if "file" not in ((protocol,) if isinstance(protocol, str) else protocol):
            return cls()
        path = Path(source.path)
        return cls(zipped=str(path)) if zipfile.is_zipfile(path) else cls(folder=str(path.parent))

    def read(self, name: str, most: int) -> bytes | None:
        """A picture by its name, at most `most` + 1 bytes of it; None where it is not there, or not inside."""
        plain = PurePosixPath(posixpath.normpath(name.replace("\\", "/")))
        if plain.is_absolute() or ".." in plain.parts or plain.suffix.lower() not in PICTURES:
            return None
        try:
            return self._zipped(str(plain), most) if self.zipped else self._in_folder(plain, most)
        except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, NotImplementedError):
            return None

    def _in_folder(self, name: PurePosixPath, most: int) -> bytes | None:
        if not self.folder:
            return None
        folder = Path(self.folder).resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        with path.open("rb") as handle:
            return handle.read(most + 1)

    def _zipped(self, name: str, most: int) -> bytes | None:
        with zipfile.ZipFile(self.zipped) as archive:
            there = set(archive.namelist())
            tops = {posixpath.dirname(one) for one in there if not one.lower().endswith(PICTURES)}
            for top in ("", *sorted(tops)):
                if (full := posixpath.join(top, name)) in there:
                    with archive.open(full) as handle:
                        return handle.read(most + 1)
        return None


NOWHERE = Beside()
"""Nothing lies beside: rows of a table, an export in object storage."""
