"""Reading days of health as frames: the only place that knows in which files they lie. What is made of them belongs above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Protocol

import polars as pl
import pyarrow as pa

from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.contract import HEALTH, INVITATIONS, USERS
from lyo_pipelines.storage.lake import Lake, NotLocalError

_LISTS = ("time_bins", "time_counts")
STRATA_COLUMNS = tuple(name for name in HEALTH.names if name not in _LISTS)
TIME_COLUMNS = ("segment", "topic", "grade", *_LISTS)
USER_COLUMNS = tuple(USERS.names)
_TEXTS = ("segment", "topic", "grade")


class HealthUnreadableError(LyoError):
    """No day of health could be read although there are some: silence must never look like "all is well"."""


class Health(Protocol):
    """Days of health, wherever they lie: lazy frames with texts as categories, which group and join faster."""

    def strata(self, days: Sequence[date]) -> pl.LazyFrame:
        """STRATA_COLUMNS and `day` of those days."""
        ...

    def times(self, days: Sequence[date]) -> pl.LazyFrame:
        """TIME_COLUMNS of those days."""
        ...

    def users(self, days: Sequence[date]) -> pl.LazyFrame:
        """USER_COLUMNS of those days."""
        ...


@dataclass(frozen=True)
class LakeHealth:
    """The health of a lake's days; `unreadable` are days whose files are there and cannot be read, with the reason."""

    lake: Lake
    days: frozenset[date]
    unreadable: dict[date, str] = field(default_factory=dict)

    def strata(self, days: Sequence[date]) -> pl.LazyFrame:
        """See Health."""
        found = [
            _scan(self.lake, [self.lake.health(day)], HEALTH).with_columns(day=pl.lit(day))
            for day in days
            if day in self.days
        ]
        return _joined(found, HEALTH, (*STRATA_COLUMNS, "day"))

    def times(self, days: Sequence[date]) -> pl.LazyFrame:
        """See Health."""
        return self._all([self.lake.health(day) for day in days if day in self.days], HEALTH, TIME_COLUMNS)

    def users(self, days: Sequence[date]) -> pl.LazyFrame:
        """See Health."""
        return self._all([self.lake.health_users(day) for day in days if day in self.days], USERS, USER_COLUMNS)

    def _all(self, paths: list[str], schema: pa.Schema, columns: Sequence[str]) -> pl.LazyFrame:
        return _joined([_scan(self.lake, paths, schema)] if paths else [], schema, columns)


@dataclass(frozen=True, eq=False)
class FrameHealth:
    """The same out of memory, for histories that are simulated or read once and replayed; both frames have a column `day`."""

    health: pl.DataFrame
    by_user: pl.DataFrame

    def strata(self, days: Sequence[date]) -> pl.LazyFrame:
        """See Health."""
        return self._of(self.health, days).select(*STRATA_COLUMNS, "day")

    def times(self, days: Sequence[date]) -> pl.LazyFrame:
        """See Health."""
        return self._of(self.health, days).select(TIME_COLUMNS)

    def users(self, days: Sequence[date]) -> pl.LazyFrame:
        """See Health."""
        return self._of(self.by_user, days).select(USER_COLUMNS)

    @staticmethod
    def _of(frame: pl.DataFrame, days: Sequence[date]) -> pl.LazyFrame:
        inside = _with_invitations(frame.lazy(), frame.columns).filter(pl.col("day").is_in(list(days)))
        return inside.with_columns(pl.col(name).cast(pl.Categorical) for name in _TEXTS if name in frame.columns)


READ_ERRORS = (OSError, ValueError, pl.exceptions.PolarsError)
"""What reading a damaged file raises, whichever library reads it."""


def read_health(lake: Lake, days: Iterable[date], *, whole: bool = False) -> LakeHealth:
    """The health of those of `days` that there are. Raises HealthUnreadableError when none of them can be read.

    whole: read every file to its end, which finds damage behind an intact footer; without it only footers are looked at.
    """
    wanted = sorted(set(days) & set(lake.days("health")))
    found, unreadable = _readable(lake, wanted, whole=whole)
    if wanted and not found:
        raise _nothing_readable(unreadable)
    return LakeHealth(lake, frozenset(found), unreadable)


def load_health(lake: Lake) -> FrameHealth:
    """All days at once in memory, for a replay."""
    health = read_health(lake, lake.days("health"))
    days = sorted(health.days)
    strata = [_scan(lake, [lake.health(day)], HEALTH).with_columns(day=pl.lit(day)) for day in days]
    users = [_scan(lake, [lake.health_users(day)], USERS).with_columns(day=pl.lit(day)) for day in days]
    return FrameHealth(
        _joined(strata, HEALTH, (*HEALTH.names, "day")).collect(),
        _joined(users, USERS, (*USER_COLUMNS, "day")).collect(),
    )


def examples_by_day(lake: Lake) -> pl.DataFrame:
    """Interactions (`n`) and curated examples (`kept`) per segment and day: columns segment, day, n, kept."""
    days = lake.days("health")

    def counted(found: list[date]) -> pl.DataFrame:
        scanned = [_scan(lake, [lake.health(day)], HEALTH).with_columns(day=pl.lit(day)) for day in found]
        return (
            _joined(scanned, HEALTH, ("segment", "day", "n", "kept"))
            .group_by("segment", "day")
            .agg(pl.col("n", "kept").cast(pl.Int64).sum())
            .with_columns(pl.col("segment").cast(pl.String))
            .sort("segment", "day")
            .collect()
        )

    try:
        return counted(days)
    except READ_ERRORS:  # find the broken ones, count the rest
        found, unreadable = _readable(lake, days, whole=True)
        if not found:
            raise _nothing_readable(unreadable) from None
        return counted(found)


def total_examples(by_day: pl.DataFrame) -> pl.DataFrame:
    """The same over all days (of what `examples_by_day` found): columns segment, n, kept."""
    return by_day.group_by("segment").agg(pl.col("n", "kept").sum()).sort("segment")


def health_signature(lake: Lake) -> str:
    """A text that changes whenever any day of health is written again (names, sizes and times of files only)."""
    return "\n".join(f"{day} {lake.fingerprint(lake.health(day))}" for day in lake.days("health"))


def _nothing_readable(unreadable: dict[date, str]) -> HealthUnreadableError:
    day, reason = next(iter(unreadable.items()))
    return HealthUnreadableError(
        f"none of {len(unreadable)} days of segment_health can be read; {day.isoformat()}: {reason}. "
        "Materialize segment_health for these days again."
    )


def _readable(lake: Lake, days: list[date], *, whole: bool) -> tuple[list[date], dict[date, str]]:
    found, unreadable = [], {}
    for day in days:
        try:
            for path, schema in ((lake.health(day), HEALTH), (lake.health_users(day), USERS)):
                with lake.open_table(path) as file:
                    missing = set(schema.names) - set(INVITATIONS) - set(file.schema_arrow.names)
                    if missing:
                        raise ValueError(f"{path} has no column {', '.join(sorted(missing))}")
                    if whole:
                        file.read(columns=schema.names)
        except (OSError, ValueError) as error:
            unreadable[day] = str(error)
        else:
            found.append(day)
    return found, unreadable


def _scan(lake: Lake, paths: list[str], schema: pa.Schema) -> pl.LazyFrame:
    try:
        local = [lake.local(path) for path in paths]
    except NotLocalError:
        read = [pl.DataFrame(pl.from_arrow(lake.read_table(path))) for path in paths]
        found = pl.concat([_with_invitations(frame.lazy(), frame.columns).select(schema.names) for frame in read])
    else:
        found = pl.scan_parquet(
            local, schema=_kinds(schema), missing_columns="insert", extra_columns="ignore", hive_partitioning=False
        )
    return _with_invitations(found, schema.names)


@cache
def _kinds(schema: pa.Schema) -> pl.Schema:
    """The same schema as polars says it. (An empty table that pyarrow makes itself would import pandas: a second.)"""
    return pl.DataFrame(pl.from_arrow(pa.Table.from_batches([], schema))).schema


def _with_invitations(frame: pl.LazyFrame, there: Sequence[str]) -> pl.LazyFrame:
    """The same with INVITATIONS, which files of before do not have: none is known of there."""
    kinds = {field.name: pl.Int32 if pa.types.is_integer(field.type) else pl.Float64 for field in HEALTH}
    return frame.with_columns(
        (pl.col(name).fill_null(0) if name in there else pl.lit(0)).cast(kinds[name]).alias(name)
        for name in INVITATIONS
    )


def _joined(frames: list[pl.LazyFrame], schema: pa.Schema, columns: Sequence[str]) -> pl.LazyFrame:
    if not frames:
        frames = [pl.DataFrame(schema=_kinds(schema)).lazy().with_columns(day=pl.lit(None, dtype=pl.Date))]
    return pl.concat(frames).select(
        pl.col(name).cast(pl.Categorical) if name in _TEXTS else pl.col(name) for name in columns
    )
