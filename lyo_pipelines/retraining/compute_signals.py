"""Days of health -> the signals of every segment, all segments at once. No thresholds and no decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from lyo_pipelines.health.contract import USER_GROUPS
from lyo_pipelines.health.read import Health
from lyo_pipelines.retraining.corrected_sums import CORRECTED, UNASKED, CorrectedSums
from lyo_pipelines.retraining.signals import (
    Change,
    InvitedRatings,
    Level,
    Shares,
    Signals,
    Tail,
    TopicSignals,
    UserSpread,
)
from lyo_pipelines.retraining.user_spread import UserSums
from lyo_pipelines.retraining.window_sums import TOPIC_COUNTS, Floats, Frames, Quantity, WindowSums
from lyo_pipelines.retraining.windows import WindowPair, Windows
from lyo_pipelines.statistics.histogram import BINS, GROWTH, histogram_quantiles
from lyo_pipelines.statistics.stratified import (
    MINIMUM_BASE,
    Changes,
    Sums,
    moderated_variance,
    stratified_changes,
)

RATING: Quantity = ("rated", "rating_sum", "rating_squares")
TIME: Quantity = ("timed", "log_time_sum", "log_time_squares")
RELEVANCE: Quantity = ("relevance_n", "relevance_sum", "relevance_squares")
NEGATIVE: Quantity = ("judged", "negative", "negative")
NEGATIVE_RATE: Quantity = ("served", "negative", "negative")
CULTURAL: Quantity = ("served", "cultural", "cultural")
MISMATCH: Quantity = ("examined", "mismatched", "mismatched")

_ROWS_AT_ONCE = 200_000
_MINIMUM_DEGREES_OF_FREEDOM = 5
"""With fewer degrees of freedom nothing is said about how much days scatter."""


def compute_signals(health: Health, windows: Windows, today: date, examples: pl.DataFrame) -> dict[str, Signals]:
    """Signals of every segment that `health` or `examples` (columns segment, n, kept: all days) know."""
    frames = Frames(health, windows, examples["segment"])
    short, long = _Compared(frames, windows.short), _Compared(frames, windows.long)
    week = _Compared(frames, windows.week)
    invited, ratings = _invited(frames, (short, long))
    totals = {segment: (n, kept) for segment, n, kept in examples.select("segment", "n", "kept").iter_rows()}
    columns = zip(
        zip(*ratings, strict=True), zip(*invited, strict=True), short.level(RATING), week.shares(NEGATIVE), week.shares(NEGATIVE_RATE),
        short.level(RELEVANCE), short.change(RELEVANCE), long.shares(CULTURAL), short.change(TIME), short.tails(frames),
        long.share(MISMATCH), strict=True,
    )  # fmt: skip
    topics, grades = _topics(frames), _grades(frames)
    judged = tuple((pair.now[0], pair.now[-1]) for pair in (windows.short, windows.long) if pair.now)
    found = {}
    for segment, values in zip(frames.segments, columns, strict=True):
        rated, asked, level, negative, rate, relevance, relevance_change, cultural, time, tail, mismatch = values
        interactions, kept = totals.get(segment, (0, 0))
        found[segment] = Signals(
            segment=segment, day=today, interactions=int(interactions), examples=int(kept), rating=rated, invited=asked,
            rating_level=level, negative=negative, negative_rate=rate, relevance=relevance, relevance_change=relevance_change,
            cultural=cultural, time=time, tail=tail, mismatch=mismatch[:2], mismatch_users=mismatch[2],
            topics=topics.get(segment, ()), grades=grades.get(segment, {}), judged=judged,
        )  # fmt: skip
    return found


def _invited(
    frames: Frames, compared: Sequence[_Compared]
) -> tuple[list[list[InvitedRatings | None]], list[list[Change]]]:
    """Of each of these pairs, by segment: (what invitations tell, the change of ratings that can be compared without a correction)."""
    plain = [one.change(RATING) for one in compared]
    if not frames.invited:
        return [[None] * len(frames.segments) for _ in compared], plain
    invited, ratings = [], []
    for one, changes in zip(compared, plain, strict=True):
        sums = CorrectedSums(frames, one.pair)
        corrected = _Compared(sums, one.pair)
        invited.append(sums.invited_ratings(corrected.change(CORRECTED), corrected.level(CORRECTED)))
        unasked, other = corrected.change(UNASKED), sums.other_mixture
        ratings.append([unasked[at] if other[at] else change for at, change in enumerate(changes)])
    return invited, ratings


class _Compared:
    """One pair of windows, compared quantity by quantity; lists have one entry per segment."""

    def __init__(self, frames: WindowSums, pair: WindowPair) -> None:
        self.frames, self.pair = frames, pair
        self._found: dict[Quantity, tuple[Changes, Floats]] = {}
        self._users: dict[Quantity, UserSums] = {}

    def change(self, quantity: Quantity) -> list[Change]:
        """The change of the mean; the error as random groups of users give it, and how much is known of it.

        Users who wrote too much are left out of the plain means; what that moves the plain change by, it moves the change within by,
        unless they were about other strata than the rest: so of this and the plain change of the rest, what says less counts.
        """
        found, _ = self._of(quantity)
        users = self._by_user(quantity)
        n, mean, n_base, mean_base = users.means(asked=True)
        (_, all_mean, _, all_base), left = users.means(asked=False), users.left_out > 0
        plain = np.sqrt(self._noise(quantity, self.pair.now) + self._noise(quantity, self.pair.base))
        with np.errstate(invalid="ignore", divide="ignore"):
            rest = mean - mean_base
            within = np.where(left, _less_telling(found.within + rest - (all_mean - all_base), rest), found.within)
            mix = np.where(left, rest - within, found.mix)
            # of the plain change, as the random groups see it; what users add to it, they add to the change within
            ratio, degrees_of_freedom = moderated_variance((users.change_error / plain) ** 2, users.degrees_of_freedom)
            error = np.where(left, plain, found.standard_error)
            sway = error * np.sqrt(ratio)
        columns = (
            np.where(left, n, found.n).astype(int), np.where(left, n_base, found.n_base).astype(int),
            np.where(left, mean, found.mean), np.where(left, mean_base, found.mean_base), within, mix, found.coverage,
            error * np.sqrt(self._scatter(quantity)), sway, degrees_of_freedom, users.left_out,
        )  # fmt: skip
        return [Change(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]

    def _by_user(self, quantity: Quantity) -> UserSums:
        if quantity not in self._users:
            n, total, _ = quantity
            now, base = (self.frames.users(days) for days in (self.pair.now, self.pair.base))
            self._users[quantity] = UserSums(now[n], now[total], base[n], base[total])
        return self._users[quantity]

    def _noise(self, quantity: Quantity, days: tuple[date, ...]) -> Floats:
        """Variance of a window's mean for independent values, without those who are left out."""
        by_user, kept = self.frames.users(days), self._by_user(quantity).kept
        n, total, squares = ((by_user[name] * kept).sum(axis=1) for name in quantity)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.maximum(squares / n - (total / n) ** 2, 0.0) / (n - 1)

    def _scatter(self, quantity: Quantity) -> Floats:
        """How many times more days scatter than independent values would. Where users are left out, theirs is in it, too: there it is
        what it typically is elsewhere."""
        _, scatter = self._of(quantity)
        left = self._by_user(quantity).left_out > 0
        return np.where(left, np.median(scatter[~left]) if not left.all() else 1.0, scatter)

    def level(self, quantity: Quantity) -> list[Level]:
        """The mean of the window itself, its error widened as that of the change against the baseline is, or as users ask for."""
        users = self._by_user(quantity)
        found = users.level
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt(self._noise(quantity, self.pair.now) * self._scatter(quantity))
        columns = (
            found.n.astype(int), found.value, error, found.standard_error, found.degrees_of_freedom, users.left_out,
        )  # fmt: skip
        return [Level(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]

    def shares(self, quantity: Quantity) -> list[Shares]:
        """Counts of both windows, with the share that the baseline's strata would give with today's mix."""
        found, _ = self._of(quantity)
        users = self._by_user(quantity)
        n, mean, n_base, mean_base = users.means(asked=True)
        (_, _, all_n_base, all_base), left = users.means(asked=False), users.left_out > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            # those who are left out are so in the baseline, too
            expected = np.where(
                left, found.expected * np.where(all_base > 0, mean_base / all_base, 1.0), found.expected
            )
            worth = np.where(left, found.worth * n_base / all_n_base, found.worth)
        sizes = [(np.where(left, n, found.n), np.where(left, mean, found.mean))]
        sizes.append((np.where(left, n_base, found.n_base), np.where(left, mean_base, found.mean_base)))
        counts = [np.rint(np.nan_to_num(share * size)).astype(int) for size, share in sizes]
        columns = (
            counts[0], sizes[0][0].astype(int), counts[1], sizes[1][0].astype(int), expected, found.coverage,
            self._scatter(quantity), np.nan_to_num(worth, posinf=0.0),
        )  # fmt: skip
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [Shares(*values, users=spread) for values, spread in zip(rows, users.share_change_spread(), strict=True)]

    def share(self, quantity: Quantity) -> list[tuple[int, int, UserSpread]]:
        """(events, trials, how users sway their ratio) of the window itself."""
        n, total, _ = quantity
        now = self.frames.users(self.pair.now)
        users = UserSums(now[n], now[total])
        counts = ((values * users.kept).sum(axis=1).astype(int).tolist() for values in (users.total, users.n))
        return list(zip(*counts, users.share_spread(), strict=True))

    def tails(self, frames: Frames) -> list[Tail]:
        """Response times; the baseline with today's mix, scaled to the number of values that it is worth (Kish).

        Where users are left out, today's mix is theirs, too: there the baseline is as it was.
        """
        by_user = frames.times_by_user(self.pair.now)
        sizes = by_user.sum(axis=2)
        kept = UserSums(sizes, sizes).kept
        left = (~kept & (sizes > 0)).any(axis=1)
        as_it_was = pl.col("segment").cast(pl.String).is_in(np.array(frames.segments)[left].tolist())
        strata = frames.strata(self.pair).filter((pl.col("timed") > 0) & (pl.col("timed_base") >= MINIMUM_BASE))
        strata = strata.with_columns(share=pl.col("timed") / pl.col("timed").sum().over("segment"))
        noise = frames.dense(strata.with_columns(noise=pl.col("share") ** 2 / pl.col("timed_base")), "noise")
        weight = pl.when(as_it_was).then(1.0).otherwise(pl.col("share") / pl.col("timed_base"))
        weights = strata.select("segment", "topic", "grade", "exam", weight=weight)
        base = frames.base_times(self.pair, weights)
        with np.errstate(divide="ignore"):
            base *= np.where(left, 1.0, np.where(noise > 0, 1 / noise, 0.0))[:, None]
        scatter = self._scatter(TIME)
        now = (by_user * kept[:, :, None]).sum(axis=1)
        levels = [histogram_quantiles(table, level) for table in (now, base) for level in (0.5, 0.95)]
        # whose are the slowest answers? Counted from the bin of the 95th percentile on, and behind it: many may lie in that bin
        begins = np.floor(np.nan_to_num(np.log(levels[1]) / np.log(GROWTH)) + 1e-9)[:, None]
        spreads = [
            UserSums(sizes, np.einsum("sgb,sb->sg", by_user, np.arange(BINS) >= begins + more)).share_spread()
            for more in (0, 1)
        ]
        users = [max(pair, key=lambda spread: spread.dispersion) for pair in zip(*spreads, strict=True)]
        return [
            Tail(p50, p95, p50_base, p95_base, now[at], base[at], scatter[at], users[at])
            for at, (p50, p95, p50_base, p95_base) in enumerate(zip(*(each.tolist() for each in levels), strict=True))
        ]

    def _of(self, quantity: Quantity) -> tuple[Changes, Floats]:
        if quantity not in self._found:
            strata = self.frames.strata(self.pair)
            now, base = (Sums(*(strata[name + end].to_numpy() for name in quantity)) for end in ("", "_base"))
            found = stratified_changes(strata["code"].to_numpy(), len(self.frames.segments), now, base)
            self._found[quantity] = found, _dispersion(self.frames, self.pair, quantity, found)
        return self._found[quantity]


def _less_telling(one: Floats, other: Floats) -> Floats:
    """Of two changes the one nearer to none; none where they contradict each other."""
    return np.where(one * other > 0, np.sign(one) * np.minimum(np.abs(one), np.abs(other)), one * other * 0.0)


def _dispersion(frames: WindowSums, pair: WindowPair, quantity: Quantity, found: Changes) -> Floats:
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
    names, by_user = frames.topic_users(pair.now)
    n, retried, rated, ratings = (by_user[name] for name in TOPIC_COUNTS)
    again, liked = UserSums(n, retried), UserSums(rated, ratings)
    users = {key: at for at, key in enumerate(names.select("segment", "topic").iter_rows())}
    spreads, levels = again.share_spread(), liked.level
    asked = [(values * again.kept).sum(axis=1).astype(int).tolist() for values in (n, retried)]
    rows = (
        frames.strata(pair)
        .filter(pl.col("topic").cast(pl.String) != "")
        .group_by("segment", "topic")
        .agg(pl.col("served", *RATING).sum(), kept=(pl.col("kept") + pl.col("kept_base")).sum())
        .with_columns(pl.col("segment", "topic").cast(pl.String), mean=pl.col("rating_sum") / pl.col("rated"))
        .with_columns(spread=(pl.col("rating_squares") / pl.col("rated") - pl.col("mean") ** 2).clip(0))
        .sort("segment", "served", "topic", descending=[False, True, False])
    )
    found: dict[str, list[TopicSignals]] = {}
    for segment, topic, kept, spread in rows.select("segment", "topic", "kept", "spread").iter_rows():
        at = users.get((segment, topic))
        if at is None:  # nobody asked in the window itself
            level = Level(0, float("nan"), float("nan"))
            found.setdefault(segment, []).append(TopicSignals(topic, 0, 0, int(kept), level))
            continue
        count = levels.n[at]
        level = Level(
            int(count), float(levels.value[at]), math.sqrt(spread / (count - 1)) if count > 1 else math.nan,
            float(levels.standard_error[at]), float(levels.degrees_of_freedom[at]), float(liked.left_out[at]),
        )  # fmt: skip
        askers = USER_GROUPS if again.unnamed[at] else int((n[at] > 0).sum())
        topic_found = TopicSignals(topic, asked[0][at], asked[1][at], int(kept), level, spreads[at], askers)
        found.setdefault(segment, []).append(topic_found)
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
