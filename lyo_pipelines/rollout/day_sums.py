"""The rows of many releases since their stages began, added up by user in one pass over the days that they share.

A day is read once, however many releases look at it: its rows are parted among them (parting.py). What is added up for one
release is the same whoever else is looked at. Deciding belongs to decide.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from lyo_pipelines.interactions.complaints import is_cultural
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import failed, tallied, with_places
from lyo_pipelines.rollout.interaction_days import BATCH, DamagedDayError, day_batches
from lyo_pipelines.rollout.parting import Parting
from lyo_pipelines.rollout.pre_period import PrePeriod, read_pre_periods
from lyo_pipelines.rollout.release_rows import OF_RELEASE, ReleaseRows
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.rollout.stage_cache import USERS, Sums, keep_days, kept_days, stage_mark
from lyo_pipelines.storage.lake import Lake

COLUMNS = (
    *OF_RELEASE, "user_pseudonym", "adapter_version", "experiment_arm", "rating", "response_time_ms", "error",
    "complaint_category", "retries", "rating_invited",
)  # fmt: skip
ROWS_AT_ONCE = 32_768
"""Rows of one release and day that wait to be added up: each addition costs some milliseconds, and what waits is in memory."""


@dataclass(frozen=True, eq=False)
class StageSums:
    """A release's rows since its stage began. sums: SUMS by place and user; tally: as tallied() counts; None: no row.

    last_day: the newest with a row. unreadable: days that are left out because their file is damaged, each with the reason.
    before: what its users said in the weeks before it began.
    """

    before: PrePeriod
    sums: pl.DataFrame | None = None
    tally: pl.DataFrame | None = None
    unreadable: Mapping[date, str] = field(default_factory=dict)
    last_day: date | None = None


def summed_stages(
    lake: Lake,
    releases: Sequence[Release],
    routing: Routing,
    *,
    now: datetime,
    cultural: Sequence[str],
    batch_rows: int = BATCH,
) -> dict[str, StageSums]:
    """Sums of each release in canary, by segment. cultural: see collect_observations."""
    there = {day: lake.fingerprint(lake.interactions(day)) for day in lake.days("interactions") if day <= now.date()}
    adders = [_Adder(lake, release, routing, now, cultural, there, batch_rows) for release in releases]
    for day in there:
        wanting = [adder for adder in adders if adder.wants(day)]
        if not wanting:
            continue
        try:
            parting = Parting([adder.release for adder in wanting], routing)
            for rows in day_batches(lake, day, batch_rows, COLUMNS):
                for place, mine in parting.of(rows):
                    wanting[place].take(mine)
        except DamagedDayError as error:  # the other days still tell whether a candidate harms
            for adder in wanting:
                adder.drop_day(day, str(error))
        else:
            for adder in wanting:
                adder.end_day(day)
    before = read_pre_periods(lake, releases, routing, batch_rows=batch_rows)
    return {adder.release.segment: adder.total(before[adder.release.segment]) for adder in adders}


class _Adder:
    """One release's sums, day by day: a day that breaks off is left out as a whole, a finished one is not read again."""

    def __init__(
        self,
        lake: Lake,
        release: Release,
        routing: Routing,
        now: datetime,
        cultural: Sequence[str],
        there: Mapping[date, str],
        batch_rows: int,
    ) -> None:
        assert release.stage_began_at is not None
        self.release, self._lake, self._there, self._today = release, lake, there, now.date()
        self._within = pl.col("occurred_at").is_between(release.stage_began_at, now)
        self._belonging = ReleaseRows(release, routing)
        self._cultural, self._at_once = cultural, min(batch_rows, ROWS_AT_ONCE)
        self._mark = stage_mark(release, routing, cultural)
        self._kept = kept_days(lake, release, self._mark, there)
        self._known, self._changed = set(self._kept.days), False
        self._read, self._of_day, self._of_today = list[pl.DataFrame](), Sums(), Sums()
        self._unreadable: dict[date, str] = {}
        self._today_told = False

    def wants(self, day: date) -> bool:
        """Whether the day belongs to the stage and is not known."""
        assert self.release.stage_began_at is not None
        return self.release.stage_began_at.date() <= day and day not in self._known

    def take(self, rows: pl.DataFrame) -> None:
        """Rows of the day that may be the release's; added up when there are enough of them to be worth it."""
        if (mine := rows.filter(self._within)).height:
            self._read.append(mine)
        if sum(frame.height for frame in self._read) >= self._at_once:
            self._add_up()

    def end_day(self, day: date) -> None:
        """The day was read to its end."""
        self._add_up()
        if day < self._today:  # today is still being written, and rows of later than now are not counted
            self._kept.keep(day, self._there[day], self._of_day)
            self._changed = True
        else:
            self._of_today.add(self._of_day)
            self._today_told = self._of_day.users is not None
        self._of_day = Sums()

    def drop_day(self, day: date, reason: str) -> None:
        """The day could not be read to its end."""
        self._read, self._of_day = [], Sums()
        self._unreadable[day] = reason

    def total(self, before: PrePeriod) -> StageSums:
        """All days together; what is finished is kept for the next look."""
        if self._changed:
            self._kept.settle(self._today)
            keep_days(self._lake, self.release, self._mark, self._kept)
        found = self._kept.total()
        found.add(self._of_today)
        last = self._today if self._today_told else self._kept.last_day
        return StageSums(before, found.users, found.tally, self._unreadable, last)

    def _add_up(self) -> None:
        if self._read and (mine := self._belonging.of(pl.concat(self._read))).height:
            placed = with_places(mine, self.release.candidate)
            self._of_day.add(Sums(sums_by_user(placed, self._cultural), tallied(placed)))
        self._read = []


def sums_by_user(rows: pl.DataFrame, cultural: Sequence[str]) -> pl.DataFrame:
    """Sums of raw interactions by place and user (columns of `Arm`), so that parts of a day can be added up.

    Rows without a user count as one user together: nobody can tell them apart. Times of answers with an error are left out.
    """
    time = pl.when(~failed() & (pl.col("response_time_ms") > 0)).then(pl.col("response_time_ms").cast(pl.Float64))
    invited = pl.when(~failed()).then(pl.col("rating_invited"))
    asked = dict[str, pl.Expr]()
    for name, those in (("invited", invited), ("uninvited", ~invited)):
        rating = pl.col("rating").filter(those.fill_null(value=False))
        asked |= {
            f"{name}_n": those.fill_null(value=False).sum().cast(pl.Int64), f"{name}_rated_n": rating.count().cast(pl.Int64),
            f"{name}_sum": rating.cast(pl.Float64).sum(),
        }  # fmt: skip
    return rows.group_by(USERS).agg(
        ratings_n=pl.col("rating").count().cast(pl.Int64),
        ratings_sum=pl.col("rating").cast(pl.Float64).sum(),
        answers_n=pl.len().cast(pl.Int64),
        errors_n=failed().sum().cast(pl.Int64),
        cultural_n=is_cultural(cultural).sum().cast(pl.Int64),
        retries_n=(pl.col("retries") > 0).fill_null(value=False).sum().cast(pl.Int64),
        times_n=time.count().cast(pl.Int64),
        log_ms_sum=time.log().sum(),
        **asked,
    )
