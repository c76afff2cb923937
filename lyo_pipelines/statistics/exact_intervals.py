"""Intervals that hold for any number of observations, however small: of a share, and of a median. No normal approximation here.

What may be counted as a success, and what a median is of, belongs to the callers.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import bdtr, betainc, betaincinv


def share_bounds(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of successes / n (Biometrika 26, 1934): each bound errs with half of 1 - confidence at most.

    (0, 1) for n = 0. Raises ValueError for a count outside of 0 to n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high


def at_least_p_value(successes: int, n: int, chance: float) -> float:
    """Probability of so many successes or more in n trials that succeed with this chance: the exact one-sided binomial test."""
    return 1.0 if successes <= 0 else float(betainc(successes, n - successes + 1, chance))


def median_bounds(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the median between two of the ordered values, for any distribution (David and Nagaraja, *Order Statistics*, 7.1).

    Infinite where there are too few values for the confidence: with 5 or fewer no two of them enclose a median with 95 %.
    """
    ordered, n = sorted(values), len(values)
    below = 0  # so many values may lie beyond each bound
    while below < n and float(bdtr(below, n, 0.5)) < (1 - confidence) / 2:
        below += 1
    if below < 1:
        return float("-inf"), float("inf")
    return ordered[below - 1], ordered[n - below]
