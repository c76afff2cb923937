"""The three words a comparison may end with. How its numbers are computed does not belong here."""

from __future__ import annotations

import math
from typing import Literal

Verdict = Literal["better", "worse", "cannot_tell"]
Direction = Literal["higher", "lower"]


def comparison_verdict(
    difference: float, low: float, high: float, p_adjusted: float, *, direction: Direction, alpha: float = 0.05
) -> Verdict:
    """Say whether a is better or worse than b, given a - b with its interval and its corrected p-value.

    Both must agree: p_adjusted < alpha and an interval that leaves 0 out on the side of the difference. Anything else,
    nan included, is "cannot_tell". `direction` says which values of the metric are good.
    """
    if any(map(math.isnan, (difference, low, high, p_adjusted))) or p_adjusted >= alpha:
        return "cannot_tell"
    if low > 0 and difference > 0:
        return "better" if direction == "higher" else "worse"
    if high < 0 and difference < 0:
        return "better" if direction == "lower" else "worse"
    return "cannot_tell"
