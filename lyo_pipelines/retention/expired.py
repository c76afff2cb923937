"""What is older than the settings allow. Only looking; nothing is changed."""

# pyarrow brings no types, so a table is unknown here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lyo_pipelines.config.retention import RetentionConfig
from lyo_pipelines.erasure.originals import hash_of, rewritten_files
from lyo_pipelines.interactions.landing.inbox_listing import REASON, SET_ASIDE, listed_files
from lyo_pipelines.interactions.reading.source_file import modified_time
from lyo_pipelines.interactions.store.landed_parts import STAGES
from lyo_pipelines.interactions.store.ledger import landed_files
from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.texts import files_below

BY_DAY = (*STAGES, "interactions", "landed")
"""Stages of the lake that hold what people said as it landed, by the day of the interaction."""
CHECKPOINTS = "checkpoints"


@dataclass
class Expired:
    """Paths of files of the inbox and of inbox/set_aside, of rejected rows (path -> rows that still hold something), days of
    interactions with the rows that each landed file has there (landing and feedback), and folders of checkpoints.

    damaged: days that are too old and cannot be read, and why: they stay until they are mended.
    """

    inbox: list[str] = field(default_factory=list[str])
    set_aside: list[str] = field(default_factory=list[str])
    rejected: dict[str, int] = field(default_factory=dict[str, int])
    days: dict[date, dict[str, int]] = field(default_factory=dict[date, dict[str, int]])
    checkpoints: list[str] = field(default_factory=list[str])
    damaged: dict[date, str] = field(default_factory=dict[date, str])

    @property
    def counts(self) -> Mapping[str, int]:
        """How much of what."""
        return {
            "files of the inbox": len(self.inbox),
            "files set aside": len(self.set_aside),
            "rejected rows": sum(self.rejected.values()),
            "days of interactions": len(self.days),
            "landed rows": sum(sum(rows.values()) for rows in self.days.values()),
            "folders of checkpoints": len(self.checkpoints),
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing is too old."""
        return not any(self.counts.values())


def find_expired(lake: Lake, config: RetentionConfig, now: datetime) -> Expired:
    """Look everywhere that a setting names."""
    found = Expired(
        inbox=list(_inbox(lake, _limit(config.inbox_days, now))),
        set_aside=list(_set_aside(lake, _limit(config.set_aside_days, now))),
        rejected=dict(_rejected(lake, _limit(config.rejected_days, now))),
        checkpoints=list(_checkpoints(lake, _limit(config.checkpoints_days, now))),
    )
    first = first_kept_day(config, now)
    days = {day for stage in BY_DAY for day in lake.days(stage, name="")} if first else set[date]()
    for day in sorted(one for one in days if first and one < first):
        try:
            found.days[day] = _rows_of(lake, day)
        except DamagedTableError as error:
            found.damaged[day] = str(error)
    return found


def first_kept_day(config: RetentionConfig, now: datetime) -> date | None:
    """The oldest day whose interactions are kept; None: all are."""
    days = config.interactions_days
    return None if days is None else now.astimezone(UTC).date() - timedelta(days=days)


def _limit(days: int | None, now: datetime) -> float | None:
    """Seconds since 1970 before which something is too old."""
    return None if days is None else (now - timedelta(days=days)).timestamp()


def _inbox(lake: Lake, limit: float | None) -> Iterator[str]:
    """Old files all of whose rows are in the ledger."""
    if limit is None:
        return
    landed, renamed = landed_files(lake), rewritten_files(lake)
    for file in listed_files(lake):
        if file.trouble is None and file.mtime < limit:
            file_hash = hash_of(lake.read_bytes(file.path))
            if renamed.get(file_hash, file_hash) in landed:
                yield file.path


def _set_aside(lake: Lake, limit: float | None) -> Iterator[str]:
    if limit is None:
        return
    for path in files_below(lake, lake.side("inbox", SET_ASIDE)):
        # a file keeps its own time when it is set aside; the reason beside it was written then
        times = [_time(lake, one) for one in (path, f"{path}{REASON}") if lake.exists(one)]
        if max(times, default=0.0) < limit:
            yield path


def _rejected(lake: Lake, limit: float | None) -> Iterator[tuple[str, int]]:
    if limit is None:
        return
    for name in lake.names(lake.path("rejected")):
        path = lake.path("rejected", name)
        if _time(lake, path) < limit:
            table = lake.read_table(path, columns=["detail", "raw"])
            held = len(table) - min(table["detail"].null_count, table["raw"].null_count)
            if held:
                yield path, held


def _rows_of(lake: Lake, day: date) -> dict[str, int]:
    """Hash of each landed file -> its rows of this day. Raises DamagedTableError."""
    found = Counter[str]()
    for stage in ("landing", "feedback"):
        folder = lake.path(stage, f"date={day.isoformat()}")
        for name in lake.names(folder):
            if name.endswith(".parquet"):
                file_hash = name.removesuffix(".parquet").partition("-")[0]
                found[file_hash] += lake.table_footer(f"{folder}/{name}").num_rows
    return dict(found)


def _checkpoints(lake: Lake, limit: float | None) -> Iterator[str]:
    if limit is None:
        return
    for segment in lake.names(lake.path("adapters")):
        for version in lake.names(lake.adapter_dir(segment)):
            folder = f"{lake.adapter_dir(segment, version)}/{CHECKPOINTS}"
            try:
                local = lake.local(folder)
            except NotLocalError:
                return
            if local.is_dir() and _newest(local) < limit:
                yield folder


def _newest(folder: Path) -> float:
    return max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))


def _time(lake: Lake, path: str) -> float:
    return modified_time(lake.fs.info(path)) or 0.0
