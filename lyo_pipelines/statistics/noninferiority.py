"""Whether something is shown to be not worse than another by more than a margin. What the margin is does not belong here.

A one-sided test of "the difference is -margin or less" (Blackwelder, "'Proving the null hypothesis' in clinical trials", Controlled
Clinical Trials 3, 1982): not worse is a claim that needs evidence; a difference that is not significant is none. statsmodels has the
same for a fixed sample without clusters (`ttest_ind` with `value`, or `tost_ind`); one line does not earn a dependency of 12 MB.
Under repeated looks use `verdict` with the bounds of `sequential`.
"""

from __future__ import annotations

import math
from typing import Literal

from scipy.special import stdtr

Answer = Literal["not_worse", "worse", "undecided"]


def noninferiority_p_value(
    difference: float, standard_error: float, margin: float, *, freedom: float = math.inf
) -> float:
    """One-sided p-value for one look (higher is better). nan where there is no standard error."""
    if margin < 0:
        raise ValueError(f"a margin is 0 or more, found {margin}")
    if not standard_error > 0:
        return math.nan
    return float(stdtr(min(freedom, 1e9), -(difference + margin) / standard_error))


def answer(low: float, high: float, margin: float) -> Answer:
    """What bounds of a difference (higher is better) say about the margin."""
    if low > -margin:
        return "not_worse"
    return "worse" if high < -margin else "undecided"
