"""Files that an export brings along: pictures in its folder, or in the zip that it is packed in. Read by the names that rows give.

A name leads nowhere else: absolute paths, `..`, and links out of the folder are not followed.
"""

from __future__ import annotations

import posixpath
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import TracebackType

from lyo_pipelines.interactions.reading.source_file import BROKEN, InputFile
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

    def opened(self) -> OpenBeside:
        """Its files, for as long as rows are read that name them; use as a context manager."""
        return OpenBeside(self)


class OpenBeside:
    """The files beside an export. A zip, and the list of what is in it, is read once, when a row first names a file."""

    def __init__(self, beside: Beside) -> None:
        self._beside, self._closing = beside, ExitStack()

    def __enter__(self) -> OpenBeside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def read(self, name: str, most: int) -> bytes | None:
        """A picture by its name, at most `most` + 1 bytes of it; None where it is not there, or not inside."""
        plain = PurePosixPath(posixpath.normpath(name.replace("\\", "/")))
        if plain.is_absolute() or ".." in plain.parts or plain.suffix.lower() not in PICTURES:
            return None
        try:
            return self._in_zip(str(plain), most) if self._beside.zipped else self._in_folder(plain, most)
        except (*BROKEN, KeyError, ValueError, RuntimeError):  # a name that no disk can hold, a zip with a password
            return None

    def _in_folder(self, name: PurePosixPath, most: int) -> bytes | None:
        if not self._beside.folder:
            return None
        folder = Path(self._beside.folder).resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        with path.open("rb") as handle:
            return handle.read(most + 1)

    def _in_zip(self, name: str, most: int) -> bytes | None:
        full = next((one for top in self._tops if (one := posixpath.join(top, name)) in self._names), None)
        if full is None:
            return None
        with self._archive.open(full) as handle:
            return handle.read(most + 1)

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        return self._closing.enter_context(zipfile.ZipFile(self._beside.zipped))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._archive.namelist())

    @cached_property
    def _tops(self) -> list[str]:
        """The folders from which names may count: the zip itself, and those in which its data lies."""
        data = {posixpath.dirname(one) for one in self._names if not one.lower().endswith(PICTURES)}
        return ["", *sorted(data - {""})]


NOWHERE = Beside()
"""Nothing lies beside: rows of a table, an export in object storage."""
