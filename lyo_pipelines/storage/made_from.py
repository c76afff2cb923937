"""What a Parquet file of the lake says it was made from: one key of its footer, by which a day or set is known to be stale.

Sensors ask this of every day every few seconds, so a footer is read once for each time that its file is written: the file's
fingerprint (size, time, inode; the ETag in object storage) tells. Bytes that rot on the disk are found by `lyo verify` and when read.
"""

# pyarrow brings no types, so what a footer holds is unknown here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake

INPUTS_KEY = b"lyo.inputs"
"""In the footer's key-value metadata: the signature of everything that the file was made from."""

_KEPT = 32_768
"""Footers remembered by a process: three stages of some thirty years of days, a few megabytes."""


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a footer says. inputs: the signature, None where it has none; rows: of the whole file."""

    inputs: str | None
    rows: int


def made_from(lake: Lake, path: str) -> MadeFrom | None:
    """What the file says it was made from; None when there is no file. Raises DamagedTableError."""
    lake.fs.invalidate_cache(path.rpartition("/")[0])
    try:
        mark = lake.fingerprint(path)
    except FileNotFoundError:
        return None
    return _read(lake, path, mark)


def inputs_of(lake: Lake, path: str) -> str | None:
    """The signature of a file that is made from others: None where there is no file, "" where it says nothing or is damaged.

    A damaged one then differs from whatever it should be made from, so it is made anew as a stale one is.
    """
    try:
        says = made_from(lake, path)
    except DamagedTableError:
        return ""
    return None if says is None else says.inputs or ""


@lru_cache(maxsize=_KEPT)
def _read(lake: Lake, path: str, mark: str) -> MadeFrom:
    """The footer of the file that has this fingerprint."""
    footer = lake.table_footer(path)
    told = (footer.metadata or {}).get(INPUTS_KEY)
    return MadeFrom(None if told is None else told.decode("utf-8", "replace"), footer.num_rows)
