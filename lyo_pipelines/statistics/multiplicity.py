"""Correction of p-values for many comparisons. Computing the p-values does not belong here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given (Holm, Scandinavian Journal of Statistics 6, 1979).

    Controls the family-wise error rate under any dependence: an adjusted value below alpha is a finding at level alpha.
    Raises ValueError when a value is not in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.size == 0:
        return []
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values must lie in [0, 1], found {p_values}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted.tolist()


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level at which Holm's procedure judged each value, in the order given: one that it rejects, its own step's; all others,
    that of the step at which it stopped.

    A value is below its level exactly where its adjusted value is below alpha (at equality the procedure stops). An interval of
    confidence 1 - level therefore stands beside a verdict of the same level, and every interval is at least as wide as one of
    confidence 1 - alpha. For the intervals of values that are not rejected, this is the level of Bonferroni's among them.
    """
    count = len(p_values)
    order = sorted(range(count), key=lambda at: p_values[at])
    levels = [alpha] * count
    stopped = False
    step = 0
    for at in order:
        if not stopped and p_values[at] < alpha / (count - step):
            levels[at] = alpha / (count - step)
            step += 1
        else:
            stopped = True
            levels[at] = alpha / (count - step)
    return levels
