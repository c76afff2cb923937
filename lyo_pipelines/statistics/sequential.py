"""Bounds that stay valid however often one looks: one-sided confidence sequences for an estimate with a standard error.

Tests with a fixed sample size do not belong here, nor does how estimate and error are computed (see `clustered`).

The boundary is Robbins' one-sided normal mixture (Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic
confidence sequences", Annals of Statistics 49, 2021, proposition 6; the same as in the package confseq, which needs a C++ compiler
and Boost to install and is therefore not used; its reference values are in the tests). It is laid around an asymptotically normal
estimate (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
Annals of Statistics 52, 2024): information 1 / error squared is the clock. Why this one: betting intervals for bounded means
(Waudby-Smith and Ramdas 2023) need independent values that come one by one, and here users keep adding ratings to their sums from
day to day; the cluster-robust error takes them as they are, since for a set of users who stay the estimate has increments that do
not depend on its past. With few users the normal critical value is replaced by Student's t with the same tail.
Simulated error rates: tests of this module and benchmarks/rollout.py.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import log_ndtr, ndtr, stdtrit

TUNED = 0.05
"""The one-sided error probability for which the boundary is narrowest at the planned information."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of an estimate, each of which, over all looks together, errs with probability 1 - confidence at most."""

    low: float
    high: float
    confidence: float


def best_rho(information: float, alpha: float) -> float:
    """The mixture's variance that makes a two-sided boundary at `alpha` about narrowest at this information (ibid., section 3.5)."""
    level = -2 * math.log(alpha)
    return information / (level + math.log1p(level))


def critical_value(information: float, alpha: float, planned: float) -> float:
    """How many standard errors an estimate must lie from a value to exclude it, at this information, over all looks.

    planned: the information at which the boundary is narrowest; four times more or less costs about a tenth. It is so for alpha
    TUNED, and nearly so for others: with one mixture for all of them, more confidence always means wider bounds.
    """
    rho = best_rho(planned, 2 * TUNED)
    scale = information + rho
    level = -math.log(alpha) - 0.5 * math.log(4 * rho / scale)
    at = math.sqrt(2 * max(level, 0.5))
    for _ in range(30):  # Newton: the function is convex and grows
        tail = math.exp(-0.5 * at * at - float(log_ndtr(at))) / math.sqrt(2 * math.pi)
        step = (0.5 * at * at + float(log_ndtr(at)) - level) / (at + tail)
        at -= step
        if abs(step) < 1e-10:
            break
    return at * math.sqrt(scale / information)


def sequential_bounds(
    estimate: float,
    standard_error: float,
    *,
    confidence: float,
    planned_error: float,
    degrees_of_freedom: float = math.inf,
) -> Bounds:
    """Both bounds of an estimate, valid over all looks; infinite where nothing is known.

    planned_error: the standard error at which they are narrowest, fixed before the first look. degrees_of_freedom: of the
    standard error.
    """
    width = critical_distance(
        standard_error, confidence=confidence, planned_error=planned_error, degrees_of_freedom=degrees_of_freedom
    )
    if math.isnan(estimate) or math.isinf(width):
        return Bounds(-math.inf, math.inf, confidence)
    return Bounds(estimate - width * standard_error, estimate + width * standard_error, confidence)


def critical_distance(
    standard_error: float, *, confidence: float, planned_error: float, degrees_of_freedom: float = math.inf
) -> float:
    """The critical value of `sequential_bounds`, in standard errors; infinite where nothing is known."""
    if not (0.5 < confidence < 1) or planned_error <= 0:
        raise ValueError(f"confidence lies in (0.5, 1) and planned_error above 0: {confidence}, {planned_error}")
    if not standard_error > 0 or degrees_of_freedom < 1:
        return math.inf
    normal = critical_value(standard_error**-2, 1 - confidence, planned_error**-2)
    if math.isinf(degrees_of_freedom):
        return normal
    return abs(float(stdtrit(degrees_of_freedom, ndtr(-normal))))  # of the small tail: near 1 no figures are left
