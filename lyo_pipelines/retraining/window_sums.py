"""Days of health as sums over windows: each day file is read once, and each window is put together from blocks of days.

Statistics belong to compute_signals.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lyo_pipelines.health.contract import INVITATIONS, NO_USER
from lyo_pipelines.health.read import Health
from lyo_pipelines.retraining.windows import WindowPair, Windows
from lyo_pipelines.statistics.histogram import BINS

Floats = NDArray[np.float64]
Quantity = tuple[str, str, str]
"""Columns of a quantity: how many values, their sum, the sum of their squares (for shares: the count again)."""

COUNTS = (
    "n",
    "kept",
    "served",
    "rated",
    "judged",
    "negative",
    "relevance_n",
    "cultural",
    "retried",
    "examined",
    "mismatched",
    "timed",
)
SUMS = ("rating_sum", "rating_squares", "relevance_sum", "relevance_squares", "log_time_sum", "log_time_squares")
STRATUM = ("segment", "topic", "grade", "exam")
COARSE = ("segment", "topic", "exam")
"""Strata of the week-over-week comparison: a single week is too thin for grades, too."""


_DAYS_AT_ONCE = 7
_DAYS_READ = 28

DAILY = (
    "rated",
    "judged",
    "negative",
    "relevance_n",
    "served",
    "cultural",
    "timed",
    "rating_sum",
    "relevance_sum",
    "log_time_sum",
)
"""What is looked at day by day, too."""

GROUPS = NO_USER + 1
"""Random groups of users, and behind them the rows that name none."""
BY_USER = (
    "served", "rated", "rating_sum", "rating_squares", "judged", "negative", "relevance_n", "relevance_sum", "relevance_squares",
    "cultural", "examined", "mismatched", "timed", "log_time_sum", "log_time_squares",
)  # fmt: skip
TOPIC_COUNTS = ("topic_n", "topic_retried", "topic_rated", "topic_rating_sum")


@dataclass(frozen=True, eq=False)
class Days:
    """Rows of single days: number of their stratum in `strata(pair)`, of their day in (*now, *base), how many days; where they lie."""

    at: NDArray[np.integer]
    day: NDArray[np.integer]
    days: int
    rows: NDArray[np.integer]
    row: NDArray[np.integer] | None


class WindowSums(Protocol):
    """What a pair of windows is compared by: see Frames."""

    @property
    def segments(self) -> list[str]:
        """All of them, in the order of every array's rows."""
        ...

    def strata(self, pair: WindowPair) -> pl.DataFrame:
        """See Frames."""
        ...

    def by_day(self, pair: WindowPair) -> Days:
        """See Frames."""
        ...

    def values(self, days: Days, name: str) -> NDArray[np.generic]:
        """See Frames."""
        ...

    def users(self, days: tuple[date, ...]) -> dict[str, Floats]:
        """See Frames."""
        ...


class Frames:
    """Sums of the windows' days; every array has one row per segment of `segments`, in that order.

    invited: whether any day knows of invitations to rate; without one their columns are neither read nor there.
    """

    def __init__(self, health: Health, windows: Windows, more_segments: Iterable[str] = ()) -> None:
        self.windows = windows
        self._health = health
        self._blocks = _blocks(windows)
        days = windows.days
        self.invited = bool(health.strata(days).select(pl.col("invited_n").sum()).collect().item())
        self._more = INVITATIONS if self.invited else ()
        # some days at a time: what reading needs beside the rows themselves stays small
        frame = pl.concat(
            [self._daily(days[at : at + _DAYS_READ]) for at in range(0, len(days), _DAYS_READ)], rechunk=False
        )
        self.segments = sorted(set(frame["segment"].unique().cast(pl.String)) | set(more_segments))
        self._code = pl.Enum(self.segments)
        self._read(frame)
        self._sums: dict[tuple[date, ...], dict[str, Floats]] = {}
        self._strata: dict[WindowPair, pl.DataFrame] = {}
        self._found: dict[WindowPair, Days] = {}
        self._users: dict[tuple[date, ...], dict[str, Floats]] = {}
        self._by_block: dict[int, dict[str, Floats]] = {}

    def _daily(self, days: Sequence[date]) -> pl.DataFrame:
        """One row per stratum and day."""
        rows = self._health.strata(days).select(
            "day", "segment", "topic", "grade", pl.col(COUNTS).cast(pl.Int32), pl.col(SUMS).cast(pl.Float64),
            pl.col(self._more).cast(pl.Float64),
            exam=pl.col("day").is_in(list(self.windows.exams)),
            block=pl.col("day").replace_strict(self._blocks, default=None, return_dtype=pl.Int16),
        )  # fmt: skip
        return rows.collect()

    def _read(self, frame: pl.DataFrame) -> None:
        """Number the strata, and sum up each of them over each block of days."""
        key = np.zeros(len(frame), np.int64)
        for name in STRATUM:
            column = frame[name].to_physical().to_numpy()
            key *= int(column.max(initial=0)) + 1
            key += column
        keys, first, stratum = np.unique(key, return_index=True, return_inverse=True)
        self._names = frame[first].select(STRATUM).with_columns(self._coded())
        blocks = max(self._blocks.values(), default=0) + 1
        at = stratum * blocks + frame["block"].to_numpy()
        cells = len(keys) * blocks
        self._table = {
            name: _summed(at, frame[name].to_numpy(), cells).reshape(len(keys), blocks)
            for name in (*COUNTS, *SUMS, *self._more)
        }
        self._stratum = stratum.astype(np.int32)
        self._day = frame["day"]
        # half the memory; single days are only looked at for their scatter
        self._values = {name: frame[name].to_numpy().astype(np.float32) for name in (*DAILY, *self._more)}

    def keys(self, pair: WindowPair) -> tuple[str, ...]:
        """The strata by which a pair is compared."""
        return COARSE if pair == self.windows.week else STRATUM

    def sums(self, days: tuple[date, ...]) -> pl.DataFrame:
        """Sums per stratum over a window."""
        return self._names.hstack(pl.DataFrame(self._over(days))).filter(pl.col("n") > 0)

    def strata(self, pair: WindowPair) -> pl.DataFrame:
        """Both windows side by side, one row per stratum; the baseline's columns end in `_base`, `code` numbers the segment."""
        if pair not in self._strata:
            both = {f"{name}_base": value for name, value in self._over(pair.base).items()}
            frame = self._names.hstack(pl.DataFrame({**self._over(pair.now), **both}))
            if self.keys(pair) == COARSE:
                frame = frame.group_by(COARSE, maintain_order=True).agg(pl.selectors.float().sum())
            self._strata[pair] = frame.with_columns(code=codes(frame))
        return self._strata[pair]

    def by_day(self, pair: WindowPair) -> Days:
        """The rows of single days of both windows."""
        if pair not in self._found:
            names = self._names.select(self.keys(pair))
            stratum = names.join(
                self.strata(pair).select(names.columns).with_row_index("at"), on=names.columns, maintain_order="left"
            )
            number = {day: at for at, day in enumerate((*pair.now, *pair.base))}
            day = self._day.replace_strict(number, default=-1, return_dtype=pl.Int32).to_numpy()
            rows = np.flatnonzero(day >= 0).astype(np.int32)
            day, at = day[rows], stratum["at"].to_numpy().astype(np.int32)[self._stratum[rows]]
            if self.keys(pair) == COARSE:  # a day has one row per stratum, but several per coarser one
                both, row = np.unique(at.astype(np.int64) * len(number) + day, return_inverse=True)
                found = Days(both // len(number), both % len(number), len(number), rows, row)
            else:
                found = Days(at, day, len(number), rows, None)
            self._found[pair] = found
        return self._found[pair]

    def values(self, days: Days, name: str) -> NDArray[np.generic]:
        """A column of rows of single days."""
        found = self._values[name][days.rows]
        return found if days.row is None else _summed(days.row, found, len(days.at))

    def _over(self, days: tuple[date, ...]) -> dict[str, Floats]:
        if days not in self._sums:
            blocks = self._of(days)
            self._sums[days] = {name: table[:, blocks].sum(axis=1) for name, table in self._table.items()}
        return self._sums[days]

    def dense(self, frame: pl.DataFrame, name: str, *, at: NDArray[np.int64] | None = None, width: int = 1) -> Floats:
        """A column summed up by segment (and by `at`, 0 to width - 1): shape (segments,) or (segments, width)."""
        place = frame["segment"].to_physical().to_numpy().astype(np.int64) * width + (0 if at is None else at)
        weights = frame[name].to_numpy().astype(np.float64)
        flat = np.bincount(place, weights=weights, minlength=len(self.segments) * width).astype(np.float64)
        return flat if at is None else flat.reshape(-1, width)

    def users(self, days: tuple[date, ...]) -> dict[str, Floats]:
        """A window's sums by group of users: columns of BY_USER (and INVITATIONS), each of shape (segments, GROUPS)."""
        if days not in self._users:
            parts = [self._users_of_block(number) for number in self._of(days)]
            none = np.zeros((len(self.segments), GROUPS))
            names = (*BY_USER, *self._more)
            self._users[days] = {name: sum((part[name] for part in parts), none) for name in names}
        return self._users[days]

    def _users_of_block(self, number: int) -> dict[str, Floats]:
        if number not in self._by_block:
            days = [day for day, block in self._blocks.items() if block == number]
            names = (*BY_USER, *self._more)
            grouped = self._health.users(days).group_by("segment", "user_group").agg(pl.col(names).sum())
            rows = grouped.collect(engine="streaming").with_columns(self._coded())
            at = rows["user_group"].to_numpy().astype(np.int64)
            self._by_block[number] = {name: self.dense(rows, name, at=at, width=GROUPS) for name in names}
        return self._by_block[number]

    def topic_users(self, days: tuple[date, ...]) -> tuple[pl.DataFrame, dict[str, Floats]]:
        """(columns segment and topic, one row per topic; TOPIC_COUNTS by group of users, each of shape (topics, GROUPS))."""
        lists = ["topics", *TOPIC_COUNTS]
        rows = (
            self._health.users(days)
            .select("segment", "user_group", *lists)
            .filter(pl.col("topics").list.len() > 0)
            .explode(lists)
            .group_by("segment", "topics", "user_group")
            .agg(pl.col(TOPIC_COUNTS).sum())
            .collect(engine="streaming")
            .with_columns(pl.col("segment").cast(pl.String))
        )
        names = rows.select("segment", topic="topics").unique().sort("segment", "topic").with_row_index("at")
        at = rows.join(names, left_on=["segment", "topics"], right_on=["segment", "topic"], maintain_order="left")["at"]
        place = at.to_numpy().astype(np.int64) * GROUPS + rows["user_group"].to_numpy()
        cells = len(names) * GROUPS
        return names.drop("at"), {
            name: _summed(place, rows[name].to_numpy(), cells).reshape(-1, GROUPS) for name in TOPIC_COUNTS
        }

    def times_by_user(self, days: tuple[date, ...]) -> Floats:
        """Histograms of a window's response times by group of users: shape (segments, GROUPS, BINS)."""
        table = np.zeros(len(self.segments) * GROUPS * BINS)
        for first in range(0, len(days), _DAYS_AT_ONCE):
            chosen = self._health.users(days[first : first + _DAYS_AT_ONCE])
            rows = chosen.select("segment", "user_group", "time_bins", "time_counts").collect()
            rows = rows.with_columns(self._coded())
            row = codes(rows).to_numpy() * GROUPS + rows["user_group"].to_numpy()
            sizes = rows["time_bins"].list.len().to_numpy()
            bins = rows["time_bins"].list.explode(empty_as_null=False).to_numpy()
            counts = rows["time_counts"].list.explode(empty_as_null=False).to_numpy()
            table += np.bincount(np.repeat(row, sizes) * BINS + bins, weights=counts, minlength=len(table))
        return table.reshape(-1, GROUPS, BINS)

    def base_times(self, pair: WindowPair, weights: pl.DataFrame) -> Floats:
        """Histograms of the baseline's response times, shape (segments, BINS), by `weights` (columns of STRATUM and `weight`: what
        one value of a stratum counts); a few days at a time: the lists of many days are large when taken apart."""
        table = np.zeros(len(self.segments) * BINS)
        for exam in (False, True):
            chosen = [day for day in pair.base if (day in self.windows.exams) == exam]
            for first in range(0, len(chosen), _DAYS_AT_ONCE):
                rows = self._health.times(chosen[first : first + _DAYS_AT_ONCE]).collect()
                rows = rows.with_columns(self._coded(), exam=pl.lit(exam)).join(weights, on=STRATUM)
                sizes = rows["time_bins"].list.len().to_numpy()
                bins = rows["time_bins"].list.explode(empty_as_null=False).to_numpy()
                counts = rows["time_counts"].list.explode(empty_as_null=False).to_numpy()
                place = np.repeat(codes(rows).to_numpy() * BINS, sizes) + bins
                worth = counts * np.repeat(rows["weight"].to_numpy(), sizes)
                table += np.bincount(place, weights=worth, minlength=len(table))
        return table.reshape(-1, BINS)

    def _coded(self) -> pl.Expr:
        return pl.col("segment").cast(pl.String).cast(self._code)

    def _of(self, days: Sequence[date]) -> list[int]:
        return sorted({self._blocks[day] for day in days})


def _summed(at: NDArray[np.integer], values: NDArray[np.generic], length: int) -> Floats:
    """Values summed up by number; always float64 (numpy's bincount of nothing is of integers)."""
    return np.bincount(at, weights=values, minlength=length).astype(np.float64)


def codes(frame: pl.DataFrame) -> pl.Series:
    """The number of each row's segment."""
    return frame["segment"].to_physical().cast(pl.Int64)


def _blocks(windows: Windows) -> dict[date, int]:
    """Days that belong to the same windows share a block, so sums by block give the sums of every window."""
    members = [set(days) for pair in (windows.short, windows.long, windows.week) for days in (pair.now, pair.base)]
    numbers: dict[tuple[bool, ...], int] = {}
    return {day: numbers.setdefault(tuple(day in days for days in members), len(numbers)) for day in windows.days}
