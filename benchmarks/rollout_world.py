"""Many releases at once for benchmarks/rollout.py: users with habits who ask, rate, meet errors and leave; sums by unit of assignment.

Nothing here knows of rules. A batch of releases is simulated side by side; `observation` reads one of them as production would see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar
from scipy.stats import norm

from lyo_pipelines.rollout.observations import Arm, Attribution, Observation

SHARES = np.array([0.03, 0.045, 0.105, 0.23, 0.59])
"""Ratings 1 to 5 over all users: mean 4.3, standard deviation 1.0 (those of benchmarks/triggers_world.py)."""
ZIPF, TURNOVER = 0.6, 0.1
"""Activity of users by rank; share of users who leave in a week, and others come."""
BROKEN_DAILY = 60.0
"""Requests a day of a client that always fails."""
WEEKDAYS = np.array([1.15, 1.15, 1.1, 1.05, 1.0, 0.85, 0.7])
TIME_SIGMA, TIME_USER, ERROR_SHAPE = 0.45, 0.2, 2.0
BEGAN = datetime(2026, 5, 4, tzinfo=UTC)
SUMS = (
    "ratings_n",
    "ratings_sum",
    "ratings_squares",
    "answers_n",
    "errors_n",
    "cultural_n",
    "retries_n",
    "times_n",
    "log_ms_sum",
    "unnamed_n",
    "unnamed_errors_n",
)
INVITED = ("invited_n", "invited_rated_n", "invited_sum", "uninvited_n", "uninvited_rated_n", "uninvited_sum")
MOVED, DISCONTENTED = 0.55, 3.0
"""Share of those who would not rate unasked whom an invitation moves to rate; ratings up to this are discontented."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scenario:
    """What the candidate does, and the traffic. effect: rating points. slow: times as long. icc: of ratings within a user, and within
    a class where whole classes of `class_size` are assigned. lost: share of the candidate's units that never come. zipf: how unequal
    users are. broken: clients whose requests always fail. nameless: share of failures whose rows name neither arm nor adapter.

    invite: share of answers with an invitation to rate, at random (0: `rated` of them are rated, whatever they are). unasked,
    unasked_candidate: shares of the contented and of the discontented who rate without one, by arm. told: whether the log says which
    answers came with an invitation."""

    daily: float = 2000
    users: int = 1000
    rated: float = 0.65
    effect: float = 0.0
    slow: float = 1.0
    errors: float = 0.01
    errors_current: float = 0.01
    icc: float = 0.13
    class_size: int = 1
    class_icc: float = 0.0
    lost: float = 0.0
    ticks: int = 1
    history: float = 28.0
    """Days before the release whose ratings are known (0: none)."""
    zipf: float = ZIPF
    broken: int = 0
    nameless: float = 0.0
    invite: float = 0.0
    unasked: tuple[float, float] = (0.13, 0.13)
    unasked_candidate: tuple[float, float] = (0.13, 0.13)
    told: bool = True


class Ratings:
    """A latent normal scale cut into ratings, so that the given shares of the variance of ratings lie between users and classes."""

    def __init__(self, icc: float, class_icc: float) -> None:
        both = _latent_variance(icc + class_icc)
        self.user = float(np.sqrt(both * icc / (icc + class_icc)))
        self.group = float(np.sqrt(both * class_icc / (icc + class_icc)))
        self.scale = float(np.sqrt(1 + both))
        self.cuts = norm.ppf(SHARES.cumsum()[:-1]) * self.scale

    def shift(self, points: float) -> float:
        """Latent shift that moves the mean rating by so many points."""

        def mean(shift: float) -> float:
            return float(1 + (1 - norm.cdf((self.cuts - shift) / self.scale)).sum())

        return (
            float(root_scalar(lambda shift: mean(shift) - mean(0.0) - points, bracket=(-6, 6)).root) if points else 0.0
        )


def _latent_variance(icc: float) -> float:
    at, weight = np.polynomial.hermite_e.hermegauss(60)
    values = np.arange(1, 6)
    variance = float(SHARES @ values**2 - (SHARES @ values) ** 2)

    def between(latent: float) -> float:
        cuts = norm.ppf(SHARES.cumsum()[:-1]) * np.sqrt(1 + latent)
        level = (1 - norm.cdf(cuts[:, None] - np.sqrt(latent) * at)).sum(axis=0)
        middle = np.average(level, weights=weight)
        return float(np.average((level - middle) ** 2, weights=weight)) / variance - icc

    return float(root_scalar(between, bracket=(1e-4, 20)).root)


class World:
    """A batch of releases in one scenario; each release has its own share and stage."""

    def __init__(self, scenario: Scenario, batch: int, seed: int, days: int) -> None:
        self.scenario, self.batch = scenario, batch
        self.rng = rng = np.random.default_rng(seed)
        slots = scenario.users
        self._people = int(slots * (1 + TURNOVER * days / 7)) + 20 * int(np.sqrt(slots)) + 20
        self.units = slots // scenario.class_size if scenario.class_size > 1 else self._people
        weights = rng.permutation(np.arange(1, slots + 1) ** -scenario.zipf)
        weights[: scenario.broken] = BROKEN_DAILY / scenario.daily * weights.sum()
        self._activity = weights.cumsum() / weights.sum()
        self._ratings = ratings = Ratings(scenario.icc, scenario.class_icc)
        self._shift = ratings.shift(scenario.effect)
        self._person = np.tile(np.arange(slots), (batch, 1))
        self._next = np.full(batch, slots)
        people = (batch, self._people)
        self._taste = rng.normal(0, ratings.user, people).astype(np.float32)
        self._pace = rng.normal(0, TIME_USER, people).astype(np.float32)
        self._clumsy = rng.gamma(ERROR_SHAPE, 1 / ERROR_SHAPE, people).astype(np.float32)
        self._class = rng.normal(0, ratings.group, (batch, self.units)).astype(np.float32)
        self.before = self._history(slots, weights / weights.sum())
        self._lost = rng.random((batch, self.units)) < scenario.lost
        self.bucket = rng.random((batch, self.units))
        self.share = np.zeros(batch)
        self.stage = np.ones(batch, np.int64)
        self.tick, self.stage_tick = 0, np.zeros(batch, np.int64)
        self._columns = (*SUMS, *INVITED) if scenario.invite and scenario.told else SUMS
        self.sums = {name: np.zeros((batch, self.units)) for name in self._columns}
        self.exposed = np.zeros((batch, self.units), bool)
        self.live = np.ones(batch, bool)

    def _history(self, slots: int, activity: Array) -> dict[str, Array]:
        """What the first users rated before, by unit; users who come later have no past."""
        scenario, rng, ratings = self.scenario, self.rng, self._ratings
        unit = np.arange(slots) // scenario.class_size
        n = rng.poisson(np.tile(scenario.daily * scenario.rated * scenario.history * activity, (self.batch, 1))).astype(
            float
        )
        level = self._taste[:, :slots] + self._class[:, unit] * (ratings.group > 0)
        above = 1 - norm.cdf(ratings.cuts[:, None, None] - level)  # shares of ratings above 1, 2, 3, 4
        mean = 1 + above.sum(axis=0)
        square = 1 + np.tensordot([3.0, 5.0, 7.0, 9.0], above, axes=1)
        total = n * mean + np.sqrt(n * np.maximum(square - mean**2, 0)) * rng.standard_normal(n.shape)
        rows = np.arange(self.batch)[:, None] * self.units + unit
        tables = {"pre_period_n": n, "pre_period_sum": total}
        return {
            name: np.bincount(rows.ravel(), weights=table.ravel(), minlength=self.batch * self.units).reshape(
                self.batch, self.units
            )
            for name, table in tables.items()
        }

    @property
    def day(self) -> float:
        return self.tick / self.scenario.ticks

    def enter(self, release: int, stage: int, share: float) -> None:
        """A release begins a stage: everything counts from now on."""
        self.stage[release], self.share[release], self.stage_tick[release] = stage, share, self.tick
        for table in self.sums.values():
            table[release] = 0

    def step(self) -> None:
        """One tick of all live releases."""
        scenario, rng = self.scenario, self.rng
        rows = np.flatnonzero(self.live)
        today = scenario.daily / scenario.ticks * WEEKDAYS[int(self.day) % 7] / WEEKDAYS.mean()
        counts = rng.poisson(today * rng.gamma(100, 0.01, len(rows)))
        row = np.repeat(rows, counts)
        n = len(row)
        slot = np.searchsorted(self._activity, rng.random(n))
        person = self._person[row, slot]
        unit = slot // scenario.class_size if scenario.class_size > 1 else person
        candidate = self.bucket[row, unit] < self.share[row]
        there = ~(candidate & self._lost[row, unit])
        row, person, unit, candidate = row[there], person[there], unit[there], candidate[there]
        self._add(row, person, unit, candidate)
        self.exposed[row[candidate], unit[candidate]] = True
        self._pass(rows)
        self.tick += 1

    def _add(self, row: NDArray, person: NDArray, unit: NDArray, candidate: NDArray) -> None:
        scenario, rng, n = self.scenario, self.rng, len(row)
        latent = self._taste[row, person] + self._class[row, unit] * (self._ratings.group > 0)
        latent += np.where(candidate, np.float32(self._shift), np.float32(0)) + rng.standard_normal(n, np.float32)
        rating = np.searchsorted(self._ratings.cuts, latent) + 1.0
        failed = (
            rng.random(n, np.float32)
            < np.where(candidate, scenario.errors, scenario.errors_current) * self._clumsy[row, person]
        ) | (person < scenario.broken)
        nameless = failed & (rng.random(n) < scenario.nameless) if scenario.nameless else np.zeros(n, bool)
        rated = (rng.random(n, np.float32) < scenario.rated) & ~failed
        invited = np.zeros(n, bool)
        if scenario.invite:
            shares = np.array([scenario.unasked, scenario.unasked_candidate])
            unasked = shares[candidate.astype(int), (rating <= DISCONTENTED).astype(int)]
            invited = rng.random(n) < scenario.invite
            rated = (rng.random(n) < np.where(invited, unasked + (1 - unasked) * MOVED, unasked)) & ~failed
        log_ms = 7.6 + self._pace[row, person] + np.where(candidate, np.log(scenario.slow), 0.0)
        log_ms += TIME_SIGMA * rng.standard_normal(n, np.float32)
        values = {
            "ratings_n": rated, "ratings_sum": rated * rating, "ratings_squares": rated * rating**2, "answers_n": ~nameless,
            "errors_n": failed & ~nameless, "unnamed_n": nameless, "unnamed_errors_n": nameless,
            "cultural_n": rng.random(n, np.float32) < 0.003, "retries_n": rng.random(n, np.float32) < 0.05,
            "times_n": ~failed, "log_ms_sum": ~failed * log_ms,
        }  # fmt: skip
        asked = (("invited", invited & ~failed), ("uninvited", ~invited & ~failed)) if scenario.invite else ()
        for name, those in asked:
            values |= {f"{name}_n": those, f"{name}_rated_n": those & rated, f"{name}_sum": (those & rated) * rating}
        key = row * self.units + unit
        for name in self._columns:
            found = np.bincount(key, weights=values[name], minlength=self.batch * self.units)
            self.sums[name] += found.reshape(self.batch, self.units)

    def _pass(self, rows: NDArray) -> None:
        """Some users leave and others take their place; classes stay."""
        gone_rows, gone_slots = np.nonzero(
            self.rng.random((len(rows), self.scenario.users)) < TURNOVER / 7 / self.scenario.ticks
        )
        for at, slot in zip(rows[gone_rows], gone_slots, strict=True):
            if slot >= self.scenario.broken and self._next[at] < self._people:
                self._person[at, slot] = self._next[at]
                self._next[at] += 1

    def observation(self, release: int, now: datetime | None = None) -> Observation:
        """What the decision sees of one release at the end of this tick."""
        seen = self.sums["answers_n"][release] > 0
        candidate = seen & (self.bucket[release] < self.share[release])
        orphans = int(self.sums["unnamed_errors_n"][release, ~seen].sum())
        rows = int(sum(self.sums[name][release].sum() for name in ("answers_n", "unnamed_n")))
        told = Attribution(orphans=orphans, rows=rows)
        hours = timedelta(days=1) / self.scenario.ticks
        return Observation(
            "s", "v", int(self.stage[release]), float(self.share[release]), BEGAN, BEGAN + hours * int(self.stage_tick[release]),
            now or BEGAN + hours * self.tick, self._arm(release, candidate), self._arm(release, seen & ~candidate),
            told,
        )  # fmt: skip

    def _arm(self, release: int, mask: NDArray[np.bool_]) -> Arm:
        at = np.flatnonzero(mask)
        sums = {name: self.sums[name][release, at] for name in self._columns if name != "ratings_squares"}
        earlier = {name: table[release, at] for name, table in self.before.items()}
        return Arm(users=len(at), interactions=int(sums["answers_n"].sum()), **sums, **earlier)

    def rows_test(self, release: int) -> tuple[float, float]:
        """(difference, Welch's t) of ratings with every rating as if it were independent: what row-level rules see."""
        candidate = self.bucket[release] < self.share[release]
        stats = []
        for mask in (candidate, ~candidate):
            n, total, squares = (
                float(self.sums[k][release, mask].sum()) for k in ("ratings_n", "ratings_sum", "ratings_squares")
            )
            if n < 2:
                return 0.0, 0.0
            stats.append((total / n, (squares / n - (total / n) ** 2) / (n - 1)))
        (ours, error), (base, error_base) = stats
        return ours - base, (ours - base) / np.sqrt(max(error + error_base, 1e-12))
