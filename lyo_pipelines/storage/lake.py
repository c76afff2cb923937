"""The lake: where every file lives (contract of design), on a local path or any fsspec URL.

Every write goes to a temporary name beside its target and is renamed, so a reader never sees half a file and a killed
process leaves at most a `.tmp-*` name that readers ignore.
"""

# pyarrow and fsspec bring no types, so a table and what a file system gives are unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.errors import LyoError
from lyo_pipelines.machine import machine_explained
from lyo_pipelines.storage.damage import (
    PARQUET,
    RESTORE,
    CheckedTable,
    DamagedFileError,
    DamagedTableError,
    damage_told,
    require_whole_footer,
    told_reason,
)
from lyo_pipelines.storage.footer_seal import seal_footer
from lyo_pipelines.storage.object_store import TEMPORARY, is_object_store, object_store


class NotLocalError(LyoError):
    """An operation needs a local directory and the lake is a remote URL."""


@dataclass(frozen=True)
class Lake:
    """The data directory of one installation: `root` holds inbox/, lake/, review/, benchmarks/ and models/."""

    root: str

    @cached_property
    def fs(self) -> Any:
        """The fsspec filesystem behind `root`; of object storage, with what is not finished on this machine (object_store.py)."""
        if is_object_store(self.root):
            return object_store(self.root)
        return fsspec.core.url_to_fs(self.root)[0]

    @cached_property
    def base(self) -> str:
        """`root` without its protocol, as the filesystem wants it."""
        base: str = self.root.partition("://")[2] if is_object_store(self.root) else fsspec.core.url_to_fs(self.root)[1]
        return base.rstrip("/")

    # -- paths -------------------------------------------------------------------------------------------------
    def path(self, *parts: str) -> str:
        """A path below `<root>/lake`."""
        return "/".join((self.base, "lake", *parts))

    def side(self, *parts: str) -> str:
        """A path below `<root>` beside the lake (inbox, review, benchmarks, models)."""
        return "/".join((self.base, *parts))

    def landing_dir(self, day: date) -> str:
        """Folder of one event date's landed files, one Parquet per input file."""
        return self.path("landing", f"date={day.isoformat()}")

    def rejected(self, file_hash: str) -> str:
        """Rows of one input file that were not accepted, with their reasons."""
        return self.path("rejected", f"{file_hash}.parquet")

    def interactions(self, day: date) -> str:
        """`raw_interactions` of one day."""
        return self.path("interactions", f"date={day.isoformat()}", "part.parquet")

    def examples(self, day: date, name: str = "part") -> str:
        """`filtered_examples` of one day (`part`), or a sibling of it (`disliked`, `ratings`, `removed`, `funnel`, `quality`)."""
        return self.path("examples", f"date={day.isoformat()}", f"{name}.parquet")

    def documents(self, name: str, file: str = "examples") -> str:
        """One document set's `examples`, or a sibling of them (`chunks`, `funnel`)."""
        return self.path("documents", name, f"{file}.parquet")

    def document_sets(self) -> list[str]:
        """Sorted names of the document sets that have examples."""
        return [name for name in self.names(self.path("documents")) if self.exists(self.documents(name))]

    def health(self, day: date) -> str:
        """`segment_health` of one day."""
        return self.path("health", f"date={day.isoformat()}", "part.parquet")

    def health_users(self, day: date) -> str:
        """The same day's ratings by random group of users."""
        return self.path("health", f"date={day.isoformat()}", "users.parquet")

    def dataset_dir(self, segment: str, fingerprint: str = "") -> str:
        """Folder of a segment's dataset versions, or of one version."""
        return self.path("datasets", segment, fingerprint).rstrip("/")

    def preferences_dir(self, segment: str, fingerprint: str = "") -> str:
        """Folder of a segment's preference data, or of one version."""
        return self.path("preferences", segment, fingerprint).rstrip("/")

    def adapter_dir(self, segment: str, version: str = "") -> str:
        """Folder of a segment's adapters, or of one adapter version."""
        return self.path("adapters", segment, version).rstrip("/")

    def report_dir(self, segment: str, version: str = "") -> str:
        """Folder of a segment's reports, or of one report."""
        return self.path("reports", segment, version).rstrip("/")

    def privacy_dir(self, segment: str, version: str = "") -> str:
        """Folder of a segment's privacy audits, or of that of one adapter version."""
        return self.path("privacy", segment, version).rstrip("/")

    def table_state(self, name: str, file: str) -> str:
        """What is known of the reading of a database table (`file=""`: the folder of it)."""
        return self.path("tables", name, file).rstrip("/")

    def local(self, path: str) -> Path:
        """The same path as a local one; model files need it. Raises NotLocalError on a remote lake."""
        protocol: str | Sequence[str] = self.fs.protocol
        if "file" not in ((protocol,) if isinstance(protocol, str) else protocol):
            raise NotLocalError(
                f"{path} lies in object storage, and this needs a local disk.",
                hint="docs/object_storage.md says what works there; for the rest set LYO_DATA_DIR to a local (or mounted) folder.",
            )
        return Path(path)

    def require_local(self, what: str) -> None:
        """Raise NotLocalError, which names what is to be done, on a remote lake."""
        try:
            self.local(self.path())
        except NotLocalError as error:
            raise NotLocalError(
                f"{what} does not work on a lake in object storage yet.",
                hint="Copy the data directory to a local disk, set LYO_DATA_DIR to that, do it there, and copy it back.",
            ) from error

    # -- listing -----------------------------------------------------------------------------------------------
    def exists(self, path: str) -> bool:
        """Whether the file or folder is there now."""
        self.fs.invalidate_cache(path.rpartition("/")[0])
        return bool(self.fs.exists(path))

    def fingerprint(self, path: str) -> str:
        """A text that changes when a file is written anew: its size and what its file system knows of its time or content.

        Raises FileNotFoundError.
        """
        info = self.fs.info(path)
        marks = (
            info.get("mtime") or info.get("ETag") or info.get("LastModified"),
            info.get("ino"),
            info.get("created"),
        )
        return " ".join(str(mark) for mark in (info.get("size"), *marks))

    def names(self, folder: str) -> list[str]:
        """Sorted names in a folder, without temporary ones; empty when it is not there, or a file."""
        self.fs.invalidate_cache(folder)
        try:
            entries = self.fs.ls(folder, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        own = folder.rstrip("/")  # what a listing gives for a file, and for a folder's own mark in a bucket
        names = sorted(entry.rstrip("/").rsplit("/", 1)[-1] for entry in entries if entry.rstrip("/") != own)
        return [name for name in names if not name.startswith(TEMPORARY)]

    def days(self, stage: str, name: str = "part.parquet") -> list[date]:
        """Sorted days for which `lake/<stage>/date=…/` holds `name` (`name=""`: holds anything)."""
        found: list[date] = []
        if is_object_store(self.root):  # one listing, not a question for every day
            below = {path[len(self.path(stage)) :].strip("/") for path in self.fs.find(self.path(stage))}
            folders = {
                path.partition("/")[0] for path in below if not name or path == f"{path.partition('/')[0]}/{name}"
            }
            return sorted(day for folder in folders if (day := _day_of(folder)) is not None)
        for entry in self.names(self.path(stage)):
            day = _day_of(entry)
            if day is not None and (not name or self.exists(self.path(stage, entry, name))):
                found.append(day)
        return found

    # -- whole-or-nothing writes -------------------------------------------------------------------------------
    @contextmanager
    def replacing(self, path: str) -> Generator[str]:
        """Yield a temporary path; on success it becomes `path` in one rename, on an error it is removed."""
        folder, _, name = path.rpartition("/")
        self.make_folder(folder)
        temporary = f"{folder}/{TEMPORARY}{uuid.uuid4().hex[:12]}-{name}"
        try:
            with self.full_disk_explained():
                yield temporary
                self._rename(temporary, path)
        except BaseException:
            if self.fs.exists(temporary):
                self.fs.rm(temporary, recursive=True)
            raise

    @contextmanager
    def full_disk_explained(self) -> Generator[None]:
        """Turn "no space left" into an error that says whose disk is full and what to do."""
        with machine_explained(self.root, go_on="run it again: nothing half-written counts"):
            yield

    def move(self, source: str, target: str) -> None:
        """Put a finished file (or folder) in its place in one rename, after it is safely on the disk."""
        self.make_folder(target.rpartition("/")[0])
        with self.full_disk_explained():
            self._rename(source, target)

    def make_folder(self, folder: str) -> None:
        """Have a folder; a new one's name is on the disk, as what is written into it would be lost with it in a power cut."""
        self.make_folders([folder])

    def make_folders(self, folders: Iterable[str]) -> None:
        """Have many folders, as `make_folder` does; each folder above them is brought to the disk once and not for each new name."""
        grown: dict[Path, None] = {}
        for folder in folders:
            try:
                local = self.local(folder)
            except NotLocalError:
                self.fs.makedirs(folder, exist_ok=True)
                continue
            if not local.is_dir():
                _make_folder(local.parent)
                local.mkdir(exist_ok=True)
                grown[local.parent] = None
        for parent in grown:
            sync_folder(parent)

    def _rename(self, temporary: str, path: str) -> None:
        try:
            local = self.local(temporary)
        except NotLocalError:
            self.fs.mv(temporary, path, recursive=self.fs.isdir(temporary))
            return
        if local.is_file():
            with local.open("rb") as handle:
                os.fsync(handle.fileno())
        local.replace(path)
        sync_folder(Path(path).parent)

    def set_aside(self, path: str) -> str:
        """Copy a file that cannot be read to `lake/quarantine/` before it is written anew; where it lies now.

        Nothing that somebody may want to restore is lost. The same content is kept once.
        """
        content = self.read_bytes(path)
        name = path.removeprefix(self.path("")).strip("/")
        kept = self.path("quarantine", f"{name}.{sha256(content).hexdigest()[:12]}")
        if not self.exists(kept):
            with self.replacing(kept) as temporary, self.fs.open(temporary, "wb") as handle:
                handle.write(content)
        return kept

    @contextmanager
    def remade_if_damaged(self, path: str, what: str) -> Generator[None]:
        """While a file that is made from others is read: found damaged, it is taken out of the way, so that it counts as not made.

        what: how people call it. Raises DamagedTableError that says where it lies now and how it is made again.
        """
        try:
            yield
        except DamagedTableError as error:
            if not error.message.startswith(f"{path} ") or not self.exists(path):
                raise
            kept = self.set_aside(path)
            self.fs.rm(path)
            raise DamagedTableError(
                f"{error.message.rstrip('.')}. It is kept as {kept}",
                hint=f"Materialize {what} again (a running Dagster does so by itself), and then this.",
            ) from error

    def write_table(self, table: pa.Table, path: str) -> None:
        """Write Parquet (zstd, with page checksums) in one piece."""
        with self.replacing(path) as temporary:
            self.write_table_at(table, temporary)

    def write_table_at(self, table: pa.Table, temporary: str, *, rows: int = 0) -> None:
        """Write Parquet to a path that `replacing` gave. rows: of a row group (0: as usual)."""
        pq.write_table(table, temporary, filesystem=self.fs, row_group_size=rows or None, **PARQUET)
        self.seal_table(temporary)

    def seal_table(self, temporary: str) -> None:
        """Give a Parquet file that was just written a checksum of its footer, where the storage lets one write into a staged file."""
        with suppress(NotImplementedError), self.fs.open(temporary, "r+b") as file:
            seal_footer(file)

    @contextmanager
    def open_table(self, path: str) -> Generator[CheckedTable]:
        """Yield one Parquet file, closed afterwards (never as a data set: `date=…` in a path must not become a column).

        Page checksums are verified where the file has them. Raises DamagedTableError, also while it is read.

        A local file is opened by Arrow itself: faster, and Arrow's reading threads then hold no Python object. (With a Python
        handle they now and then ask for the interpreter while it shuts down, and the finished process aborts.)
        """
        try:
            local = self.local(path)
        except NotLocalError:
            with self.fs.open(path, "rb") as handle:
                yield CheckedTable(handle, path)
        else:
            with CheckedTable(local, path) as file:
                yield file

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Read one Parquet file."""
        with self.open_table(path) as file:
            return file.read(columns=columns)

    def table_footer(self, path: str) -> pq.FileMetaData:
        """What a Parquet file says of itself, without its rows. Raises DamagedTableError."""
        with damage_told(path), self.fs.open(path, "rb") as handle:
            require_whole_footer(handle)
            return pq.read_metadata(handle)

    def create_text(self, text: str, path: str) -> bool:
        """Write UTF-8 text only if nothing is there yet, whole or not at all; whether it was this call that wrote it.

        It is on the disk, and so is its name, when this returns: what was decided must not be forgotten in a power cut.
        """
        try:
            local = self.local(path)
        except NotLocalError:
            try:
                self.fs.pipe_file(path, text.encode("utf-8"), mode="create")
            except FileExistsError:
                return False
            return True
        _make_folder(local.parent)
        temporary = local.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}-{local.name}")
        try:
            with self.full_disk_explained():
                with temporary.open("wb") as handle:
                    handle.write(text.encode("utf-8"))
                    handle.flush()
                    os.fsync(handle.fileno())
                os.link(temporary, local)  # fails when the name is taken, and the content is there at once
                sync_folder(local.parent)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def write_text(self, text: str, path: str) -> None:
        """Write UTF-8 text in one piece."""
        with self.replacing(path) as temporary, self.fs.open(temporary, "wb") as handle:
            handle.write(text.encode("utf-8"))

    def read_bytes(self, path: str) -> bytes:
        """Read a whole file."""
        with self.fs.open(path, "rb") as handle:
            return handle.read()

    def read_text(self, path: str) -> str:
        """Read UTF-8 text."""
        return self.read_bytes(path).decode("utf-8")

    def write_json(self, value: Any, path: str) -> None:
        """Write JSON, readable by people, in one piece."""
        self.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False, default=str) + "\n", path)

    def read_json(self, path: str) -> Any:
        """Read JSON. Raises DamagedFileError for anything else."""
        try:
            return json.loads(self.read_text(path))
        except (ValueError, RecursionError) as error:
            raise DamagedFileError(f"{path} is damaged: {told_reason(error)}", hint=RESTORE) from error


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on the disk by its name."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk (only POSIX can)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _day_of(name: str) -> date | None:
    """The day of a folder `date=…`; None for a folder that somebody else put there."""
    try:
        return date.fromisoformat(name.removeprefix("date=")) if name.startswith("date=") else None
    except ValueError:
        return None
