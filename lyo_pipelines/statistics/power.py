"""How much must be seen, and how long until we know. How the answer is found then does not belong here (see `sequential`).

Normal approximations: Chow, Shao and Wang, *Sample Size Calculations in Clinical Research*, 2008, section 3.2 (their example is in the
tests). The smallest effect that a given test set shows stands in `effect`.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from lyo_pipelines.statistics.sequential import critical_distance

LONGEST_DAYS = 365.0
"""Beyond this, "not at this rate" is the honest answer."""


def power(distance: float, standard_error: float, *, alpha: float = 0.05) -> float:
    """Probability that a one-sided test at one look excludes a value that lies `distance` away on the right side."""
    return float(ndtr(distance / standard_error - ndtri(1 - alpha)))


def days_until_decided(
    difference: float, standard_error: float, days: float, margin: float, *,
    confidence: float, confidence_worse: float, planned_error: float, degrees_of_freedom: float = math.inf,
    longest: float = LONGEST_DAYS,
) -> float | None:  # fmt: skip
    """Days from now until a sequential bound leaves -margin behind, if the estimate stays and evidence goes on growing as it did.

    days: since the first value. confidence: of the lower bound that shows "not worse"; confidence_worse: of the upper one.
    degrees_of_freedom: of the standard error; they are taken to stay, as who wrote most goes on to. 0 when it is decided already,
    None when not within `longest` days or when nothing is known.
    """
    distance = difference + margin
    if not standard_error > 0 or days <= 0 or math.isnan(distance) or distance == 0:
        return None
    level = confidence if distance > 0 else confidence_worse

    def decided(total: float) -> bool:
        error = standard_error * math.sqrt(days / total)
        distant = critical_distance(
            error, confidence=level, planned_error=planned_error, degrees_of_freedom=degrees_of_freedom
        )
        return abs(distance) > distant * error

    if decided(days):
        return 0.0
    if not decided(days + longest):
        return None
    low, high = days, days + longest
    while high - low > 0.05:
        middle = (low + high) / 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high - days
