"""Taking away what is too old: staged as a whole, decided by one file, recorded and signed; killed at any time, it happens or not."""

# pyarrow brings no types, so a table is unknown here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from lyo_pipelines.config.loading import Config
from lyo_pipelines.erasure.record import signed_record
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.images.references import sweep_images
from lyo_pipelines.interactions.days.build import stale_days
from lyo_pipelines.interactions.fields.mapping_files import SUFFIX
from lyo_pipelines.interactions.landing.stage import landing_lock
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.key_fingerprint import require_key
from lyo_pipelines.interactions.store.ledger import entry_path, read_entry
from lyo_pipelines.retention.expired import BY_DAY, Expired, find_expired, first_kept_day
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting

RECORDS = "retention"


@dataclass(frozen=True)
class Applied:
    """What was taken away. record: path of the record, "" where nothing was too old; built: days curated before they went."""

    expired: Expired
    record: str = ""
    built: tuple[date, ...] = ()


def plan_retention(lake: Lake, config: Config, now: datetime) -> Expired:
    """What would go; nothing is changed, but for a rewriting that was killed midway: that one is finished first."""
    with landing_lock(lake):
        return find_expired(lake, config.retention, now)


def apply_retention(lake: Lake, config: Config, pseudonyms: Pseudonyms, now: datetime) -> Applied:
    """Take it away. What landed for an old day and is not curated yet is curated first; a damaged day stays, and is told."""
    first = first_kept_day(config.retention, now)
    old = {day for day in stale_days(lake) if first is not None and day < first}
    built = build_stale_days(lake, config.curation, wanted=old.__contains__, pseudonyms=pseudonyms)
    with landing_lock(lake):
        require_key(lake, pseudonyms)
        expired = find_expired(lake, config.retention, now)
        for day, said in built.damaged.items():
            expired.days.pop(day, None)
            expired.damaged[day] = said
        if expired.is_empty:
            sweep_images(lake)
            return Applied(expired, built=tuple(built.days))
        rewriting = Rewriting(lake)
        _stage(lake, expired, rewriting)
        told: dict[str, Any] = {
            "at": now.astimezone(UTC).isoformat(),
            "kept_days": {name: days for name, days in config.retention.model_dump().items() if days is not None},
            "removed": {name: count for name, count in expired.counts.items() if count},
            "first_day_of_interactions": first.isoformat() if first else None,
        }
        record, text = signed_record(lake, RECORDS, told, pseudonyms)
        rewriting.replace_bytes(record, text)
        rewriting.commit()
        sweep_images(lake)
    return Applied(expired, record, tuple(built.days))


def _stage(lake: Lake, expired: Expired, rewriting: Rewriting) -> None:
    for path in (*expired.inbox, *expired.set_aside, *expired.checkpoints):
        rewriting.remove(path)
    for path in expired.inbox:
        if lake.exists(path + SUFFIX):
            rewriting.remove(path + SUFFIX)
    for path in expired.rejected:
        table = lake.read_table(path)
        for column in ("detail", "raw"):
            index = table.schema.get_field_index(column)
            empty = pa.nulls(len(table), table.schema.field(index).type)
            table = table.set_column(index, table.schema.field(index), empty)
        rewriting.replace_table(path, table)
    gone: dict[str, Counter[date]] = defaultdict(Counter)
    for day, rows_of in expired.days.items():
        for file_hash, rows in rows_of.items():
            gone[file_hash][day] += rows
        for stage in (*BY_DAY, "keys/interactions", "keys/feedback"):
            if lake.exists(folder := lake.path(stage, f"date={day.isoformat()}")):
                rewriting.remove(folder)
    for file_hash, rows in gone.items():
        entry = read_entry(lake, file_hash)
        if entry is not None:
            days = {day.isoformat() for day in rows}
            told = replace(
                entry,
                accepted=entry.accepted - rows.total(),
                erased=entry.erased + rows.total(),
                days=[day for day in entry.days if day not in days],
            )
            text = json.dumps(asdict(told), ensure_ascii=False, indent=2, default=str) + "\n"
            rewriting.replace_bytes(entry_path(lake, file_hash), text)
