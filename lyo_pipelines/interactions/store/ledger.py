"""The ledger of landed files: `lake/files/<hash>.json` is written last and makes a landing count; nothing else does.

`lake/files/seen/<token>` remembers path, size and time of an inbox file, so that looking for new files hashes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

_READING, _BOUND = ".reading-", "~"


Reached: TypeAlias = dict[str, Any]
"""How far the reading of a table has come: the fields of State (tables/state.py), which alone makes and reads them."""


@dataclass(frozen=True)
class LedgerEntry:
    """What is known of one landed file. reading: digest of how it was read (format and mapping). found: what told the format.

    notes: what people should know of accepted rows -> how many of them.
    reached: of a batch of a table, how far its reading has come with this batch (tables/state.py).
    too_early, too_late: of rows that were rejected for their time, the last time before the accepted range and the first one after it,
    in microseconds since 1970. erased: accepted rows that were taken away since, with the people whose they were or by retention.
    """

    file_hash: str
    name: str
    format: str
    rows: str
    reading: str
    read: int
    accepted: int
    rejected: int
    rejected_by_reason: dict[str, int]
    days: list[str]
    feedback_read: int = 0
    feedback_applied: int = 0
    feedback_pending: int = 0
    ignored_fields: list[str] = field(default_factory=list)
    found: str = ""
    notes: dict[str, int] = field(default_factory=dict)
    reached: Reached | None = None
    too_early: int | None = None
    too_late: int | None = None
    erased: int = 0

    def range_moved(self, earliest: int, latest: int) -> bool:
        """Whether rows that only their time spoke against would be accepted now (a clock was set right, the range was changed)."""
        return _moved(self.too_early, self.too_late, earliest, latest)


def _moved(too_early: int | None, too_late: int | None, earliest: int, latest: int) -> bool:
    return (too_early is not None and too_early >= earliest) or (too_late is not None and too_late <= latest)


def entry_path(lake: Lake, file_hash: str) -> str:
    """Where a file's entry stands."""
    return lake.path("files", f"{file_hash}.json")


def read_entry(lake: Lake, file_hash: str) -> LedgerEntry | None:
    """The entry of a landed file, or None. Raises DamagedFileError."""
    path = entry_path(lake, file_hash)
    if not lake.exists(path):
        return None
    try:
        return LedgerEntry(**lake.read_json(path))
    except TypeError as error:
        raise DamagedFileError(
            f"{path} is damaged: it is no entry of the ledger",
            hint="Give the file that it speaks of to `lyo ingest` again, or restore the entry from a backup.",
        ) from error


def write_entry(lake: Lake, entry: LedgerEntry) -> None:
    """Commit a landing."""
    lake.write_json(asdict(entry), entry_path(lake, entry.file_hash))


def landed_files(lake: Lake) -> dict[str, str]:
    """Hash -> reading of all files whose landing is complete."""
    names = lake.names(lake.path("files"))
    readings = dict(name.split(_READING) for name in names if _READING in name)
    return {stem: readings.get(stem, "") for name in names if (stem := name.removesuffix(".json")) != name}


def landed_names(lake: Lake, folder: str, landed: Container[str]) -> list[str]:
    """Names of the files `<file-hash>.parquet` in a folder that stem from complete landings."""
    return [name for name in lake.names(folder) if name.removesuffix(".parquet") in landed]


def was_begun(lake: Lake, file_hash: str) -> bool:
    """Whether a landing of a file was begun before: then something of it may lie in the lake."""
    return any(name.startswith(file_hash) for name in lake.names(lake.path("files")))


def begin_landing(lake: Lake, file_hash: str, reading: str) -> None:
    """Note that a file is being landed by a reading; its entry, if there is one, counts no longer."""
    folder = lake.path("files")
    before = [name for name in lake.names(folder) if name.startswith(file_hash)]
    if f"{file_hash}.json" in before:
        lake.fs.rm(entry_path(lake, file_hash))
    mark = f"{file_hash}{_READING}{reading}"
    lake.write_text("", f"{folder}/{mark}")
    for name in before:
        if _READING in name and name != mark:
            lake.fs.rm(f"{folder}/{name}")


def forget_marks(lake: Lake, file_hash: str) -> None:
    """Remove the notes that a file was being landed; call it when nothing of it lies in the lake."""
    folder = lake.path("files")
    for name in lake.names(folder):
        if name.startswith(file_hash + _READING):
            lake.fs.rm(f"{folder}/{name}")


def file_token(path: str, size: int, mtime: float, reading: str) -> str:
    """Identifies an inbox file as it stands there now, with the mapping it would be read with."""
    return hashlib.sha256(f"{path}\n{size}\n{mtime!r}\n{reading}".encode("utf-8", "surrogateescape")).hexdigest()[:32]


def seen_tokens(lake: Lake, earliest: int, latest: int) -> set[str]:
    """Tokens of all inbox files that were dealt with, but for those of which rows would be accepted now (LedgerEntry.range_moved)."""
    found = set[str]()
    for name in lake.names(lake.path("files", "seen")):
        token, *bounds = name.split(_BOUND)
        if len(bounds) == 2:
            too_early, too_late = (int(bound) if bound else None for bound in bounds)
            if _moved(too_early, too_late, earliest, latest):
                continue
        found.add(token)
    return found


def mark_seen(lake: Lake, token: str, file_hash: str, entry: LedgerEntry | None) -> None:
    """Remember a token; the name says of which times rows wait for the accepted range to move."""
    folder, name = lake.path("files", "seen"), token
    if entry is not None and (entry.too_early is not None or entry.too_late is not None):
        bounds = ("" if bound is None else str(bound) for bound in (entry.too_early, entry.too_late))
        name = _BOUND.join((token, *bounds))
    lake.write_text(file_hash, f"{folder}/{name}")
    for other in lake.names(folder):
        if other != name and other.startswith(f"{token}{_BOUND}"):
            lake.fs.rm(f"{folder}/{other}")


_MARK = "t"
_TABLE = 16


def batch_name(table: str, number: int) -> str:
    """The name of a batch; numbers begin with 1."""
    return f"{_MARK}{hashlib.sha256(table.encode()).hexdigest()[: _TABLE - 1]}{number:016x}"


def table_part(name: str) -> str | None:
    """What the batches of one table have in common; None for a file's hash."""
    return name[:_TABLE] if name.startswith(_MARK) else None
