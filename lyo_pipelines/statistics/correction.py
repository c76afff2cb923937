"""Correction of p-values for many comparisons. Computing the p-values does not belong here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control


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


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjustment, in the order given (JRSS B 57, 1995); computed by scipy.

    Controls the share of false findings among all findings, for independent or positively dependent tests: for screening many
    things at once, where Holm would find nothing. Raises ValueError when a value is not in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values must lie in [0, 1], found {p_values}")
    return np.asarray(false_discovery_control(p, method="bh")).tolist() if p.size else []
