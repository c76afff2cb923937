"""Sample-ratio mismatch: do as many users come to each arm as were sent there? Valid however often one looks.

A chi-square test repeated daily raises false alarms in a third of healthy experiments within weeks; this is the sequential test of
Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 2022): the Bayes factor of a Dirichlet alternative
around the planned shares is a martingale. Closed form; the package savvi has the same (its value is in the tests), but brings a
convex optimiser with it. What to do about a mismatch does not belong here.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

CONCENTRATION = 100.0
"""Of the alternative around the planned shares: it expects shares that are off by a few points."""


def sample_ratio_p_value(counts: ArrayLike, shares: ArrayLike, *, concentration: float = CONCENTRATION) -> float:
    """Sequential p-value of "every user came to arm i with probability shares[i]".

    counts: users (each once) by arm. shares: planned, > 0, summing to 1. Raises ValueError on anything else.
    """
    seen, planned = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if seen.shape != planned.shape or (seen < 0).any() or (planned <= 0).any() or abs(planned.sum() - 1) > 1e-9:
        raise ValueError(f"expected counts >= 0 and shares > 0 that sum to 1, found {counts} and {shares}")
    prior = concentration * planned
    log_odds = _log_beta(prior + seen) - _log_beta(prior) - float(seen @ np.log(planned))
    return min(1.0, math.exp(-log_odds)) if log_odds > -700 else 1.0


def _log_beta(values: np.ndarray) -> float:
    return float(gammaln(values).sum() - gammaln(values.sum()))
