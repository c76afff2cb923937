"""Change of a mean between two windows, split into change of mix and change within strata, from sums alone.

Direct standardisation (Kitagawa, JASA 50, 1955): `expected` is what the baseline's strata would have given with today's mix;
the difference to it is the change within, the rest of the change is mix. What the strata are does not belong here.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import polygamma

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MINIMUM_BASE = 3
"""A stratum with fewer values in the baseline has no level of its own to compare with."""
_PRIOR = 4.0
"""A stratum's variance is drawn towards the pooled one as if so many of its values had that."""
_MINIMUM_GROUPS = 10
"""With fewer groups nothing is said about what they have in common."""


@dataclass(frozen=True)
class Sums:
    """Count, sum and sum of squares of a quantity; each of shape (strata,)."""

    n: Floats
    total: Floats
    squares: Floats


@dataclass(frozen=True)
class Changes:
    """One change per group; each array of shape (groups,), nan where it cannot be had.

    n, n_base: values in the two windows. mean, mean_base: plain means. expected: baseline with today's mix. within: change
    within comparable strata. mix: the rest of the change. standard_error: of `within`, for independent values. coverage: share
    of today's values that lie in comparable strata. variance, variance_base: within strata, pooled. worth: how many values of
    today's mix the baseline's are worth (Kish).
    """

    n: Floats
    n_base: Floats
    mean: Floats
    mean_base: Floats
    expected: Floats
    within: Floats
    mix: Floats
    standard_error: Floats
    coverage: Floats
    variance: Floats
    variance_base: Floats
    worth: Floats


def stratified_changes(group: Codes, groups: int, now: Sums, base: Sums) -> Changes:
    """Compare two windows stratum by stratum. group: shape (strata,), the group of each stratum, 0 to groups - 1."""

    def by_group(values: Floats) -> Floats:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64)

    with np.errstate(invalid="ignore", divide="ignore"):
        n, n_base = by_group(now.n), by_group(base.n)
        mean, mean_base = by_group(now.total) / n, by_group(base.total) / n_base
        variance, variance_base = pooled_variance(group, groups, now), pooled_variance(group, groups, base)
        comparable = (now.n > 0) & (base.n >= MINIMUM_BASE)
        n_comparable = by_group(np.where(comparable, now.n, 0.0))
        weight = np.where(comparable, now.n / n_comparable[group], 0.0)
        level = np.where(comparable, base.total / np.maximum(base.n, 1.0), 0.0)
        expected = np.where(n_comparable > 0, by_group(weight * level), np.nan)
        within = by_group(np.where(comparable, now.total, 0.0)) / n_comparable - expected
        # strata differ in spread: what the mix has moved to may scatter more than what the baseline was made of
        noise = by_group(weight**2 * _spread(group, variance, now) / np.maximum(now.n, 1.0))
        noise += by_group(weight**2 * _spread(group, variance_base, base) / np.maximum(base.n, 1.0))
        error = np.where(n_comparable > 0, np.sqrt(noise), np.nan)
        return Changes(
            n=n, n_base=n_base, mean=mean, mean_base=mean_base, expected=expected, within=within,
            mix=(mean - mean_base) - within, standard_error=error, coverage=n_comparable / n, variance=variance,
            variance_base=variance_base, worth=1 / by_group(weight**2 / np.maximum(base.n, 1.0)),
        )  # fmt: skip


def pooled_variance(group: Codes, groups: int, sums: Sums) -> Floats:
    """Variance within strata, pooled over each group's strata; nan without a degree of freedom."""
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.where(sums.n > 0, sums.squares - sums.total**2 / sums.n, 0.0)
    degrees_of_freedom = np.bincount(group, weights=np.maximum(sums.n - 1, 0.0), minlength=groups)
    spread = np.bincount(group, weights=np.maximum(within, 0.0), minlength=groups)
    return np.where(degrees_of_freedom > 0, spread / np.maximum(degrees_of_freedom, 1.0), np.nan)


def _spread(group: Codes, pooled: Floats, sums: Sums) -> Floats:
    """Variance of each stratum, with few values drawn towards that of all strata of its group."""
    squares = np.maximum(sums.squares - sums.total**2 / np.maximum(sums.n, 1.0), 0.0)
    return (_PRIOR * np.nan_to_num(pooled)[group] + squares) / (_PRIOR + np.maximum(sums.n - 1, 0.0))


def moderated_variance(ratio: Floats, degrees_of_freedom: Floats) -> tuple[Floats, Floats]:
    """Ratios of variances, each known with `degrees_of_freedom` degrees of freedom, drawn towards what all groups have in
    common; and the degrees of freedom that they have then.

    Empirical Bayes with a scaled inverse chi-square prior (Smyth, *Stat. Appl. Genet. Mol. Biol.* 3, 2004, section 6.2). With
    fewer than _MINIMUM_GROUPS known ratios they stay as they are.
    """
    known = np.isfinite(ratio) & (ratio > 0) & (degrees_of_freedom >= 1)
    if known.sum() < _MINIMUM_GROUPS:
        return ratio, degrees_of_freedom
    half = degrees_of_freedom[known] / 2
    centred = np.log(ratio[known]) - _polygamma(0, half) + np.log(half)
    spread = max(float(centred.var(ddof=1)) - float(_polygamma(1, half).mean()), 1e-3)
    prior = 2 * _inverse_trigamma(spread)
    common = np.exp(centred.mean() + _polygamma(0, prior / 2) - np.log(prior / 2))
    with np.errstate(invalid="ignore"):
        drawn = (prior * common + degrees_of_freedom * ratio) / (prior + degrees_of_freedom)
    # an infinite one says that nothing is known, and says so still
    return np.where(np.isinf(ratio), np.inf, drawn), prior + degrees_of_freedom


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value, by Newton's method from Smyth's start (2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(_polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(_polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x


def _polygamma(order: int, x: ArrayLike) -> Floats:
    """The derivative of this order of the digamma function; of the shape of x."""
    return np.asarray(polygamma(order, x), np.float64)
