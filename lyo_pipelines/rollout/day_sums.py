"""The rows of many releases since their stages began, added up by user in one pass over the days that they share.

A day is read once, however many releases look at it: its rows are parted by what was asked and by the release that they name, and each
release gets those that may be its own (which are, release_rows.py says). What is added up for one release is the same whoever else is
looked at. Deciding belongs to decide.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.complaints import is_cultural
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import PLACE, failed, tallied, with_places
from lyo_pipelines.rollout.release_rows import ASKED, OF_RELEASE, ReleaseRows
from lyo_pipelines.rollout.routing import Routing, release_id
from lyo_pipelines.rollout.selection import Query, candidate_keys
from lyo_pipelines.storage.lake import Lake

COLUMNS = (
    *OF_RELEASE, "user_pseudonym", "adapter_version", "experiment_arm", "rating", "response_time_ms", "error",
    "complaint_category", "retries",
)  # fmt: skip
SUMS = (
    "ratings_n", "ratings_sum", "answers_n", "errors_n", "cultural_n", "retries_n", "times_n", "log_ms_sum",
)  # fmt: skip
BATCH = 65_536
ROWS_AT_ONCE = 32_768
"""Rows of one release that wait to be added up: each addition costs some milliseconds, and what waits is in memory."""
READ_ERRORS = (OSError, ValueError, KeyError, pl.exceptions.PolarsError)
"""What reading a damaged day raises, whichever library reads it."""
_USERS = (PLACE, "user_pseudonym")
_TALLIES = ("named_arm", PLACE, "has_version", "failed")
_PARTS = (*ASKED, "release_id")


@dataclass(frozen=True, eq=False)
class StageSums:
    """A release's rows since its stage began. sums: SUMS by place and user; tally: as tallied() counts; None: no row.

    unreadable: days that are left out because their file is damaged, each with the reason.
    """

    sums: pl.DataFrame | None = None
    tally: pl.DataFrame | None = None
    unreadable: Mapping[date, str] = field(default_factory=dict)


def summed_stages(
    lake: Lake,
    releases: Sequence[Release],
    routing: Routing,
    *,
    now: datetime,
    cultural: Sequence[str] | None = None,
    batch_rows: int = BATCH,
) -> dict[str, StageSums]:
    """Sums of each release in canary, by segment. cultural: see collect_observations."""
    categories = _packaged_categories() if cultural is None else tuple(cultural)
    adders = [_Adder(release, routing, now, categories, batch_rows) for release in releases]
    for day in lake.days("interactions"):
        wanting = [adder for adder in adders if adder.first <= day <= now.date()]
        if not wanting:
            continue
        try:
            parting = _Parting(wanting, routing)
            for rows in _batches(lake, day, batch_rows):
                for adder, mine in parting.of(rows):
                    adder.take(mine)
        except _DamagedDayError as error:  # the other days still tell whether a candidate harms
            for adder in wanting:
                adder.drop_day(day, str(error))
        else:
            for adder in wanting:
                adder.end_day()
    return {adder.release.segment: adder.total() for adder in adders}


@cache
def _packaged_categories() -> tuple[str, ...]:
    return load_config().curation.cultural_complaint_categories


class _DamagedDayError(Exception):
    """A day's file cannot be read to its end."""


def _batches(lake: Lake, day: date, batch_rows: int) -> Iterator[pl.DataFrame]:
    """A day's rows (COLUMNS). Raises _DamagedDayError."""
    try:
        with lake.open_table(lake.interactions(day)) as file:
            batches = file.iter_batches(batch_size=batch_rows, columns=list(COLUMNS))
            while (batch := next(batches, None)) is not None:
                rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                if missing := set(COLUMNS) - {"release_id"} - set(rows.columns):
                    raise KeyError(f"it has no column {', '.join(sorted(missing))}")
                yield rows if "release_id" in rows.columns else rows.with_columns(release_id=pl.lit(None, pl.String))
    except READ_ERRORS as error:
        raise _DamagedDayError(str(error)) from error


class _Adder:
    """One release's sums, day by day: a day that breaks off is left out as a whole."""

    def __init__(
        self, release: Release, routing: Routing, now: datetime, cultural: Sequence[str], batch_rows: int
    ) -> None:
        assert release.stage_began_at is not None
        self.release, self.first = release, release.stage_began_at.date()
        self._within = pl.col("occurred_at").is_between(release.stage_began_at, now)
        self._belonging = ReleaseRows(release, routing)
        self._cultural, self._at_once = cultural, min(batch_rows, ROWS_AT_ONCE)
        self._read, self._today = list[pl.DataFrame](), _Sums()  # of the day that is being read
        self._whole, self._days = list[pl.DataFrame](), _Sums()  # of days that were read to their end
        self._unreadable: dict[date, str] = {}

    def take(self, rows: pl.DataFrame) -> None:
        """Rows of the day that may be the release's; added up when there are enough of them to be worth it."""
        if (mine := rows.filter(self._within)).height:
            self._read.append(mine)
        if self._enough(self._read):
            self._add(self._read, self._today)

    def end_day(self) -> None:
        """The day was read to its end."""
        self._days.add(self._today)
        self._whole += self._read
        self._read, self._today = [], _Sums()
        if self._enough(self._whole):
            self._add(self._whole, self._days)

    def drop_day(self, day: date, reason: str) -> None:
        """The day could not be read to its end."""
        self._read, self._today = [], _Sums()
        self._unreadable[day] = reason

    def total(self) -> StageSums:
        """All days together."""
        self._add(self._whole, self._days)
        return StageSums(self._days.users, self._days.tally, self._unreadable)

    def _enough(self, frames: list[pl.DataFrame]) -> bool:
        return sum(frame.height for frame in frames) >= self._at_once

    def _add(self, frames: list[pl.DataFrame], sums: _Sums) -> None:
        """Add frames up, and empty their list."""
        if frames and (mine := self._belonging.of(pl.concat(frames))).height:
            placed = with_places(mine, self.release.candidate)
            sums.add(_Sums(sums_by_user(placed, self._cultural), tallied(placed)))
        frames.clear()


@dataclass
class _Sums:
    """Sums by user and tallies, merged as they come: one line per place and user, however many rows there are."""

    users: pl.DataFrame | None = None
    tally: pl.DataFrame | None = None

    def add(self, other: _Sums) -> None:
        if self.users is None or self.tally is None:
            self.users, self.tally = other.users, other.tally
        elif other.users is not None and other.tally is not None:
            self.users = pl.concat([self.users, other.users]).group_by(_USERS).agg(pl.col(SUMS).sum())
            self.tally = pl.concat([self.tally, other.tally]).group_by(_TALLIES).agg(pl.col("rows").sum())


class _Parting:
    """Parts rows among releases, by what was asked and the release that they name; each such kind is looked up once."""

    def __init__(self, adders: Sequence[_Adder], routing: Routing) -> None:
        self._adders, self._served_by = adders, dict(routing.served_by)
        self._of_segment = {adder.release.segment: place for place, adder in enumerate(adders)}
        self._of_name = {release_id(adder.release): place for place, adder in enumerate(adders)}
        self._known: dict[tuple[str | None, ...], frozenset[int]] = {}

    def of(self, rows: pl.DataFrame) -> Iterator[tuple[_Adder, pl.DataFrame]]:
        """Each release with those of the rows that may be its own."""
        if len(self._adders) == 1:
            yield self._adders[0], rows
            return
        kinds = rows.select(_PARTS).unique(maintain_order=True).with_row_index("_kind")
        takers = [self._takers(*kind) for kind in kinds.select(_PARTS).iter_rows()]
        rows = rows.join(kinds, on=_PARTS, how="left", nulls_equal=True, maintain_order="left")
        for place, adder in enumerate(self._adders):
            mine = [kind for kind, of_kind in enumerate(takers) if place in of_kind]
            if mine:
                yield adder, rows.filter(pl.col("_kind").is_in(mine)).drop("_kind")

    def _takers(self, *kind: str | None) -> frozenset[int]:
        """A question takes part in no release but one that its row names, or one of the segments that may answer it."""
        if kind not in self._known:
            task, language, subject, mode, team, named = kind
            keys = candidate_keys(Query(task or "", language or "", subject, mode, team), self._served_by)
            places = {self._of_segment[key] for key in keys if key in self._of_segment}
            self._known[kind] = frozenset(places | ({self._of_name[named]} if named in self._of_name else set()))
        return self._known[kind]


def sums_by_user(rows: pl.DataFrame, cultural: Sequence[str]) -> pl.DataFrame:
    """Sums of raw interactions by place and user (columns of `Arm`), so that parts of a day can be added up.

    Rows without a user count as one user together: nobody can tell them apart. Times of answers with an error are left out.
    """
    time = pl.when(~failed() & (pl.col("response_time_ms") > 0)).then(pl.col("response_time_ms").cast(pl.Float64))
    return rows.group_by(_USERS).agg(
        ratings_n=pl.col("rating").count().cast(pl.Int64),
        ratings_sum=pl.col("rating").cast(pl.Float64).sum(),
        answers_n=pl.len().cast(pl.Int64),
        errors_n=failed().sum().cast(pl.Int64),
        cultural_n=is_cultural(pl.col("complaint_category"), cultural).sum().cast(pl.Int64),
        retries_n=(pl.col("retries") > 0).fill_null(value=False).sum().cast(pl.Int64),
        times_n=time.count().cast(pl.Int64),
        log_ms_sum=time.log().sum(),
    )
