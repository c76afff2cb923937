"""What is known of one segment on one day: counts, changes with their errors, topics. Pure values, no thresholds.

How they are computed from days of health stands in compute_signals.py; what they mean, in rules/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from lyo_pipelines.health.contract import USER_GROUPS
from lyo_pipelines.statistics.deciding_mean import Gap


@dataclass(frozen=True, slots=True)
class UserSpread:
    """How far users sway a share. dispersion: how many times larger its variance is than that of independent trials, because users
    differ; known with `degrees_of_freedom`. left_out: share of the values whose users wrote so much that they are left out.
    """

    dispersion: float = 1.0
    degrees_of_freedom: float = math.inf
    left_out: float = 0.0


INDEPENDENT = UserSpread()


@dataclass(frozen=True, slots=True)
class Change:
    """A mean in a window against its baseline; nan where it cannot be had.

    within: the change inside topics and grades, `mix` the rest. day_error: standard error of `within`, widened by the
    overdispersion of days. user_error: standard error of the plain change by random groups of users (nan: not computed), known with
    `user_degrees_of_freedom` degrees of freedom. left_out: share of the values whose users wrote so much that they are left out.
    """

    n: int
    n_base: int
    value: float
    base: float
    within: float
    mix: float
    coverage: float
    day_error: float
    user_error: float = math.nan
    user_degrees_of_freedom: float = USER_GROUPS - 1
    left_out: float = 0.0

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of `within`, each of which errs with probability alpha: the wider of the two errors counts."""
        width = _width(self.day_error, self.user_error, self.user_degrees_of_freedom, alpha)
        return self.within - width, self.within + width

    def counting(self, n: int, n_base: int) -> Change:
        """The same with other counts of what it rests on."""
        return replace(self, n=n, n_base=n_base)


@dataclass(frozen=True, slots=True)
class Level:
    """A mean in a window: how many values, and its standard errors (nan: not to be had).

    error: widened by the overdispersion of days. user_error: with users as the unit of chance (nan: the log names none). left_out:
    share of the values whose users wrote so much that they are left out; n and value are without them.
    """

    n: int
    value: float
    error: float
    user_error: float = math.nan
    user_degrees_of_freedom: float = USER_GROUPS - 1
    left_out: float = 0.0

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds, each of which errs with probability alpha: the wider of the two errors counts."""
        width = _width(self.error, self.user_error, self.user_degrees_of_freedom, alpha)
        return self.value - width, self.value + width

    def counting(self, n: int) -> Level:
        """The same with another count of what it rests on."""
        return replace(self, n=n)


@dataclass(frozen=True, slots=True)
class InvitedRatings:
    """What invitations to rate tell of a window and its baseline.

    change, level: of the corrected mean; they count invited ratings. lowest, highest: what the window's mean may be, whatever those
    think who were invited and did not answer. response: share of the invited who rated; volunteering: share of the others who did, in
    window and baseline. gap, change_gap: what all ratings say less what the corrected mean says, of the mean and of its change;
    volunteering_gap: change of `volunteering`. unasked: very different shares of the two windows were invited, so `Signals.rating`
    leaves the invited ratings out.
    """

    change: Change
    level: Level
    lowest: float
    highest: float
    response: float
    volunteering: tuple[float, float]
    gap: Gap
    change_gap: Gap
    volunteering_gap: Gap
    unasked: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """k of n in a window, and in the one before, with the mix-adjusted share that was to be expected.

    worth: how many values of today's mix those before are worth.
    """

    count: int
    n: int
    count_base: int
    n_base: int
    expected: float
    coverage: float
    dispersion: float
    worth: float
    users: UserSpread = INDEPENDENT

    def dispersion_for(self, alpha: float) -> float:
        """How many times larger the variance is than that of independent trials for a bound at alpha with the normal critical value:
        by days or by users, whichever is more."""
        return max(self.dispersion, user_dispersion(self.users, alpha))


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """Response times (ms) of the window, and of the baseline with today's mix: quantiles, and what intervals are made from.

    histogram, baseline: shape (BINS,); the baseline is scaled to the number of values that it is worth.
    """

    p50: float
    p95: float
    p50_base: float
    p95_base: float
    histogram: NDArray[np.float64]
    baseline: NDArray[np.float64]
    dispersion: float
    users: UserSpread = INDEPENDENT


@dataclass(frozen=True, slots=True)
class TopicSignals:
    """One topic in the long window; `kept` counts curated examples in window and baseline together, `users` is about those who asked
    again. askers: random groups of users that asked about it (all of them where the log names no users)."""

    name: str
    n: int
    retried: int
    kept: int
    rating: Level
    users: UserSpread = INDEPENDENT
    askers: int = USER_GROUPS


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything that the rules look at; what the log did not say is an empty value, never a guess.

    negative: of what has any feedback; negative_rate: of all answers. judged: first and last day of the short and the
    long window. invited: of both windows, None where the log knows of no invitation.
    """

    segment: str
    day: date
    interactions: int = 0
    examples: int = 0
    rating: tuple[Change, Change] | None = None
    rating_level: Level | None = None
    invited: tuple[InvitedRatings | None, InvitedRatings | None] = (None, None)
    negative: Shares | None = None
    negative_rate: Shares | None = None
    relevance: Level | None = None
    relevance_change: Change | None = None
    cultural: Shares | None = None
    time: Change | None = None
    tail: Tail | None = None
    mismatch: tuple[int, int] = (0, 0)
    mismatch_users: UserSpread = INDEPENDENT
    topics: tuple[TopicSignals, ...] = ()
    grades: dict[str, int] = field(default_factory=dict)
    judged: tuple[tuple[date, date], ...] = ()


@lru_cache(maxsize=4096)
def critical_values(alpha: float, degrees_of_freedom: float = USER_GROUPS - 1) -> tuple[float, float]:
    """(normal, Student's t with so many degrees of freedom) critical value of a one-sided test at alpha."""
    z = float(ndtri(1 - alpha))
    return z, z if math.isinf(degrees_of_freedom) else float(stdtrit(max(1.0, degrees_of_freedom), 1 - alpha))


def user_dispersion(users: UserSpread, alpha: float) -> float:
    """The users' dispersion, larger by what Student's t asks for beyond the normal critical value at alpha."""
    if users.dispersion == 1.0 and math.isinf(users.degrees_of_freedom):
        return 1.0
    z, t = critical_values(alpha, users.degrees_of_freedom)
    return users.dispersion * (t / z) ** 2


def _width(day_error: float, user_error: float, degrees_of_freedom: float, alpha: float) -> float:
    z, t = critical_values(alpha, degrees_of_freedom)
    return z * day_error if math.isnan(user_error) else max(z * day_error, t * user_error)
