"""Comparison of two systems on a statistic of the whole set (macro-F1, Spearman), which is no mean over items.

Items come in groups, as in `bootstrap`; metrics that are means belong there, where they cost a thousandth. Here the statistic is
a function of the outputs, called anew for every resample, so callers bound their number.

The interval of the difference resamples whole groups, the same ones for both systems, and takes the percentiles (Efron and
Tibshirani, *An Introduction to the Bootstrap*, 1993, chapters 13 and 16); the jackknife of a macro-F1 with rare classes is too
rough for the acceleration of a BCa interval. For a macro-F1 with a rare class they are a little narrow (simulated: 90 % instead of
95 with 25 groups, 92 % with 50), so a verdict must rest on the p-value as well.

The p-value swaps the two systems' outputs of randomly chosen groups (approximate randomisation; Noreen, *Computer-Intensive Methods
for Testing Hypotheses*, 1989; recommended for F1 and the like by Dror et al., "The Hitchhiker's Guide to Testing Statistical
Significance in NLP", ACL 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from lyo_pipelines.statistics.bootstrap import Floats, Interval, PairedDifference

Output = TypeVar("Output")
Statistic = Callable[[Sequence[Output]], float | None]
"""Value of the whole set from its outputs; None or nan where it is not defined (no variance, no label)."""

MINIMUM_DEFINED = 0.5
"""With a smaller share of resamples in which the statistic is defined there is no interval."""


def whole_by_group(
    outputs: Sequence[Output],
    statistic: Statistic[Output],
    groups: Sequence[object],
    *,
    resamples: int = 2_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Interval of one system's statistic. outputs, groups: one entry for each item. Calls the statistic resamples + 1 times.

    The estimate is nan where the statistic is not defined, the bounds also with fewer than 2 groups. Raises ValueError on different
    lengths or no items.
    """
    members = _members(groups, len(outputs))
    estimate = _value(statistic, outputs)
    rng = np.random.default_rng(seed)
    replicates = [_value(statistic, [outputs[row] for row in rows]) for rows in _resampled(members, resamples, rng)]
    low, high = _percentiles(np.array(replicates), confidence, len(members))
    return Interval(estimate, low, high, confidence, len(outputs), len(members))


def paired_whole_by_group(
    a: Sequence[Output],
    b: Sequence[Output],
    statistic: Statistic[Output],
    groups: Sequence[object],
    *,
    resamples: int = 2_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairedDifference:
    """Compare two systems' outputs for the same items; `estimate` is statistic(a) - statistic(b).

    Calls the statistic 4 x resamples + 2 times. Swapping a and b with the same seed gives the same numbers with the opposite sign.
    Where the statistic is not defined on either system, everything is nan. Raises ValueError on different lengths or no items.
    """
    if len(a) != len(b):
        raise ValueError(f"the two systems answered different items: {len(a)} and {len(b)}")
    members = _members(groups, len(a))
    estimate = _value(statistic, a) - _value(statistic, b)
    if math.isnan(estimate) or len(members) < 2:
        p_value = math.nan if math.isnan(estimate) else 1.0
        return PairedDifference(
            estimate, math.nan, math.nan, confidence, len(a), len(members), p_value, math.nan, resamples
        )
    rng = np.random.default_rng(seed)
    replicates = np.array(
        [
            _value(statistic, [a[row] for row in rows]) - _value(statistic, [b[row] for row in rows])
            for rows in _resampled(members, resamples, rng)
        ]
    )

    def at(level: float) -> tuple[float, float]:
        return _percentiles(replicates, level, len(members))

    low, high = at(confidence)
    p_value = _swap_p_value(a, b, statistic, members, observed=estimate, resamples=resamples, rng=rng)
    defined = replicates[np.isfinite(replicates)]
    error = float(defined.std(ddof=1)) if defined.size > 1 else math.nan
    return PairedDifference(estimate, low, high, confidence, len(a), len(members), p_value, error, resamples, at)


def _swap_p_value(
    a: Sequence[Output],
    b: Sequence[Output],
    statistic: Statistic[Output],
    members: list[list[int]],
    *,
    observed: float,
    resamples: int,
    rng: np.random.Generator,
) -> float:
    """Two-sided p-value of "the two systems are interchangeable"; the observed assignment counts as one of the draws.

    A draw in which the statistic is not defined counts as extreme: it must not make a finding easier.
    """
    least = abs(observed) - 1e-9
    extreme = 0
    for swapped in rng.integers(0, 2, size=(resamples, len(members)), dtype=np.int8).astype(bool):
        first, second = list(a), list(b)
        for group in np.flatnonzero(swapped):
            for row in members[group]:
                first[row], second[row] = second[row], first[row]
        difference = _value(statistic, first) - _value(statistic, second)
        extreme += not abs(difference) < least  # nan is not less either
    return (extreme + 1) / (resamples + 1)


def _resampled(members: list[list[int]], resamples: int, rng: np.random.Generator) -> Iterator[list[int]]:
    for _ in range(resamples):
        drawn: list[int] = rng.integers(0, len(members), size=len(members)).tolist()
        yield [row for group in drawn for row in members[group]]


def _percentiles(replicates: Floats, confidence: float, groups: int) -> tuple[float, float]:
    defined = replicates[np.isfinite(replicates)]
    if groups < 2 or defined.size < MINIMUM_DEFINED * replicates.size:
        return math.nan, math.nan
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _value(statistic: Statistic[Output], outputs: Sequence[Output]) -> float:
    value = statistic(outputs)
    return math.nan if value is None else float(value)


def _members(groups: Sequence[object], n: int) -> list[list[int]]:
    """The rows of each group, groups in the order of their first row."""
    if n == 0 or len(groups) != n:
        raise ValueError(f"expected a group for each of at least one item, found {len(groups)} for {n}")
    found: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        found.setdefault(group, []).append(row)
    return list(found.values())
