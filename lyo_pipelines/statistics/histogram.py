"""Mergeable histograms of positive, skewed quantities (times), and quantiles with intervals out of them.

Bins are powers of a fixed growth factor, so histograms of any days add up and a quantile is off by less than half a bin (the idea
of Masson, Rim and Lee, "DDSketch", VLDB 2019). Intervals are distribution-free: those of order statistics (David and Nagaraja,
*Order Statistics*, 2003, section 7.1). Which quantity is counted does not belong here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

GROWTH = 2.0**0.25
"""Each bin's upper edge is 19 % above its lower one."""
BINS = 96
"""Values from 1 to GROWTH**96 (with milliseconds: 1 ms to 4.7 hours); what lies outside counts in the first or last bin."""

Floats = NDArray[np.float64]


def histogram_quantiles(counts: ArrayLike, levels: ArrayLike) -> Floats:
    """Quantile of each histogram at its own level, log-linear within a bin; nan for an empty histogram.

    counts: shape (histograms, BINS). levels: shape (histograms,) or a scalar, clipped to [0, 1].
    """
    table = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    total = table.sum(axis=1)
    rank = np.clip(np.broadcast_to(np.asarray(levels, dtype=np.float64), total.shape), 0.0, 1.0) * total
    reached = table.cumsum(axis=1)
    # the bin in which the rank is reached; rank 0 begins in the first bin that holds anything
    at = np.argmax((reached >= rank[:, None] - 1e-9) & (reached > 0), axis=1)
    rows = np.arange(len(table))
    inside = table[rows, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip((rank - (reached[rows, at] - inside)) / inside, 0.0, 1.0)
    return np.where(total > 0, GROWTH ** (at + share), np.nan)


def quantile_interval(counts: ArrayLike, level: float, z: float, dispersion: ArrayLike = 1.0) -> tuple[Floats, Floats]:
    """Interval of each histogram's quantile: the order statistics z standard errors below and above its rank.

    Where so few values have no order statistic that far out, the interval is open: it begins at 0 or ends at infinity.
    dispersion: how many times larger the variance is than that of independent values (shape (histograms,) or a scalar).
    """
    table = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    total = table.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        width = z * np.sqrt(level * (1 - level) * np.asarray(dispersion) / total)
    width = np.where(total > 0, width, np.nan)
    low, high = histogram_quantiles(table, level - width), histogram_quantiles(table, level + width)
    return np.where(level - width <= 0, 0.0, low), np.where(level + width >= 1, np.inf, high)


def ratio_bounds(
    value: ArrayLike, low: ArrayLike, high: ArrayLike, other: ArrayLike, other_low: ArrayLike, other_high: ArrayLike
) -> tuple[Floats, Floats]:
    """Interval of value / other from the intervals of both (MOVER on the logarithms; Zou and Donner, Stat. Med. 27, 2008)."""
    with np.errstate(divide="ignore"):  # an interval that begins at 0
        a, a_low, a_high = (np.log(np.asarray(x, dtype=np.float64)) for x in (value, low, high))
        b, b_low, b_high = (np.log(np.asarray(x, dtype=np.float64)) for x in (other, other_low, other_high))
    ratio = a - b
    return (
        np.exp(ratio - np.sqrt((a - a_low) ** 2 + (b_high - b) ** 2)),
        np.exp(ratio + np.sqrt((a_high - a) ** 2 + (b - b_low) ** 2)),
    )
