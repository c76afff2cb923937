"""Dealing new groups out to the splits, stratum by stratum, as near to the fractions as whole groups allow.

In each stratum every split gets its share of the groups, rounded down or up; what rounding leaves over is carried to the next
stratum, so that the totals are right as well (controlled rounding, Cox 1987). Within a stratum, large groups are dealt first, so
that the shares of the examples are near, too. Groups and their memory belong to splits.py.
"""

from __future__ import annotations

import numpy as np

from lyo_pipelines.config.dataset import SplitFractions

_TRAIN = 0


def group_strata(row_group: np.ndarray, row_stratum: np.ndarray, groups: int) -> np.ndarray:
    """Return the stratum of each group: that of most of its rows, the smaller code on a tie; -1 for a group without rows."""
    found = np.full(groups, -1, np.int64)
    if not len(row_group):
        return found
    strata = int(row_stratum.max()) + 1
    pairs, count = np.unique(row_group.astype(np.int64) * strata + row_stratum, return_counts=True)
    order = np.lexsort((-pairs, count))  # the last one written wins
    found[pairs[order] // strata] = pairs[order] % strata
    return found


def stratified_splits(
    known: np.ndarray, stratum: np.ndarray, size: np.ndarray, draw: np.ndarray, fractions: SplitFractions
) -> np.ndarray:
    """Return the split (int8) of each of G groups.

    known: their split, -1 for a new group (a known one keeps its split). stratum: codes; size: rows; draw: a number in [0, 1) that
    decides which group goes where. Every split gets a group where three are there and enough of them are new.

    A group larger than a whole held-out split should be is trained on: in a held-out split it would be all that is measured.
    """
    split = known.astype(np.int8).copy()
    shares = np.array([fractions.train, fractions.validation, fractions.test])
    huge = (split < 0) & (size > shares[1:].min() * size.sum()) & (len(split) >= len(shares))
    split[huge] = _TRAIN
    carried = np.zeros(len(shares))
    for one in np.unique(stratum).tolist():
        members = np.flatnonzero(stratum == one)
        new = members[split[members] < 0]
        if len(new):
            there = np.bincount(split[members][split[members] >= 0], minlength=len(shares))
            counts = _rounded(_wanted(shares * len(members) - there, len(new)), len(new), carried)
            ordered = new[np.lexsort((draw[new], -np.log2(size[new] + 1).astype(np.int64)))]
            split[ordered] = _spread(counts)
    return _none_empty(split, known, draw, size)


def _wanted(missing: np.ndarray, new: int) -> np.ndarray:
    """Shares of the new groups that bring the stratum nearest to its fractions; what a split has too much is taken from the others."""
    wanted = np.maximum(missing, 0)
    return wanted * (new / wanted.sum()) if wanted.sum() else np.eye(len(missing))[_TRAIN] * new


def _rounded(wanted: np.ndarray, new: int, carried: np.ndarray) -> np.ndarray:
    """Whole numbers that add up to `new`, each within one of what is wanted; `carried` takes up the rest, in place."""
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    carried += wanted - counts
    for split in np.argsort(-carried, kind="stable")[: new - int(counts.sum())].tolist():
        counts[split] += 1
        carried[split] -= 1
    return counts


def _spread(counts: np.ndarray) -> np.ndarray:
    """Splits in an order in which each of them comes at even distances."""
    place = np.concatenate([(np.arange(n) + 0.5) / n for n in counts])
    return np.repeat(np.arange(len(counts)), counts)[np.argsort(place, kind="stable")].astype(np.int8)


def _none_empty(split: np.ndarray, known: np.ndarray, draw: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Give an empty split a new group of a split that has several: the smallest of the largest draw."""
    for code in (2, 1, 0):
        counts = np.bincount(split, minlength=3)
        if counts[code] or len(split) < len(counts):
            continue
        free = np.flatnonzero((known < 0) & (counts[split] > 1))
        if len(free):
            half = free[size[free] <= np.median(size[free])]
            split[half[np.argmax(draw[half])]] = code
    return split
