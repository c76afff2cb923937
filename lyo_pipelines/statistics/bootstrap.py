"""Paired comparison of two systems on the same items, where items come in groups (conversations, near-duplicate clusters).

Holds the cluster bootstrap, its BCa interval and the paired sign-flip test. Corrections for many comparisons and the
words "better" or "worse" do not belong here (see `correction` and `verdict`).

Why these two. Items of one group are not independent, so whole groups are resampled (cluster bootstrap; Davison and
Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8). The interval is bias-corrected and accelerated
(Efron, "Better Bootstrap Confidence Intervals", JASA 82, 1987). The p-value comes from flipping the sign of each
group's difference (Fisher-Pitman, the test behind `scipy.stats.permutation_test(permutation_type="samples")`): on few
discordant 0/1 items a bootstrap p-value is far too small, while the sign-flip test keeps its level.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

CELLS_PER_CHUNK = 2_000_000
"""Resamples x groups held in memory at once (16 MB of float64), whatever their total."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; `low` and `high` are nan where it cannot be had (fewer than 2 groups)."""

    estimate: float
    low: float
    high: float
    confidence: float
    n: int
    groups: int


def nowhere(confidence: float) -> tuple[float, float]:
    """The interval where none can be had, at any confidence."""
    return np.nan, np.nan


@dataclass(frozen=True)
class PairedDifference(Interval):
    """`estimate` is a - b; `p_value` is two-sided; `standard_error` is the bootstrap's.

    at: the interval at another confidence, from the same resamples.
    """

    p_value: float
    standard_error: float
    resamples: int
    at: Callable[[float], tuple[float, float]] = field(default=nowhere, compare=False, repr=False)


@dataclass(frozen=True)
class _GroupSums:
    """Numerators and denominators summed by group: all that a ratio of sums needs."""

    numerators: Floats  # shape (systems, groups)
    denominators: Floats  # shape (groups,)


def paired_bootstrap_by_group(
    a: ArrayLike,
    b: ArrayLike,
    groups: Sequence[object] | ArrayLike,
    *,
    weights: ArrayLike | None = None,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairedDifference:
    """Compare the (weighted) means of two systems that answered the same items.

    a, b: shape (n,), one value for each item, without nan. groups: shape (n,), any hashable labels.
    weights: shape (n,), >= 0; the statistic is sum(weights * value) / sum(weights), for instance token counts with the
    mean loss of each answer, which gives the token-weighted loss. Both systems share them.

    Swapping a and b with the same seed gives the same numbers with the opposite sign. Raises ValueError on different
    lengths, nan, no items, or weights without mass.
    """
    values = np.vstack([_checked(a), _checked(b)])
    sums = _sum_by_group(values, groups, weights)
    difference = sums.numerators[0] - sums.numerators[1]
    estimate = float(difference.sum() / sums.denominators.sum())
    n, count = values.shape[1], sums.denominators.size
    if count < 2:
        return PairedDifference(estimate, np.nan, np.nan, confidence, n, count, 1.0, np.nan, resamples)
    rng = np.random.default_rng(seed)
    replicates = bootstrap_ratios(difference, sums.denominators, resamples=resamples, rng=rng)
    jackknife = jackknife_ratios(difference, sums.denominators)

    def at(level: float) -> tuple[float, float]:
        return bca_interval(replicates, estimate, jackknife, level)

    low, high = at(confidence)
    p_value = sign_flip_p_value(difference, resamples=resamples, rng=rng)
    error = float(replicates.std(ddof=1))
    return PairedDifference(estimate, low, high, confidence, n, count, p_value, error, resamples, at)


def bootstrap_mean_by_group(
    values: ArrayLike,
    groups: Sequence[object] | ArrayLike,
    *,
    weights: ArrayLike | None = None,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Interval of one system's (weighted) mean, resampling whole groups; arguments as in `paired_bootstrap_by_group`."""
    checked = _checked(values)
    sums = _sum_by_group(checked[None, :], groups, weights)
    numerators = sums.numerators[0]
    estimate = float(numerators.sum() / sums.denominators.sum())
    count = sums.denominators.size
    if count < 2:
        return Interval(estimate, np.nan, np.nan, confidence, checked.size, count)
    rng = np.random.default_rng(seed)
    replicates = bootstrap_ratios(numerators, sums.denominators, resamples=resamples, rng=rng)
    low, high = bca_interval(replicates, estimate, jackknife_ratios(numerators, sums.denominators), confidence)
    return Interval(estimate, low, high, confidence, checked.size, count)


def bootstrap_ratio_by_group(
    numerators: ArrayLike,
    denominators: ArrayLike,
    groups: Sequence[object] | ArrayLike,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Interval of a ratio of two sums over the same items, resampling whole groups: how many times as large one mean is as the other.

    Both of shape (n,), without nan. Raises ValueError as `paired_bootstrap_by_group`, and where the denominators sum to nothing.
    """
    values = np.vstack([_checked(numerators), _checked(denominators)])
    above, below = _sum_by_group(values, groups, None).numerators
    n, count = values.shape[1], below.size
    if below.sum() <= 0:
        raise ValueError("the denominators sum to nothing")
    estimate = float(above.sum() / below.sum())
    if count < 2:
        return Interval(estimate, np.nan, np.nan, confidence, n, count)
    replicates = bootstrap_ratios(above, below, resamples=resamples, rng=np.random.default_rng(seed))
    low, high = bca_interval(replicates, estimate, jackknife_ratios(above, below), confidence)
    return Interval(estimate, low, high, confidence, n, count)


def bootstrap_ratios(
    numerators: Floats, denominators: Floats, *, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Ratios of sums over groups drawn with replacement; shape (resamples,). Memory is bounded by CELLS_PER_CHUNK."""
    count = numerators.size
    columns = np.column_stack([numerators, denominators])
    uniform = np.full(count, 1.0 / count)
    parts: list[Floats] = []
    for size in _chunks(resamples, count):
        totals = rng.multinomial(count, uniform, size=size).astype(np.float64) @ columns
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(totals[:, 0] / totals[:, 1])
    ratios = np.concatenate(parts)
    return ratios[np.isfinite(ratios)]  # a draw of weightless groups only has no ratio


def jackknife_ratios(numerators: Floats, denominators: Floats) -> Floats:
    """The ratio of sums with each group left out in turn; shape (groups,), without groups that leave no weight."""
    left = denominators.sum() - denominators
    return (numerators.sum() - numerators)[left > 0] / left[left > 0]


def bca_interval(replicates: Floats, estimate: float, jackknife: Floats, confidence: float) -> tuple[float, float]:
    """Bias-corrected and accelerated interval (Efron 1987, equations 2.3 and 6.6), ties counted half."""
    spread = float(np.ptp(replicates))
    if spread <= 1e-12 * max(1.0, abs(estimate)):
        return estimate, estimate
    below = np.count_nonzero(replicates < estimate) + 0.5 * np.count_nonzero(replicates == estimate)
    bias = ndtri(np.clip(below / replicates.size, 1e-6, 1 - 1e-6))
    away = jackknife.mean() - jackknife
    scale = float((away**2).sum()) ** 1.5
    acceleration = float((away**3).sum()) / (6.0 * scale) if scale > 0 else 0.0
    tails = bias + ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    levels: Floats = ndtr(bias + tails / (1 - acceleration * tails))
    low, high = np.quantile(replicates, levels)
    return float(low), float(high)


def sign_flip_p_value(differences: Floats, *, resamples: int, rng: np.random.Generator) -> float:
    """Two-sided p-value of "the two systems are interchangeable", flipping the sign of whole groups.

    differences: shape (groups,), each group's numerator of a minus that of b (the denominators are common and cancel).
    Counts the observed assignment as one of the draws, so the value is never 0 (Phipson and Smyth 2010).
    """
    moved = differences[differences != 0]
    if moved.size == 0:
        return 1.0
    observed = abs(float(moved.sum())) - 1e-9 * float(np.abs(moved).sum())  # equal up to rounding counts as equal
    extreme = 0
    for size in _chunks(resamples, moved.size):
        signs = rng.integers(0, 2, size=(size, moved.size), dtype=np.int8).astype(np.float64) * 2 - 1
        extreme += int(np.count_nonzero(np.abs(signs @ moved) >= observed))
    return (extreme + 1) / (resamples + 1)


def _chunks(resamples: int, width: int) -> Iterator[int]:
    size = max(1, CELLS_PER_CHUNK // max(1, width))
    for start in range(0, resamples, size):
        yield min(size, resamples - start)


def _checked(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"expected one value per item, found an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("a value is nan or infinite: leave unmeasured items out before comparing")
    return array


def _sum_by_group(values: Floats, groups: Sequence[object] | ArrayLike, weights: ArrayLike | None) -> _GroupSums:
    n = values.shape[1]
    mass = np.ones(n) if weights is None else _checked(weights)
    labels = np.asarray(groups)
    if labels.shape != (n,) or mass.shape != (n,):
        raise ValueError(f"values, groups and weights differ in length: {n}, {labels.shape}, {mass.shape}")
    if (mass < 0).any() or mass.sum() <= 0:
        raise ValueError("weights must be >= 0 and not all 0")
    _, codes = np.unique(labels, return_inverse=True)
    rows = np.vstack([values * mass, mass[None, :]])
    sums = np.vstack([np.bincount(codes, weights=row) for row in rows]).astype(np.float64)
    return _GroupSums(numerators=sums[:-1], denominators=sums[-1])
