"""Whether something is shown to be not worse than another by more than a margin. What the margin is does not belong here.

Not worse is a claim that needs evidence; a difference that is not significant is none (Blackwelder, "'Proving the null hypothesis' in
clinical trials", Controlled Clinical Trials 3, 1982). The bounds come from `sequential`, so it holds under repeated looks.
"""

from __future__ import annotations

from typing import Literal

Answer = Literal["not_worse", "worse", "undecided"]


def noninferiority_answer(low: float, high: float, margin: float) -> Answer:
    """What bounds of a difference (higher is better) say about the margin."""
    if low > -margin:
        return "not_worse"
    return "worse" if high < -margin else "undecided"
