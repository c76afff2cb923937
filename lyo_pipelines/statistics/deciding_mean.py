"""Which mean of ratings decides where some were invited at random: that of all ratings, or the corrected one. Figures come from
`invitations`; what is decided with them does not belong here.

The corrected one decides as soon as there is enough of it, without a look at how far the two lie apart: a test that has to find a
difference first misses it just where it would matter, and intervals after such a test do not hold (Leeb and Poetscher, "Model
Selection and Inference: Facts and Fiction", Econometric Theory 21, 2005). With less it decides where all ratings are shown to mislead:
their mean differs from it beyond chance, or other shares of users volunteer on the two sides that are compared. Else all ratings do.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

ALPHA = 0.05
"""Error probability with which a difference is called beyond chance, for each of the two that are looked at, over both sides."""

Decider = Literal["plain", "corrected"]


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference and the bounds that leave chance out; unknown bounds are infinite."""

    value: float
    low: float
    high: float

    @property
    def beyond_chance(self) -> bool:
        """Whether it is not 0."""
        return self.low > 0 or self.high < 0


def gaps_at_one_look(values: Floats, errors: Floats, degrees_of_freedom: Floats) -> list[Gap]:
    """Differences with Student's t bounds at ALPHA; UNKNOWN where an error is not to be had. All of shape (rows,)."""
    width = errors * stdtrit(np.maximum(degrees_of_freedom, 1.0), 1 - ALPHA / 2)
    found = zip(values.tolist(), (values - width).tolist(), (values + width).tolist(), strict=True)
    return [Gap(*one) if np.isfinite(one).all() else UNKNOWN for one in found]


UNKNOWN = Gap(math.nan, -math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which mean decides, and why, in one short sentence; `why` is empty where the log knows of no invitation."""

    by: Decider = "plain"
    why: str = ""

    @property
    def aside(self) -> str:
        """The reason as it is put behind another sentence."""
        return f" ({self.why})" if self.why else ""


ALL_RATINGS = Choice()
"""All ratings decide, and there is nothing else: the log knows of no invitation."""


def choose_mean(
    *,
    invited: int,
    needed: int,
    can_correct: bool,
    is_enough: bool,
    gap: Gap = UNKNOWN,
    volunteering: tuple[float, float] = (math.nan, math.nan),
    volunteering_gap: Gap = UNKNOWN,
) -> Choice:
    """Choose. invited: ratings that were invited; needed: how many there must be for is_enough.

    can_correct: whether there is a corrected mean at all. gap: plain less corrected. volunteering: share of the uninvited who rate,
    here and on the side that it is compared with; volunteering_gap: their difference.
    """
    if not can_correct:
        return Choice("plain", "all ratings decide: invitations have not moved enough users to rate")
    counted = f"{invited:,} invited ratings decide"
    if volunteering_gap.beyond_chance:
        here, there = (f"{100 * share:.0f} %" for share in volunteering)
        return Choice("corrected", f"{counted}: {here} rate unasked, against {there}")
    if gap.beyond_chance:
        side = "higher" if gap.value > 0 else "lower"
        return Choice("corrected", f"{counted}: with those given unasked it would be {abs(gap.value):.2f} {side}")
    if is_enough:
        return Choice("corrected", f"{counted}: they are enough")
    few = (
        f"only {invited:,} of {needed:,} invited ones"
        if needed > invited
        else f"{invited:,} invited ones say too little"
    )
    return Choice("plain", f"all ratings decide: {few}, and no difference from them is shown")
