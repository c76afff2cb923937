"""Days of health as sums over windows: each day file is read once, and each window is put together from blocks of days.

Statistics belong to measure.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lyo_pipelines.health.contract import USER_GROUPS
from lyo_pipelines.health.read import Health
from lyo_pipelines.retraining.windows import Pair, Windows
from lyo_pipelines.statistics.histogram import BINS

Floats = NDArray[np.float64]
Quantity = tuple[str, str, str]
"""Columns of a quantity: how many values, their sum, the sum of their squares (for shares: the count again)."""

COUNTS = (
    "n",
    "kept",
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


class Frames:
    """Sums of the windows' days; every array has one row per segment of `segments`, in that order."""

    def __init__(self, health: Health, windows: Windows, more_segments: Iterable[str] = ()) -> None:
        self.windows = windows
        self._health = health
        self._blocks = _blocks(windows)
        daily = health.strata(windows.days).select(
            "day", "segment", "topic", "grade", pl.col(COUNTS).cast(pl.Int32), pl.col(SUMS).cast(pl.Float64),
            exam=pl.col("day").is_in(list(windows.exams)),
            block=pl.col("day").replace_strict(self._blocks, default=None, return_dtype=pl.Int16),
        )  # fmt: skip
        frame = daily.collect()
        self.segments = sorted(set(frame["segment"].unique().cast(pl.String)) | set(more_segments))
        self._code = pl.Enum(self.segments)
        self.daily = frame.with_columns(self._coded())
        self._by_block = self.daily.group_by(*STRATUM, "block").agg(pl.col(*COUNTS, *SUMS).cast(pl.Float64).sum())
        self._sums: dict[tuple[date, ...], pl.DataFrame] = {}
        self._strata: dict[Pair, pl.DataFrame] = {}

    def keys(self, pair: Pair) -> tuple[str, ...]:
        """The strata by which a pair is compared."""
        return COARSE if pair == self.windows.week else STRATUM

    def sums(self, days: tuple[date, ...]) -> pl.DataFrame:
        """Sums per stratum over a window."""
        if days not in self._sums:
            inside = self._by_block.filter(pl.col("block").is_in(self._of(days)))
            self._sums[days] = inside.group_by(STRATUM).agg(pl.col(*COUNTS, *SUMS).sum())
        return self._sums[days]

    def strata(self, pair: Pair) -> pl.DataFrame:
        """Both windows side by side, one row per stratum; the baseline's columns end in `_base`, `code` numbers the segment."""
        if pair not in self._strata:
            keys = self.keys(pair)
            now, base = (
                self.sums(days).group_by(keys).agg(pl.col(*COUNTS, *SUMS).sum()) for days in (pair.now, pair.base)
            )
            joined = now.join(base, on=keys, how="full", coalesce=True, suffix="_base")
            filled = joined.with_columns(pl.selectors.float().fill_null(0.0), code=codes(joined))
            self._strata[pair] = filled
        return self._strata[pair]

    def dense(self, frame: pl.DataFrame, name: str, *, at: NDArray[np.int64] | None = None, width: int = 1) -> Floats:
        """A column summed up by segment (and by `at`, 0 to width - 1): shape (segments,) or (segments, width)."""
        place = frame["segment"].to_physical().to_numpy().astype(np.int64) * width + (0 if at is None else at)
        weights = frame[name].to_numpy().astype(np.float64)
        flat = np.bincount(place, weights=weights, minlength=len(self.segments) * width).astype(np.float64)
        return flat if at is None else flat.reshape(-1, width)

    def users(self, n: str, total: str) -> dict[tuple[date, ...], tuple[Floats, Floats]]:
        """Per window of the short and long pair: n and total by random group of users, each of shape (segments, USER_GROUPS)."""
        windows = [days for pair in (self.windows.short, self.windows.long) for days in (pair.now, pair.base)]
        by_block = {number: self._users(days, n, total) for number, days in self._days_by_block(windows).items()}
        found = {}
        for days in windows:
            parts = [by_block[number] for number in self._of(days)]
            found[days] = sum(part[0] for part in parts), sum(part[1] for part in parts)
        return found

    def _users(self, days: Sequence[date], n: str, total: str) -> tuple[Floats, Floats]:
        grouped = self._health.users(days).group_by("segment", "user_group").agg(pl.col(n, total).sum())
        rows = grouped.collect(engine="streaming").with_columns(self._coded())
        at = rows["user_group"].to_numpy().astype(np.int64)
        return self.dense(rows, n, at=at, width=USER_GROUPS), self.dense(rows, total, at=at, width=USER_GROUPS)

    def times(self, pair: Pair, weights: pl.DataFrame) -> tuple[Floats, Floats]:
        """Histograms of response times, shape (segments, BINS): the window's, and the baseline's by `weights` (columns of STRATUM
        and `weight`: what one value of a stratum counts)."""
        now, base = self._times(pair.now), self._times(pair.base)
        base = base.join(weights, on=STRATUM).with_columns(count=pl.col("count") * pl.col("weight"))
        first, second = (
            self.dense(part, "count", at=part["time_bins"].to_numpy().astype(np.int64), width=BINS)
            for part in (now, base)
        )
        return first, second

    def _times(self, days: Sequence[date]) -> pl.DataFrame:
        """Counts per stratum and bin over some days."""
        exams = self.windows.exams
        kinds = {True: [day for day in days if day in exams], False: [day for day in days if day not in exams]}
        frames = [
            self._health.times(chosen).with_columns(exam=pl.lit(exam)) for exam, chosen in kinds.items() if chosen
        ]
        counted = (
            pl.concat(frames or [self._health.times([]).with_columns(exam=pl.lit(False))])
            .explode("time_bins", "time_counts", empty_as_null=False)
            .group_by(*STRATUM, "time_bins")
            .agg(count=pl.col("time_counts").sum().cast(pl.Float64))
        )
        return counted.collect(engine="streaming").with_columns(self._coded())

    def _coded(self) -> pl.Expr:
        return pl.col("segment").cast(pl.String).cast(self._code)

    def _days_by_block(self, windows: Sequence[tuple[date, ...]]) -> dict[int, list[date]]:
        found: dict[int, list[date]] = {}
        for day in sorted({day for days in windows for day in days}):
            found.setdefault(self._blocks[day], []).append(day)
        return found

    def _of(self, days: Sequence[date]) -> list[int]:
        return sorted({self._blocks[day] for day in days})


def codes(frame: pl.DataFrame) -> pl.Series:
    """The number of each row's segment."""
    return frame["segment"].to_physical().cast(pl.Int64)


def _blocks(windows: Windows) -> dict[date, int]:
    """Days that belong to the same windows share a block, so sums by block give the sums of every window."""
    members = [set(days) for pair in (windows.short, windows.long, windows.week) for days in (pair.now, pair.base)]
    numbers: dict[tuple[bool, ...], int] = {}
    return {day: numbers.setdefault(tuple(day in days for days in members), len(numbers)) for day in windows.days}
