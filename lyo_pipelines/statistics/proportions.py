"""Intervals of a proportion. Differences between two systems do not belong here (see `bootstrap`)."""

from __future__ import annotations

import math

from scipy.stats import binomtest


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of successes / n (Wilson, JASA 22, 1927), for independent trials.

    It stays inside [0, 1] and says something even at 0 or n successes. n = 0 gives (0, 1): nothing is known.
    Raises ValueError when successes is not in 0..n.
    """
    if n == 0 and successes == 0:
        return 0.0, 1.0
    interval = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    return float(interval.low), float(interval.high)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of successes / n (Clopper and Pearson, Biometrika 26, 1934; scipy's), for independent trials.

    It never covers less often than promised, whatever the true share, and is wider than Wilson's for that. n = 0 gives (0, 1).
    Raises ValueError when successes is not in 0..n.
    """
    if n == 0 and successes == 0:
        return 0.0, 1.0
    interval = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="exact")
    return float(interval.low), float(interval.high)


def wilson_bounds(successes: float, n: float, z: float) -> tuple[float, float]:
    """The same interval in closed form for a given normal critical value: microseconds, for rules that look at every topic."""
    if n <= 0:
        return 0.0, 1.0
    share, square = successes / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    width = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - width), min(1.0, centre + width)
