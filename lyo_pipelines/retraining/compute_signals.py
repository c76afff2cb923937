"""Days of health -> the signals of every segment, all segments at once. No thresholds and no decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from lyo_pipelines.health.read import Health
from lyo_pipelines.retraining.signals import Change, Level, Shares, Signals, Tail, TopicSignals
from lyo_pipelines.retraining.window_sums import Floats, Frames, Quantity
from lyo_pipelines.retraining.windows import WindowPair, Windows
from lyo_pipelines.statistics.histogram import histogram_quantiles
from lyo_pipelines.statistics.stratified import (
    MINIMUM_BASE,
    Changes,
    Sums,
    moderated_variance,
    random_groups_error,
    stratified_changes,
)

RATING: Quantity = ("rated", "rating_sum", "rating_squares")
TIME: Quantity = ("timed", "log_time_sum", "log_time_squares")
RELEVANCE: Quantity = ("relevance_n", "relevance_sum", "relevance_squares")
NEGATIVE: Quantity = ("judged", "negative", "negative")
CULTURAL: Quantity = ("n", "cultural", "cultural")

_ROWS_AT_ONCE = 200_000
_MINIMUM_DEGREES_OF_FREEDOM = 5
"""With fewer degrees of freedom nothing is said about how much days scatter."""


def compute_signals(health: Health, windows: Windows, today: date, examples: pl.DataFrame) -> dict[str, Signals]:
    """Signals of every segment that `health` or `examples` (columns segment, n, kept: all days) know."""
    frames = Frames(health, windows, examples["segment"])
    short, long = _Compared(frames, windows.short), _Compared(frames, windows.long)
    week = _Compared(frames, windows.week)
    users = frames.users("rated", "rating_sum")
    sway = [_day_effect(users[pair.now], users[pair.base]) for pair in (windows.short, windows.long)]
    totals = {segment: (n, kept) for segment, n, kept in examples.select("segment", "n", "kept").iter_rows()}
    now = frames.sums(windows.long.now)
    columns = zip(
        short.change(RATING, *sway[0]), long.change(RATING, *sway[1]), short.level(RATING), week.shares(NEGATIVE),
        short.level(RELEVANCE), short.change(RELEVANCE), long.shares(CULTURAL), short.change(TIME), short.tails(),
        frames.dense(now, "mismatched").tolist(), frames.dense(now, "examined").tolist(), strict=True,
    )  # fmt: skip
    topics, grades = _topics(frames), _grades(frames)
    found = {}
    for segment, values in zip(frames.segments, columns, strict=True):
        rated, rated_long, level, negative, relevance, relevance_change, cultural, time, tail, mismatched, examined = (
            values
        )
        interactions, kept = totals.get(segment, (0, 0))
        found[segment] = Signals(
            segment=segment, day=today, interactions=int(interactions), examples=int(kept), rating=(rated, rated_long),
            rating_level=level, negative=negative, relevance=relevance, relevance_change=relevance_change, cultural=cultural,
            time=time, tail=tail, mismatch=(int(mismatched), int(examined)), topics=topics.get(segment, ()),
            grades=grades.get(segment, {}),
        )  # fmt: skip
    return found


class _Compared:
    """One pair of windows, compared quantity by quantity; lists have one entry per segment."""

    def __init__(self, frames: Frames, pair: WindowPair) -> None:
        self.frames, self.pair = frames, pair
        self._found: dict[Quantity, tuple[Changes, Floats]] = {}

    def change(
        self, quantity: Quantity, user_error: Floats | None = None, user_groups: Floats | None = None
    ) -> list[Change]:
        """The change of the mean; the error as random groups of users give it, and how many of them have users."""
        found, scatter = self._of(quantity)
        sway, degrees_of_freedom = np.full(found.n.shape, np.nan), np.zeros(found.n.shape)
        if user_error is not None and user_groups is not None:
            # of the plain change, as the random groups see it; what users add to it, they add to the change within
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = (user_error / self._plain_error(quantity)) ** 2
            ratio, degrees_of_freedom = moderated_variance(ratio, user_groups - 1)
            sway = found.standard_error * np.sqrt(ratio)
        columns = (
            found.n.astype(int), found.n_base.astype(int), found.mean, found.mean_base, found.within, found.mix, found.coverage,
            found.standard_error * np.sqrt(scatter), sway, degrees_of_freedom,
        )  # fmt: skip
        return [Change(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]

    def _plain_error(self, quantity: Quantity) -> Floats:
        """Standard error of the plain change for independent values."""
        noise = np.zeros(len(self.frames.segments))
        for days in (self.pair.now, self.pair.base):
            sums = self.frames.sums(days)
            n, total, squares = (self.frames.dense(sums, name) for name in quantity)
            noise += np.maximum(squares / n - (total / n) ** 2, 0.0) / (n - 1)
        return np.sqrt(noise)

    def level(self, quantity: Quantity) -> list[Level]:
        """The mean of the window itself, its error widened as that of the change against the baseline is."""
        _, scatter = self._of(quantity)
        sums = self.frames.sums(self.pair.now)
        n, total, squares = (self.frames.dense(sums, name) for name in quantity)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / n
            error = np.sqrt(np.maximum(squares / n - mean**2, 0.0) / (n - 1) * scatter)
        return [Level(*values) for values in zip(n.astype(int).tolist(), mean.tolist(), error.tolist(), strict=True)]

    def shares(self, quantity: Quantity) -> list[Shares]:
        """Counts of both windows, with the share that the baseline's strata would give with today's mix."""
        found, scatter = self._of(quantity)
        counts = [
            np.rint(np.nan_to_num(mean * n)).astype(int)
            for mean, n in ((found.mean, found.n), (found.mean_base, found.n_base))
        ]
        columns = (
            counts[0], found.n.astype(int), counts[1], found.n_base.astype(int), found.expected, found.coverage, scatter,
            np.nan_to_num(found.worth, posinf=0.0),
        )  # fmt: skip
        return [Shares(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]

    def tails(self) -> list[Tail]:
        """Response times; the baseline with today's mix, scaled to the number of values that it is worth (Kish)."""
        strata = self.frames.strata(self.pair).filter((pl.col("timed") > 0) & (pl.col("timed_base") >= MINIMUM_BASE))
        strata = strata.with_columns(share=pl.col("timed") / pl.col("timed").sum().over("segment"))
        noise = self.frames.dense(strata.with_columns(noise=pl.col("share") ** 2 / pl.col("timed_base")), "noise")
        weights = strata.select("segment", "topic", "grade", "exam", weight=pl.col("share") / pl.col("timed_base"))
        now, base = self.frames.times(self.pair, weights)
        with np.errstate(divide="ignore"):
            base *= np.where(noise > 0, 1 / noise, 0.0)[:, None]
        _, scatter = self._of(TIME)
        levels = [histogram_quantiles(table, level).tolist() for table in (now, base) for level in (0.5, 0.95)]
        return [
            Tail(p50, p95, p50_base, p95_base, now[at], base[at], scatter[at])
            for at, (p50, p95, p50_base, p95_base) in enumerate(zip(*levels, strict=True))
        ]

    def _of(self, quantity: Quantity) -> tuple[Changes, Floats]:
        if quantity not in self._found:
            strata = self.frames.strata(self.pair)
            now, base = (Sums(*(strata[name + end].to_numpy() for name in quantity)) for end in ("", "_base"))
            found = stratified_changes(strata["code"].to_numpy(), len(self.frames.segments), now, base)
            self._found[quantity] = found, _dispersion(self.frames, self.pair, quantity, found)
        return self._found[quantity]


def _day_effect(now: tuple[Floats, Floats], base: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """(standard error of the change by random groups of users, how many groups have users), each of shape (segments,)."""
    return random_groups_error(*now, *base), ((now[0] + base[0]) > 0).sum(axis=1).astype(np.float64)


def _dispersion(frames: Frames, pair: WindowPair, quantity: Quantity, found: Changes) -> Floats:
    """How many times more the days of both windows scatter than independent values would (at least 1); shape (segments,).

    The scatter of days around the levels of their strata, in units of the variance within strata: Pearson's dispersion of a
    quasi-likelihood model (McCullagh and Nelder, *Generalized Linear Models*, 1989, section 4.5).
    """
    rows, strata = frames.by_day(pair), frames.strata(pair)
    columns = [
        (strata[name].to_numpy(), strata[f"{name}_base"].to_numpy(), frames.values(rows, name)) for name in quantity[:2]
    ]
    code, first_base = strata["code"].to_numpy(), len(pair.now)
    shape = len(frames.segments), rows.days
    sizes, beyond, known = (np.zeros(shape[0] * shape[1]) for _ in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        for start in range(0, len(rows.at), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            at, day = rows.at[part], rows.day[part]
            place = code[at] * rows.days + day
            size, level = (np.where(day >= first_base, base[at], now[at]) for now, base, _ in columns)
            n, total = (values[part].astype(np.float64) for _, _, values in columns)
            for table, values in ((sizes, n), (beyond, total - n * level / size), (known, n**2 / size)):
                table += np.bincount(place, weights=np.where(n > 0, values, 0.0), minlength=len(table))  # noqa: PLW2901
        sizes, beyond, known = (table.reshape(shape) for table in (sizes, beyond, known))
        squared = beyond**2 / sizes
        # what is left of one degree of freedom after the day's own rows had their part in the levels
        left = 1 - known / sizes
        variance = np.where(np.arange(rows.days) < len(pair.now), found.variance[:, None], found.variance_base[:, None])
        scaled = np.where((sizes > 0) & (variance > 0), squared / variance, 0.0)
        degrees_of_freedom = np.where(sizes > 0, left, 0.0).sum(axis=1)
        ratio = scaled.sum(axis=1) / np.maximum(degrees_of_freedom, 1.0)
    return np.where(degrees_of_freedom >= _MINIMUM_DEGREES_OF_FREEDOM, np.maximum(1.0, ratio), 1.0)


def _topics(frames: Frames) -> dict[str, tuple[TopicSignals, ...]]:
    """Each segment's topics in the long window, most asked first; rows without a topic are left out."""
    pair = frames.windows.long
    rows = (
        frames.strata(pair)
        .filter(pl.col("topic").cast(pl.String) != "")
        .group_by("segment", "topic")
        .agg(pl.col("n", "retried", *RATING).sum(), kept=(pl.col("kept") + pl.col("kept_base")).sum())
        .with_columns(pl.col("segment", "topic").cast(pl.String), mean=pl.col("rating_sum") / pl.col("rated"))
        .with_columns(spread=(pl.col("rating_squares") / pl.col("rated") - pl.col("mean") ** 2).clip(0))
        .with_columns(error=(pl.col("spread") / (pl.col("rated") - 1)).sqrt())
        .sort("segment", "n", "topic", descending=[False, True, False])
    )
    found: dict[str, list[TopicSignals]] = {}
    columns = ("segment", "topic", "n", "retried", "kept", "rated", "mean", "error")
    for segment, topic, n, retried, kept, rated, mean, error in rows.select(columns).iter_rows():
        level = Level(int(rated), mean, error if rated > 1 else float("nan"))
        found.setdefault(segment, []).append(TopicSignals(topic, int(n), int(retried), int(kept), level))
    return {segment: tuple(topics) for segment, topics in found.items()}


def _grades(frames: Frames) -> dict[str, dict[str, int]]:
    """Curated examples by grade, window and baseline together."""
    rows: Sequence[tuple[str, str, float]] = (
        frames.strata(frames.windows.long)
        .group_by("segment", "grade")
        .agg(kept=(pl.col("kept") + pl.col("kept_base")).sum())
        .with_columns(pl.col("segment", "grade").cast(pl.String))
        .sort("segment", "grade")
        .rows()
    )
    found: dict[str, dict[str, int]] = {}
    for segment, grade, kept in rows:
        if grade:
            found.setdefault(segment, {})[grade] = int(kept)
    return found
