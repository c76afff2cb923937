"""Scales of ratings: 1 to 5 is ours, any other must be declared, and is then converted.

What lies outside its scale shows that the scale is another one, so that no rating of that file can be believed: see landing/stage.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.fields.columns import Bad, numbers

SCALE = "_scale"
"""Key under which a converter leaves the declared `Scale` of a row's rating; without it the file's counts."""


@dataclass(frozen=True)
class Scale:
    """A linear scale with its worst and best value; `name`: whose it is (a score, a column), for messages."""

    low: float
    high: float
    name: str = "rating"

    def rating(self, values: np.ndarray) -> np.ndarray:
        """Values of this scale as 1 to 5, linearly; the ends of the scale are met exactly."""
        if (self.low, self.high) == (1, 5):
            return values
        return 1 + 4 * (values - self.low) / (self.high - self.low)


OURS = Scale(1, 5)


class Several(tuple[object, ...]):
    """The ratings that several people gave one answer: each is looked at against its scale, and their mean counts."""

    __slots__ = ()


def ratings(values: Sequence[object], scales: Sequence[Scale | None], default: Scale, odd: Bad) -> tuple[pa.Array, str]:
    """A column of ratings as 1 to 5 (float64), and what shows that a scale is wrong ("" when nothing does).

    Values off their scale become null; those that are no numbers go to `odd`. Of `Several` the mean of those that are left counts.
    """
    if any(isinstance(value, Several) for value in values):
        return _means(values, scales, default, odd)
    raw = numbers(values, odd, "rating", low=-np.inf, high=np.inf)
    if raw.null_count == len(raw):
        return raw, ""
    found = raw.to_numpy(zero_copy_only=False)
    result, wrong = np.full(len(found), np.nan), ""
    for scale in dict.fromkeys(scale or default for scale in scales):
        here = np.array([(other or default) == scale for other in scales])
        inside = here & (found >= min(scale.low, scale.high)) & (found <= max(scale.low, scale.high))
        result[inside] = scale.rating(found[inside])
        outside = np.flatnonzero(here & ~np.isnan(found) & ~inside)
        if len(outside) and not wrong:
            wrong = f"{scale.name}: found {found[outside[0]]:g}, expected {scale.low:g} to {scale.high:g}"
    return pa.array(result, mask=np.isnan(result)), wrong


def _means(values: Sequence[object], scales: Sequence[Scale | None], default: Scale, odd: Bad) -> tuple[pa.Array, str]:
    """As `ratings`, where some rows hold the ratings of several people."""
    each = [
        (index, one)
        for index, value in enumerate(values)
        for one in (value if isinstance(value, Several) else (value,))
    ]
    owners = np.array([index for index, _ in each])
    wrong_ones: Bad = {}
    found, wrong = ratings([one for _, one in each], [scales[index] for index in owners], default, wrong_ones)
    odd.update({int(owners[index]): error for index, error in wrong_ones.items()})
    single = found.to_numpy(zero_copy_only=False).astype(float)
    there = ~np.isnan(single)
    sums = np.bincount(owners[there], weights=single[there], minlength=len(values))
    counts = np.bincount(owners[there], minlength=len(values))
    means = np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
    return pa.array(means, mask=np.isnan(means)), wrong
