"""What is known of one segment on one day: counts, changes with their errors, topics. Pure values, no thresholds.

How they are computed from days of health stands in compute_signals.py; what they mean, in rules/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from lyo_pipelines.health.contract import USER_GROUPS


@dataclass(frozen=True, slots=True)
class Change:
    """A mean in a window against its baseline; nan where it cannot be had.

    within: the change inside topics and grades, `mix` the rest. day_error: standard error of `within`, widened by the
    overdispersion of days. user_error: standard error of the plain change by random groups of users (nan: not computed), known with
    `user_degrees_of_freedom` degrees of freedom.
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

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of `within`, each of which errs with probability alpha: the wider of the two errors counts."""
        z, t = critical_values(alpha, self.user_degrees_of_freedom)
        width = z * self.day_error
        if not math.isnan(self.user_error):
            width = max(width, t * self.user_error)
        return self.within - width, self.within + width


@dataclass(frozen=True, slots=True)
class Level:
    """A mean or a share in a window: how many values, and the standard error (nan: not to be had)."""

    n: int
    value: float
    error: float

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds, each of which errs with probability alpha."""
        z, _ = critical_values(alpha)
        return self.value - z * self.error, self.value + z * self.error


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


@dataclass(frozen=True, slots=True)
class TopicSignals:
    """One topic in the long window; `kept` counts curated examples in window and baseline together."""

    name: str
    n: int
    retried: int
    kept: int
    rating: Level


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything that the rules look at; what the log did not say is an empty value, never a guess."""

    segment: str
    day: date
    interactions: int = 0
    examples: int = 0
    rating: tuple[Change, Change] | None = None
    rating_level: Level | None = None
    negative: Shares | None = None
    relevance: Level | None = None
    relevance_change: Change | None = None
    cultural: Shares | None = None
    time: Change | None = None
    tail: Tail | None = None
    mismatch: tuple[int, int] = (0, 0)
    topics: tuple[TopicSignals, ...] = ()
    grades: dict[str, int] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def critical_values(alpha: float, degrees_of_freedom: float = USER_GROUPS - 1) -> tuple[float, float]:
    """(normal, Student's t with so many degrees of freedom) critical value of a one-sided test at alpha."""
    return float(ndtri(1 - alpha)), float(stdtrit(max(1.0, degrees_of_freedom), 1 - alpha))
