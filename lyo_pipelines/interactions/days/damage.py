"""Damage of what a day is built from: found before the day shrinks by it, and remembered until it is mended.

Sizes and names are compared whenever a day is looked at, every byte when it is built. What only the bytes told is remembered in
`lake/damaged/date=….json`, so that nobody tries that day again and again; landing any of its files anew forgets it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import date

from lyo_pipelines.interactions.store.landed_parts import LandedPart, damaged_parts, parts_of_day
from lyo_pipelines.interactions.store.ledger import read_entry
from lyo_pipelines.storage.damage import DamagedFileError, DamagedLandingError
from lyo_pipelines.storage.lake import Lake

_SHOWN = 3


def require_intact(lake: Lake, day: date, known: Container[str]) -> None:
    """Raise DamagedLandingError, which names each file, unless all that landed for a day lies there, byte by byte."""
    found = damaged_parts(lake, day, known, deep=True)
    if found:
        lake.write_json({"found": found}, _path(lake, day))
        raise DamagedLandingError(_told(found), hint=landing_advice(lake, day, found))
    forget_damage(lake, [day])


def day_damage(lake: Lake, day: date, known: Container[str]) -> str | None:
    """What is wrong with what landed for a day, without reading it again; None when nothing is known to be.

    Names of the files that it came from are not in it: it is for logs that many people see.
    """
    found = damaged_parts(lake, day, known)
    path = _path(lake, day)
    if not found and lake.exists(path):
        try:
            found = dict(lake.read_json(path)["found"])
        except (DamagedFileError, KeyError, TypeError, ValueError):
            return None
    return _told(found) if found else None


def forget_damage(lake: Lake, days: Iterable[date]) -> None:
    """The days are to be looked at again: something of them was mended."""
    for day in days:
        if lake.exists(_path(lake, day)):
            lake.fs.rm(_path(lake, day))


def landing_advice(lake: Lake, day: date, found: Iterable[str]) -> str:
    """What to do about damaged parts of a day: which files to read again."""
    parts = {part.path(lake): part for part in parts_of_day(lake, day)}
    names = sorted({_source(lake, path, parts.get(path)) for path in found})
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"Restore it from a backup, or read {', '.join(names[:_SHOWN])}{more} again: `lyo ingest PATH` lands a file anew whose rows "
        "are damaged here. The day keeps what it was built from before; other days go on."
    )


def _source(lake: Lake, path: str, part: LandedPart | None) -> str:
    """The file of the inbox that a part came from, as people know it."""
    file_hash = part.file_hash if part else path.rsplit("/", 1)[-1].removesuffix(".json")
    try:
        entry = read_entry(lake, file_hash)
    except DamagedFileError:
        entry = None
    return entry.name if entry is not None else f"the file with sha256 {file_hash[:16]}…"


def _told(found: dict[str, str]) -> str:
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(f"{path} {said}" for path, said in list(found.items())[:_SHOWN]) + more


def _path(lake: Lake, day: date) -> str:
    return lake.path("damaged", f"date={day.isoformat()}.json")
