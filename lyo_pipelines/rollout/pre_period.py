"""What each user rated in the weeks before a release began: who was lenient then is lenient now, so less has to be seen. And how
often failures named no adapter then, which tells what is usual.

Read once, at the first look, and kept beside the registry: it lies before the release, so no later look can change it. A day that is
damaged is left out (what users said of the candidate counts all the same), and nothing is kept until it is whole. What the
candidate's own version answered earlier, in a release that ended, is not what was "before".
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pyarrow as pa

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import UNNAMED, failed, with_places
from lyo_pipelines.rollout.interaction_days import DamagedDayError, day_batches
from lyo_pipelines.rollout.parting import Parting
from lyo_pipelines.rollout.release_rows import OF_RELEASE, ReleaseRows
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.storage.lake import Lake

WEEKS = timedelta(days=28)
_ROWS_AT_ONCE = 32_768
"""Rows of one release that wait to be added up: each addition costs some milliseconds, and what waits is in memory."""
_PARTS_AT_ONCE = 16
"""Sums of one release that wait to be merged."""
SCHEMA = pa.schema(
    [
        ("user_pseudonym", pa.string()), ("before_n", pa.int64()), ("before_sum", pa.float64()), ("orphans", pa.int64()),
        ("rows", pa.int64()),
    ]
)  # fmt: skip
_COLUMNS = (*OF_RELEASE, "user_pseudonym", "rating", "error", "adapter_version", "experiment_arm")


@dataclass(frozen=True)
class PrePeriod:
    """users: user_pseudonym, pre_period_n (rated answers) and pre_period_sum (of their ratings). rows: of all users in those weeks;
    orphans: those of them that failed and name neither arm nor adapter.
    """

    users: pl.DataFrame
    orphans: int
    rows: int


def read_pre_periods(
    lake: Lake, releases: Sequence[Release], routing: Routing, *, batch_rows: int
) -> dict[str, PrePeriod]:
    """The weeks before each release began, by segment; what is not kept yet is read in one pass over the days they share."""
    found, reading = dict[str, PrePeriod](), list[_Before]()
    for release in releases:
        # not there yet, damaged, or of an earlier form: read again
        with suppress(OSError, pa.ArrowInvalid, KeyError, ValueError):
            kept = lake.read_table(_path(lake, release)).select(SCHEMA.names).cast(SCHEMA)
            found[release.segment] = _told(pl.DataFrame(pl.from_arrow(kept)))
            continue
        reading.append(_Before(release, routing, batch_rows))
    for day in lake.days("interactions") if reading else ():
        wanting = [one for one in reading if one.wants(day)]
        if not wanting:
            continue
        parting = Parting([one.release for one in wanting], routing)
        try:
            for rows in day_batches(lake, day, batch_rows, _COLUMNS):
                unnamed = rows.with_columns(
                    release_id=pl.lit(None, pl.String)
                )  # what another release was named does not count
                for place, mine in parting.of(unnamed):
                    wanting[place].take(mine)
        except DamagedDayError:
            for one in wanting:
                one.drop_day()
        else:
            for one in wanting:
                one.end_day()
    for one in reading:
        if one.whole:
            with suppress(OSError):  # a full disk must not keep a candidate from falling back
                lake.write_table(one.total.to_arrow().cast(SCHEMA), _path(lake, one.release))
        found[one.release.segment] = _told(one.total)
    return found


class _Before:
    """One release's sums by user, day by day: a day that breaks off is left out as a whole."""

    def __init__(self, release: Release, routing: Routing, batch_rows: int) -> None:
        assert release.began_at is not None
        self.release, self.whole, self._at_once = release, True, min(batch_rows, _ROWS_AT_ONCE)
        first, end = release.began_at - WEEKS, release.began_at
        self._days = first.date(), end.date()
        own = pl.col("adapter_version").eq_missing(pl.lit(release.candidate))
        self._counts = pl.col("occurred_at").is_between(first, end, closed="left") & ~own
        self._belonging = ReleaseRows(release, routing, moment=end)
        self._read, self._of_day = list[pl.DataFrame](), list[pl.DataFrame]()
        self._waiting, self._parts = list[pl.DataFrame](), list[pl.DataFrame]()

    @property
    def total(self) -> pl.DataFrame:
        """The sums of the days that could be read, in SCHEMA's columns."""
        return _merged([*self._parts, self._sums(self._waiting)]).select(SCHEMA.names).sort("user_pseudonym")

    def wants(self, day: date) -> bool:
        """Whether the day lies in the weeks before."""
        return self._days[0] <= day <= self._days[1]

    def take(self, rows: pl.DataFrame) -> None:
        """Rows of the day that may be the release's; added up when there are enough of them to be worth it."""
        if (mine := rows.filter(self._counts)).height:
            self._read.append(mine)
        if _height(self._read) >= self._at_once:
            self._of_day.append(self._sums(self._read))
            self._read = []

    def end_day(self) -> None:
        """The day was read to its end: it counts, together with others when they are enough."""
        self._waiting += self._read
        self._parts += self._of_day
        self._read, self._of_day = [], []
        if _height(self._waiting) >= self._at_once:
            self._parts.append(self._sums(self._waiting))
            self._waiting = []
        if len(self._parts) > _PARTS_AT_ONCE:
            self._parts = [_merged(self._parts)]

    def drop_day(self) -> None:
        """The day could not be read to its end."""
        self._read, self._of_day, self.whole = [], [], False

    def _sums(self, read: Sequence[pl.DataFrame]) -> pl.DataFrame:
        if not read:
            return pl.DataFrame(pl.from_arrow(SCHEMA.empty_table()))
        mine = with_places(self._belonging.of(pl.concat(read)), self.release.candidate)
        return mine.group_by("user_pseudonym").agg(
            before_n=pl.col("rating").count().cast(pl.Int64), before_sum=pl.col("rating").cast(pl.Float64).sum(),
            orphans=((pl.col("place") == UNNAMED) & failed()).sum().cast(pl.Int64), rows=pl.len().cast(pl.Int64),
        )  # fmt: skip


def _merged(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("user_pseudonym").sum()


def _height(frames: Sequence[pl.DataFrame]) -> int:
    return sum(frame.height for frame in frames)


def _path(lake: Lake, release: Release) -> str:
    assert release.began_at is not None
    return lake.path("rollout", release.segment, f"before-{release.candidate}-{release.began_at:%Y%m%dT%H%M%S}.parquet")


def _told(found: pl.DataFrame) -> PrePeriod:
    users = found.filter(pl.col("before_n") > 0).select(
        "user_pseudonym", pre_period_n="before_n", pre_period_sum="before_sum"
    )
    return PrePeriod(users, int(found["orphans"].sum()), int(found["rows"].sum()))
