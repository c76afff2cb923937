"""Difference of two ratios of sums (means, shares) between two groups of users, with whole users as the unit of chance.

Two separate sets of users only: systems that answered the same items belong to `bootstrap`. What is sequential stands in
`sequential`, which takes the standard errors from here.

The error is that of linearised ratios over clusters (Cochran, *Sampling Techniques*, 1977, section 6.4; the "delta method" of Deng,
Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018): what one user adds is his whole sum of residuals, so the
habits of users are in the error in full. Degrees of freedom count users as Kish does (1965, section 11.7), so that an arm in which
three users wrote nearly everything counts as three, not as three hundred; the two arms are put together by Welch and Satterthwaite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A mean or share: sum over count, the variance of it, and what both rest on; nan where there is nothing."""

    value: float
    variance: float
    n: float
    groups: int
    degrees_of_freedom: float

    @property
    def standard_error(self) -> float:
        """Of the ratio."""
        return math.sqrt(self.variance)


@dataclass(frozen=True)
class RatioDifference:
    """`estimate` is ratio - base; its standard error has `degrees_of_freedom` degrees of freedom."""

    ratio: Ratio
    base: Ratio
    estimate: float
    standard_error: float
    degrees_of_freedom: float


def cluster_robust_ratio(sums: ArrayLike, counts: ArrayLike) -> Ratio:
    """Ratio of sums over users. sums, counts: shape (users,), one entry per user; users without a count say nothing."""
    total, count = np.asarray(sums, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if total.shape != count.shape or total.ndim != 1:
        raise ValueError(f"expected one sum and one count per user, found shapes {total.shape} and {count.shape}")
    n, groups = float(count.sum()), int(np.count_nonzero(count))
    if n <= 0:
        return Ratio(math.nan, math.nan, 0.0, 0, 0.0)
    value = float(total.sum()) / n
    squares = float(np.square(count).sum())
    degrees_of_freedom = n * n / squares - 1
    if groups < 2:
        return Ratio(value, math.nan, n, groups, 0.0)
    residual = total - value * count
    variance = groups / (groups - 1) * float(residual @ residual) / (n * n)
    return Ratio(value, variance, n, groups, degrees_of_freedom)


def cluster_robust_difference(ours: Ratio, base: Ratio) -> RatioDifference:
    """ours - base of two separate sets of users."""
    estimate, variance = ours.value - base.value, ours.variance + base.variance
    if not variance > 0:  # nan, or users who are all alike: nothing is known of their spread
        return RatioDifference(ours, base, estimate, math.nan, 0.0)
    parts = [
        part.variance**2 / part.degrees_of_freedom
        for part in (ours, base)
        if part.variance > 0 and part.degrees_of_freedom > 0
    ]
    return RatioDifference(ours, base, estimate, math.sqrt(variance), variance**2 / sum(parts) if parts else 0.0)


def covariate_adjusted_difference(
    sums: ArrayLike,
    counts: ArrayLike,
    known: ArrayLike,
    sums_base: ArrayLike,
    counts_base: ArrayLike,
    known_base: ArrayLike,
) -> tuple[Floats, Floats]:
    """(sums, base sums) without what was known of each user before the two groups were made.

    Chance gives one group more lenient users than the other; what they did before tells how lenient they are (Deng, Xu, Kohavi and
    Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013: CUPED). known:
    shape (users,), a level of each user from before, 0 where nothing is known. The slope is that of the users of both groups about
    their groups' means, so a difference between the groups does not enter it. Each group's `cluster_robust_ratio` of what
    comes back may be compared.
    """
    groups = [
        tuple(np.asarray(values, dtype=np.float64) for values in group)
        for group in ((sums, counts, known), (sums_base, counts_base, known_base))
    ]
    mass = sum(float(count.sum()) for _, count, _ in groups)
    centre = sum(float(count @ level) for _, count, level in groups) / mass if mass > 0 else 0.0
    both = square = 0.0
    for total, count, level in groups:
        if count.sum() > 0:
            spread = count * (level - float(count @ level) / float(count.sum()))
            both += float(spread @ (total - total.sum() / count.sum() * count))
            square += float(spread @ spread)
    slope = both / square if square > 0 else 0.0
    ours, base = (total - slope * count * (level - centre) for total, count, level in groups)
    return ours, base


def design_effect(events: ArrayLike, trials: ArrayLike) -> float:
    """How many times larger the variance of a share is than that of independent trials, because users differ (Kish 1965); 1 at least.

    events, trials: shape (users,).
    """
    found = cluster_robust_ratio(events, trials)
    independent = found.value * (1 - found.value) / found.n if found.n else 0.0
    if not independent > 0 or math.isnan(found.variance):
        return 1.0
    return max(1.0, found.variance / independent)
