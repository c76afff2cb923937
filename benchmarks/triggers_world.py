"""Histories of learners for benchmarks/triggers.py: what happens on each day in many segments at once, and its daily aggregates.

Nothing here knows of rules or windows. `check_aggregation` compares the vectorised aggregation with lyo_pipelines.health.aggregate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from zlib import crc32

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from polars.testing import assert_frame_equal
from scipy.optimize import root_scalar
from scipy.stats import norm

from lyo_pipelines.health.aggregate import NEGATIVE_RATING, aggregate_day
from lyo_pipelines.health.contract import COUNTS, HEALTH, USER_GROUPS, USERS
from lyo_pipelines.retraining.curriculum import Curriculum
from lyo_pipelines.statistics.histogram import BINS
from lyo_pipelines_tests.statistics.histogram_bins import bins_of

TOPICS, GRADES, SLOTS = 12, 3, 300
STRATA = TOPICS * GRADES
FIRST_GRADE = 8
MONDAY = date(2026, 5, 4)

SHARES = np.array([0.03, 0.045, 0.105, 0.23, 0.59])
"""Ratings 1 to 5 over all users and topics: mean 4.3, standard deviation 1.0."""
USER_SD, LEVEL_SD, SEGMENT_SD = 0.4, 0.15, 0.1
"""In rating points: users, topics and grades, segments."""
TURNOVER, ZIPF = 0.1, 0.6
WEEKDAYS = np.array([1.15, 1.15, 1.1, 1.05, 1.0, 0.85, 0.7])
TIME_SIGMA, TIME_DAY_SD = 0.45, 0.05

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Scenario:
    """What happens: from day `at` on ratings fall by `drop`, answers take `slow` times as long, or the mix of topics changes so
    that the plain mean falls by `mix_fall`; `calendar`: holidays and exam weeks are what they are.

    client, rater: one more user from day `at` on, who writes this share of what all others write. A broken client gets slow answers in
    another language to one topic, asks all again, and complains; a rater rates everything with `stars`.

    invite: share of answers with an invitation to rate, at random (0: ratings come as they come, whatever they are). unasked,
    unasked_after: shares of the contented and of the discontented (rating up to 3) who rate without one, before day `at` and after.
    told: whether the log says which answers came with an invitation.
    """

    weekly: float
    weeks: int
    at: int = 0
    drop: float = 0.0
    slow: float = 1.0
    mix_fall: float = 0.0
    calendar: Curriculum | None = None
    client: float = 0.0
    rater: float = 0.0
    stars: float = 1.0
    invite: float = 0.0
    unasked: tuple[float, float] = (0.13, 0.13)
    unasked_after: tuple[float, float] = (0.13, 0.13)
    told: bool = True


MOVED = 0.55
"""Share of those who would not rate unasked whom an invitation moves to rate, whatever they think."""
DISCONTENTED = 3.0


def _zero(of: Callable[[float], float], low: float, high: float) -> float:
    return float(root_scalar(of, bracket=(low, high)).root)


class _Ratings:
    """A latent normal scale cut into ratings, and how far one must go on it for a given change of the mean rating."""

    def __init__(self) -> None:
        def cuts(sway: float) -> Array:
            return norm.ppf(SHARES.cumsum()[:-1]) * np.sqrt(1 + sway**2)

        def spread(user: float) -> float:
            at, weight = np.polynomial.hermite_e.hermegauss(40)
            level = (1 - norm.cdf(cuts(user)[:, None] - user * at)).sum(axis=0)
            mean = np.average(level, weights=weight)
            return float(np.sqrt(np.average((level - mean) ** 2, weights=weight)))

        self.user = _zero(lambda user: spread(user) - USER_SD, 0.05, 2.0)
        self.scale = float(np.sqrt(1 + self.user**2))
        self.cuts = cuts(self.user)

    def mean(self, shift: float) -> float:
        return float(1 + (1 - norm.cdf((self.cuts - shift) / self.scale)).sum())

    def shift(self, points: float) -> float:
        """Latent shift that moves the mean rating by so many points."""
        return _zero(lambda shift: self.mean(shift) - self.mean(0.0) - points, -6.0, 6.0)


RATINGS = _Ratings()
_SLOPE = RATINGS.shift(-0.1) / -0.1
MIX_LEVELS = np.linspace(-0.5, 0.5, TOPICS)


@dataclass
class Day:
    """One day of all segments: rows of HEALTH and USERS, and plain sums by segment (`plain`) and by topic."""

    day: date
    health: pl.DataFrame
    users: pl.DataFrame
    plain: dict[str, Array] = field(default_factory=dict)


class World:
    """`segments` histories that differ in everything but the scenario."""

    def __init__(self, scenario: Scenario, segments: int, seed: int) -> None:
        self.scenario, self.segments = scenario, segments
        self.rng = rng = np.random.default_rng(seed)
        self.names = [f"tutoring.en.s{number:04d}" for number in range(segments)]
        self.topics = [f"topic_{number:02d}" for number in range(TOPICS)]
        self.grades = [str(FIRST_GRADE + number) for number in range(GRADES)]
        size = rng.integers(60, SLOTS + 1, segments)
        activity = np.where(np.arange(SLOTS) < size[:, None], np.arange(1, SLOTS + 1) ** -ZIPF, 0.0)
        self._slots = _cumulative(activity)
        self._grade = rng.integers(0, GRADES, (segments, SLOTS))
        self._effect = rng.normal(0, RATINGS.user, (segments, SLOTS))
        self._user = np.arange(segments * SLOTS).reshape(segments, SLOTS)
        users = int(segments * SLOTS * (1 + TURNOVER * scenario.weeks) * 1.05) + 1000
        self._one = users + np.arange(segments)
        users += segments
        self._groups = np.array([crc32(f"u_{user}".encode()) % USER_GROUPS for user in range(users)], np.int16)
        level = rng.normal(0, LEVEL_SD, (segments, STRATA)) * _SLOPE
        if scenario.mix_fall:
            topic = np.array([RATINGS.shift(points) for points in MIX_LEVELS])
            level = np.repeat(topic, GRADES)[None, :].repeat(segments, axis=0)
        self._level = level + rng.normal(0, SEGMENT_SD, (segments, 1)) * _SLOPE
        self._log_time = 7.6 + rng.normal(0, 0.2, (segments, 1)) + rng.normal(0, LEVEL_SD, (segments, STRATA))
        self._relevance = 0.82 + rng.normal(0, 0.02, (segments, 1)) + rng.normal(0, 0.02, (segments, STRATA))
        self._rated = rng.uniform(0.6, 0.7, segments)
        self._taste = rng.normal(0, 0.0 if scenario.mix_fall else 0.5, (segments, TOPICS))
        self._wander = rng.normal(0, 0.15, (segments, TOPICS))

    def days(self) -> Iterator[Day]:
        """Day after day."""
        for week in range(self.scenario.weeks):
            yield from _aggregated(self, week, self.rows(week))

    def day(self, number: int) -> date:
        return MONDAY + timedelta(days=number)

    def rows(self, week: int) -> dict[str, NDArray]:
        """The interactions of a week, sorted by day and segment."""
        scenario, rng, segments = self.scenario, self.rng, self.segments
        self._pass_week()
        kinds = [self._kind(7 * week + number) for number in range(7)]
        busy = np.array([{"holiday": 0.3, "exam": 1.4}.get(kind, 1.0) for kind in kinds])
        rate = scenario.weekly * WEEKDAYS / WEEKDAYS.sum() * busy
        counts = rng.poisson(rate[:, None] * rng.gamma(100, 0.01, (7, segments)))
        at = np.repeat(np.arange(7 * segments), counts.ravel())
        day, segment = at // segments, at % segments
        n = len(at)
        slot = np.searchsorted(self._slots, segment + rng.random(n), side="right") - segment * SLOTS
        topic = np.empty(n, np.int64)
        for number in range(7):
            rows = day == number
            mix = self._mix(7 * week + number, kinds[number])
            topic[rows] = (
                np.searchsorted(mix, segment[rows] + rng.random(rows.sum()), side="right") - segment[rows] * TOPICS
            )
        stratum = topic * GRADES + self._grade[segment, slot]
        latent = self._level[segment, stratum] + self._effect[segment, slot] + self._mood(week, kinds)[day]
        latent += rng.standard_normal(n, np.float32)
        rating = np.searchsorted(RATINGS.cuts, latent) + 1.0
        thumbs = np.where(rng.random(n, np.float32) < 0.1, np.where(rating <= NEGATIVE_RATING, -1, 1), 0)
        rated = rng.random(n, np.float32) < self._rated[segment]
        failed = rng.random(n, np.float32) < 0.01
        invited = np.full(n, np.nan)
        if scenario.invite:
            invited, rated = self._invited(week, day, rating, failed)
        days = rng.normal(0, TIME_DAY_SD, (7, segments)) + self._slowness(week, kinds)[:, None]
        log_time = (
            self._log_time[segment, stratum] + days[day, segment] + TIME_SIGMA * rng.standard_normal(n, np.float32)
        )
        relevance = np.clip(self._relevance[segment, stratum] + 0.12 * rng.standard_normal(n, np.float32), 0, 1)
        told = {
            "day": day, "segment": segment, "stratum": stratum, "user": self._user[segment, slot],
            "rating": np.where(rated, rating, np.nan), "thumbs": np.where(rated, 0, thumbs),
            "cultural": rng.random(n, np.float32) < 0.003, "complained": rng.random(n, np.float32) < 0.002,
            "relevance": np.where(rng.random(n, np.float32) < 0.4, relevance, np.nan),
            "retried": rng.random(n, np.float32) < 0.05, "failed": failed, "time": np.rint(np.exp(log_time)),
            "kept": rng.random(n, np.float32) < 0.7, "mismatched": ~failed & (rng.random(n, np.float32) < 0.01),
            "invited": invited if scenario.told else np.full(n, np.nan),
        }  # fmt: skip
        for name, share in (("client", scenario.client), ("rater", scenario.rater)):
            if share:
                more = self._rows_of_one(week, name, share)
                told = {key: np.concatenate([values, more[key]]) for key, values in told.items()}
        return told

    def _rows_of_one(self, week: int, name: str, share: float) -> dict[str, NDArray]:
        """What one more user of each segment adds to a week."""
        rng, segments, is_broken = self.rng, self.segments, name == "client"
        since = np.array([self._changed(7 * week + number) for number in range(7)])
        counts = rng.poisson(since[:, None] * np.full((7, segments), share * self.scenario.weekly / 7))
        at = np.repeat(np.arange(7 * segments), counts.ravel())
        day, segment, n = at // segments, at % segments, len(at)
        stratum = np.zeros(n, np.int64) if is_broken else rng.integers(0, STRATA, n)
        time = 60_000.0 if is_broken else 2_000.0
        return {
            "day": day, "segment": segment, "stratum": stratum, "user": self._one[segment],
            "rating": np.full(n, np.nan if is_broken else self.scenario.stars), "thumbs": np.full(n, -1 if is_broken else 0),
            "cultural": is_broken & (rng.random(n) < 0.1), "complained": np.zeros(n, bool), "relevance": np.full(n, np.nan),
            "retried": np.full(n, is_broken), "failed": np.zeros(n, bool), "time": np.full(n, time),
            "kept": np.zeros(n, bool), "mismatched": np.full(n, is_broken), "invited": np.full(n, np.nan),
        }  # fmt: skip

    def _invited(
        self, week: int, day: Ints, rating: Array, failed: NDArray[np.bool_]
    ) -> tuple[Array, NDArray[np.bool_]]:
        """(1 where a rating was invited, else 0; whether there is one)."""
        scenario, n = self.scenario, len(day)
        shares = np.array(
            [scenario.unasked_after if self._changed(7 * week + at) else scenario.unasked for at in range(7)]
        )
        unasked = shares[day, (rating <= DISCONTENTED).astype(int)]
        invited = self.rng.random(n) < scenario.invite
        rates = self.rng.random(n) < np.where(invited, unasked + (1 - unasked) * MOVED, unasked)
        return invited.astype(float), rates & ~failed

    def groups(self, user: Ints) -> NDArray[np.int16]:
        return self._groups[user]

    def _pass_week(self) -> None:
        """Some users leave and others come; the mix of topics wanders."""
        gone = np.asarray(self.rng.random(self._user.shape) < TURNOVER)
        first = self._user.max() + 1
        self._user[gone] = np.arange(first, first + gone.sum())
        self._effect[gone] = self.rng.normal(0, RATINGS.user, gone.sum())
        self._wander = 0.9 * self._wander + self.rng.normal(0, 0.15 * np.sqrt(1 - 0.81), self._wander.shape)

    def _kind(self, number: int) -> str:
        calendar = self.scenario.calendar
        return calendar.kind(self.day(number)) if calendar else "ordinary"

    def _changed(self, number: int) -> bool:
        return bool(self.scenario.at) and number >= self.scenario.at

    def _mood(self, week: int, kinds: list[str]) -> Array:
        fall = {"holiday": 0.3, "exam": 0.15}
        points = [
            fall.get(kind, 0.0) + self.scenario.drop * self._changed(7 * week + at) for at, kind in enumerate(kinds)
        ]
        return np.array([RATINGS.shift(-point) if point else 0.0 for point in points])

    def _slowness(self, week: int, kinds: list[str]) -> Array:
        slow = {"holiday": 1.1, "exam": 1.08}
        factors = [
            slow.get(k, 1.0) * (self.scenario.slow if self._changed(7 * week + at) else 1.0)
            for at, k in enumerate(kinds)
        ]
        return np.log(factors)

    def _mix(self, number: int, kind: str) -> Array:
        logits = self._taste + self._wander
        if self.scenario.mix_fall:
            logits = logits + MIX_LEVELS * _tilt(self.scenario.mix_fall / (-2 if self._changed(number) else 2))
        if kind == "exam":
            logits = logits + np.linspace(0.5, -0.5, TOPICS)
        return _cumulative(np.exp(logits))


def _tilt(mean: float) -> float:
    def at(tilt: float) -> float:
        return float(np.average(MIX_LEVELS, weights=np.exp(tilt * MIX_LEVELS)) - mean)

    return _zero(at, -30, 30)


def _cumulative(weights: Array) -> Array:
    """Cumulative shares, row number added: one sorted array out of which every row draws."""
    shares = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
    shares[:, -1] = 1.0
    return (shares + np.arange(len(weights))[:, None]).ravel()


def _aggregated(world: World, week: int, rows: dict[str, NDArray]) -> Iterator[Day]:
    """The same sums as lyo_pipelines.health.aggregate makes, for all days and segments of the week by counting."""
    segments = world.segments
    place = rows["day"] * segments + rows["segment"]
    key = place * STRATA + rows["stratum"]
    values = _values(rows)
    cells = 7 * segments * STRATA
    sums: dict[str, NDArray] = {name: np.bincount(key, weights=v, minlength=cells) for name, v in values.items()}
    sums["n"] = sums["served"] = np.bincount(key, minlength=cells).astype(np.float64)
    used = np.flatnonzero(sums["n"])
    bins, counts = _histograms(key, rows, used)
    stratum = used % STRATA
    frame = pl.DataFrame(
        {
            "segment": _categories(world.names, used // STRATA % segments),
            "topic": _categories(world.topics, stratum // GRADES), "grade": _categories(world.grades, stratum % GRADES),
            **{name: sums[name][used].astype(np.int32 if name in COUNTS else np.float64) for name in HEALTH.names if name in sums},
            "time_bins": bins, "time_counts": counts,
        }
    ).select(HEALTH.names)  # fmt: skip
    group_key = place * USER_GROUPS + world.groups(rows["user"])
    cells = 7 * segments * USER_GROUPS
    lists = [field.name for field in USERS if pa.types.is_list(field.type)]
    totals = [name for name in USERS.names[2:] if name not in lists]
    by_user = {n: np.bincount(group_key, weights=values.get(n), minlength=cells) for n in totals}
    seen = np.flatnonzero(by_user["n"])
    group_bins, group_counts = _histograms(group_key, rows, seen)
    users = pl.DataFrame(
        {
            "segment": _categories(world.names, seen // USER_GROUPS % segments),
            "user_group": (seen % USER_GROUPS).astype(np.int16),
            **{name: by_user[name][seen].astype(np.int32 if name in COUNTS else np.float64) for name in by_user},
            "time_bins": group_bins, "time_counts": group_counts, **_topics(world, group_key, rows, values, seen),
        }
    ).select(USERS.names)  # fmt: skip
    plain = {name: value.reshape(7, segments, TOPICS, GRADES).sum(axis=3) for name, value in sums.items()}
    time_sum = np.bincount(place, weights=np.where(rows["failed"], 0, rows["time"]), minlength=7 * segments)
    split = (
        np.searchsorted(used, np.arange(8) * segments * STRATA),
        np.searchsorted(seen, np.arange(8) * segments * USER_GROUPS),
    )
    for number in range(7):
        day = world.day(7 * week + number)
        (a, b), (c, d) = (edges[number : number + 2] for edges in split)
        of_day = {name: value[number].sum(axis=1) for name, value in plain.items()}
        of_day |= {"time_sum": time_sum.reshape(7, segments)[number]}
        of_day |= {f"topic_{name}": plain[name][number] for name in ("n", "retried")}
        dated = pl.lit(day).alias("day")
        yield Day(day, frame[a:b].with_columns(dated), users[c:d].with_columns(dated), of_day)


def _values(rows: dict[str, NDArray]) -> dict[str, NDArray]:
    rating, relevance = rows["rating"], rows["relevance"]
    rated, measured, timed = ~np.isnan(rating), ~np.isnan(relevance), ~rows["failed"] & (rows["time"] > 0)
    complained = rows["cultural"] | rows["complained"]
    log_time = np.where(timed, np.log(np.maximum(rows["time"], 1.0)), 0.0)
    stars, relevance = np.nan_to_num(rating), np.nan_to_num(relevance)
    asked = {name: (rows["invited"] == value) & ~rows["failed"] for name, value in (("invited", 1), ("uninvited", 0))}
    return {
        **{f"{name}_n": those for name, those in asked.items()},
        **{f"{name}_rated": those & rated for name, those in asked.items()},
        **{f"{name}_sum": those * stars for name, those in asked.items()},
        **{f"{name}_squares": those * stars**2 for name, those in asked.items()},
        "kept": rows["kept"], "rated": rated, "rating_sum": stars, "rating_squares": stars**2,
        "judged": rated | (rows["thumbs"] != 0) | complained,
        "negative": (rating <= NEGATIVE_RATING) | (rows["thumbs"] < 0) | complained,
        "relevance_n": measured, "relevance_sum": relevance, "relevance_squares": relevance**2, "complaints": complained,
        "cultural": rows["cultural"], "retried": rows["retried"], "errors": rows["failed"], "examined": ~rows["failed"],
        "mismatched": rows["mismatched"], "timed": timed, "log_time_sum": log_time, "log_time_squares": log_time**2,
    }  # fmt: skip


def _histograms(key: Ints, rows: dict[str, NDArray], used: Ints) -> tuple[pl.Series, pl.Series]:
    timed = ~rows["failed"] & (rows["time"] > 0)
    found, counts = np.unique(key[timed] * BINS + bins_of(rows["time"][timed]), return_counts=True)
    ends = np.append(np.searchsorted(found, used * BINS), len(found)).astype(np.int32)
    lists = (
        pa.ListArray.from_arrays(pa.array(ends), pa.array(values))
        for values in ((found % BINS).astype(np.int16), counts.astype(np.int32))
    )
    bins, amounts = (pl.Series(pl.from_arrow(values)) for values in lists)
    return bins, amounts


def _topics(
    world: World, group_key: Ints, rows: dict[str, NDArray], values: dict[str, NDArray], seen: Ints
) -> dict[str, pl.Series]:
    """Lists of topics by group of users, and what is counted of each."""
    key = group_key * TOPICS + rows["stratum"] // GRADES
    cells = (int(seen[-1]) + 1) * TOPICS
    n = np.bincount(key, minlength=cells)
    found = np.flatnonzero(n)
    ends = pa.array(np.append(np.searchsorted(found, seen * TOPICS), len(found)).astype(np.int32))
    parts = {"topics": np.array(world.topics)[found % TOPICS], "topic_n": n[found].astype(np.int32)}
    for name, of in (("topic_retried", "retried"), ("topic_rated", "rated"), ("topic_rating_sum", "rating_sum")):
        summed = np.bincount(key, weights=values[of], minlength=cells)[found]
        parts[name] = summed if of == "rating_sum" else summed.astype(np.int32)
    return {
        name: pl.Series(pl.from_arrow(pa.ListArray.from_arrays(ends, pa.array(part)))) for name, part in parts.items()
    }


def _categories(names: list[str], codes: Ints) -> pl.Series:
    return pl.Series(names, dtype=pl.Categorical).gather(codes)


def check_aggregation() -> None:
    """Raise AssertionError unless a week of one small world comes out as lyo_pipelines.health.aggregate makes it."""
    scenario = Scenario(weekly=120, weeks=1, at=3, client=0.3, rater=0.2, invite=0.3)
    world, again = (World(scenario, segments=5, seed=3) for _ in range(2))
    rows = again.rows(0)
    optional = {"rating": rows["rating"], "relevance_score": rows["relevance"]}
    names, topics = np.array(world.names), np.array(world.topics)
    table = pl.DataFrame(
        {
            "at": rows["day"], "segment": names[rows["segment"]], "topic": topics[rows["stratum"] // GRADES],
            "grade": np.array(world.grades)[rows["stratum"] % GRADES], **optional, "thumbs": rows["thumbs"].astype(np.int8),
            "cultural": rows["cultural"], "complained": rows["complained"], "retries": rows["retried"].astype(np.int32),
            "failed": rows["failed"], "response_time_ms": rows["time"].astype(np.int64),
            "user_pseudonym": [f"u_{user}" for user in rows["user"]], "kept": rows["kept"], "examined": ~rows["failed"],
            "mismatched": rows["mismatched"], "adapter_version": "v1", "rating_invited": rows["invited"],
        }
    ).with_columns(
        pl.col("rating", "relevance_score").fill_nan(None), pl.col("rating_invited").fill_nan(None).cast(pl.Boolean),
        thumbs=pl.when(pl.col("thumbs") != 0).then("thumbs"),
        complaint_category=pl.when("cultural").then(pl.lit("cultural")).when("complained").then(pl.lit("wrong")),
        complaint_text=pl.lit(None, pl.String), experiment_arm=pl.lit(None, pl.String),
        error=pl.when("failed").then(pl.lit("timeout")),
    )  # fmt: skip
    for number, day in enumerate(world.days()):
        expected = aggregate_day(table.filter(pl.col("at") == number), ["cultural"])
        for mine, theirs, keys in zip((day.health, day.users), expected, (3, 2), strict=True):
            found = mine.drop("day").with_columns(pl.col(pl.Categorical).cast(pl.String))
            found = found.sort(found.columns[:keys])
            assert found.height
            assert_frame_equal(found, theirs.select(found.columns), rel_tol=1e-9, abs_tol=1e-6)
