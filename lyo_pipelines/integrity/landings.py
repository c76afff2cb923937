"""The ledger against what lies in the lake: every landed file, every part of it, every row that was accepted or rejected."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from lyo_pipelines.integrity.findings import Verification
from lyo_pipelines.integrity.tables import table_damage
from lyo_pipelines.interactions.store.landed_parts import (
    FEEDBACK,
    LANDING,
    LandedPart,
    noted_days,
    part_damage,
    parts_of_day,
)
from lyo_pipelines.interactions.store.ledger import LedgerEntry, entry_path, landed_files, read_entry
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


def verify_landings(lake: Lake, told: Verification) -> None:
    """Compare every ledger entry with its parts and its counts."""
    parts: dict[str, list[LandedPart]] = defaultdict(list)
    for day in noted_days(lake):
        for part in parts_of_day(lake, day):
            parts[part.file_hash].append(part)
    known = landed_files(lake)
    for file_hash in sorted(known):
        told.checked["landed files"] += 1
        try:
            entry = read_entry(lake, file_hash)
        except DamagedFileError as error:
            path = entry_path(lake, file_hash)
            says = error.message.removeprefix(path).strip()
            told.add({path: says}, "source", _again(f"the file with sha256 {file_hash[:16]}…"))
            continue
        if entry is not None:
            _verify_entry(lake, told, entry, parts.get(file_hash, []))
    for file_hash in sorted(parts.keys() - known.keys()):
        says = f"is gone, so {sum(part.rows for part in parts[file_hash]):,} landed rows count no longer"
        told.add({entry_path(lake, file_hash): says}, "source", _again(f"the file with sha256 {file_hash[:16]}…"))


def _verify_entry(lake: Lake, told: Verification, entry: LedgerEntry, parts: list[LandedPart]) -> None:
    found = dict[str, str]()
    for part in parts:
        told.checked["parts of landed files"] += 1
        if said := part_damage(lake, part, deep=told.deep):
            found[part.path(lake)] = said
    stage = LANDING if entry.rows == "interactions" else FEEDBACK
    noted = {part.day: part for part in parts if part.stage == stage}
    rows = sum(part.rows for part in noted.values())
    for day in map(date.fromisoformat, entry.days):
        if day in noted:
            continue
        path = lake.path(stage, f"date={day.isoformat()}", f"{entry.file_hash}.parquet")
        told.checked["parts of landed files"] += 1
        said = table_damage(lake, path, deep=told.deep)
        if said is None:
            rows += lake.table_footer(path).num_rows
        elif stage == LANDING or said != "is gone":  # feedback may have been replaced by a later full export
            found[path] = said
    path = entry_path(lake, entry.file_hash)
    if stage == LANDING and not found and rows != entry.accepted:
        found[path] = f"counts {entry.accepted:,} accepted rows, and {rows:,} lie in the lake"
    if entry.accepted + entry.rejected + entry.erased != entry.read:
        found[path] = f"counts {entry.accepted:,} accepted and {entry.rejected:,} rejected of {entry.read:,} rows read"
    told.add(found, "source", _again(entry.name))
    if entry.rejected:
        _verify_rejected(lake, told, entry)


def _verify_rejected(lake: Lake, told: Verification, entry: LedgerEntry) -> None:
    path = lake.rejected(entry.file_hash)
    said = table_damage(lake, path, deep=told.deep)
    told.checked["files of rejected rows"] += 1
    if said is None and (rows := lake.table_footer(path).num_rows) != entry.rejected:
        said = f"holds {rows:,} of {entry.rejected:,} rejected rows"
    if said is not None:
        told.add(
            {path: said}, "source", f"Nothing that is learnt from is lost. Restore it from a backup ({entry.name})."
        )


def _again(name: str) -> str:
    return f"Restore it from a backup, or land {name} again: `lyo ingest PATH`."
