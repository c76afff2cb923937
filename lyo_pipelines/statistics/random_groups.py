"""Users as the unit of chance where only random groups of them are kept: errors of means, shares and changes from sums by group.

Every user belongs to one group for good, so groups are as independent as users are, and an error that whole groups give holds whatever
habits users have (Wolter, *Introduction to Variance Estimation*, 2007, chapters 2 and 4). Degrees of freedom are those of Bell and
McCaffrey ("Bias Reduction in Standard Errors for Linear Regression with Multi-Stage Samples", Survey Methodology 28, 2002) for group
means that scatter alike: where one group wrote nearly everything, little is known, however many rows there are.
All arrays of one call have the shape (rows, groups); a row is a segment, or a topic of one. What is grouped does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DOMINANT_SHARE = 1 / 8
"""A group with more than this share of the values speaks too loudly to be asked."""
DOMINANT_VALUES = 8
"""A group with so few values dominates nothing: where little is known, shares are chance."""
REMAINING_GROUPS = 10
"""So many groups must be left for the dominant ones to be left out."""
MINIMUM_GROUPS = 5
"""With fewer groups nothing is said of what users have in common: the error is infinite."""


@dataclass(frozen=True)
class GroupedRatio:
    """A mean or share per row: each array of shape (rows,). standard_error: infinite with fewer than MINIMUM_GROUPS groups, nan
    without values."""

    n: Floats
    value: Floats
    standard_error: Floats
    degrees_of_freedom: Floats


def dominant_groups(*counts: Floats) -> Flags:
    """Which groups wrote so much in any of the windows that they are left out; none where too few others would remain.

    They are chosen by how much they wrote and never by what, so the rest is as good a sample as before, of the other users.
    """
    found = np.zeros(counts[0].shape, np.bool_)
    for count in counts:
        found |= count > np.maximum(DOMINANT_SHARE * count.sum(axis=1, keepdims=True), DOMINANT_VALUES)
    left = ((counts[0] > 0) & ~found).sum(axis=1, keepdims=True)
    return found & (left >= REMAINING_GROUPS)


def grouped_ratio(n: Floats, total: Floats) -> GroupedRatio:
    """Ratio of the sums of `total` and `n` over groups, its error by the delete-a-group jackknife."""
    count, groups = n.sum(axis=1), (n > 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = total.sum(axis=1) / count
        share = n / count[:, None]
        # what leaving the group out would move the ratio by
        moved = (total - value[:, None] * n) / (count[:, None] - n)
        variance = (groups - 1) / groups * np.where(n > 0, moved**2, 0.0).sum(axis=1)
    error = np.where(groups >= MINIMUM_GROUPS, np.sqrt(variance), np.where(groups > 0, np.inf, np.nan))
    return GroupedRatio(count, value, error, grouped_degrees_of_freedom(share))


def grouped_degrees_of_freedom(share: Floats) -> Floats:
    """Satterthwaite's degrees of freedom of the jackknife variance of a weighted mean; share: of each group's weight in its row.

    Under group means that scatter alike; with equal shares it is the number of groups less one. 0 where there is nothing.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.nan_to_num(share)
        left = np.where(weight < 1, (weight / (1 - weight)) ** 2, 0.0)
        square = (weight**2).sum(axis=1)
        zero, one, two = ((left * weight**power).sum(axis=1) for power in (0, 1, 2))
        mean = (left * (1 - 2 * weight + square[:, None])).sum(axis=1)
        diagonal = (left**2 * ((1 - 2 * weight + square[:, None]) ** 2 - (square[:, None] - 2 * weight) ** 2)).sum(
            axis=1
        )
        spread = diagonal + square**2 * zero**2 + 2 * zero * two + 2 * one**2 - 4 * square * zero * one
        found = mean**2 / spread
    return np.where(np.isfinite(found), found, 0.0)


def random_groups_error(n: Floats, total: Floats, n_base: Floats, total_base: Floats) -> Floats:
    """Standard error of (mean - baseline mean) by the delete-a-group jackknife, of shape (rows,).

    Whole users are left out of both windows at once, so what one user's habits add to both cancels, and what a user adds to one
    counts in full. Use it with Student's t. nan where a window would become empty.
    """
    there = (n + n_base) > 0
    groups = there.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = (total.sum(1, keepdims=True) - total) / (n.sum(1, keepdims=True) - n)
        left_base = (total_base.sum(1, keepdims=True) - total_base) / (n_base.sum(1, keepdims=True) - n_base)
        difference = left - left_base
        # a group without users leaves nothing out: it is no group
        mean = np.where(there, difference, 0.0).sum(axis=1, keepdims=True) / groups
        squared = np.where(there, (difference - mean) ** 2, 0.0).sum(axis=1)
        error = np.sqrt((groups[:, 0] - 1) / groups[:, 0] * squared)
    return np.where(groups[:, 0] >= 2, error, np.nan)


def share_dispersion(n: Floats, events: Floats) -> Floats:
    """How many times larger the variance of a share is than that of independent trials, because users differ (Kish 1965).

    1 at least; infinite with fewer than MINIMUM_GROUPS groups.
    """
    found = grouped_ratio(n, events)
    with np.errstate(invalid="ignore", divide="ignore"):
        independent = found.value * (1 - found.value) / found.n
        ratio = np.where(independent > 0, found.standard_error**2 / independent, 1.0)
    return np.where(
        np.isinf(found.standard_error), np.inf, np.maximum(1.0, np.nan_to_num(ratio, nan=1.0, posinf=np.inf))
    )


def share_change_dispersion(n: Floats, events: Floats, n_base: Floats, events_base: Floats) -> Floats:
    """The same of a difference between two windows: what users do in both alike cancels. 1 at least."""
    error = random_groups_error(n, events, n_base, events_base)
    independent = np.zeros(len(n))
    with np.errstate(invalid="ignore", divide="ignore"):
        for size, count in ((n.sum(1), events.sum(1)), (n_base.sum(1), events_base.sum(1))):
            share = count / size
            independent += np.nan_to_num(share * (1 - share) / size)
        ratio = np.where(independent > 0, error**2 / independent, 1.0)
    few = ((n > 0).sum(axis=1) < MINIMUM_GROUPS) & (n.sum(axis=1) > 0)
    return np.where(few, np.inf, np.maximum(1.0, np.nan_to_num(ratio, nan=1.0)))
