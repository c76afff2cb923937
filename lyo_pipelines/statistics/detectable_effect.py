"""How small an effect a test set could have shown. The test itself does not belong here (see `bootstrap`)."""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math

from scipy.special import ndtri


def minimal_detectable_effect(
    standard_error: float, *, alpha: float = 0.05, power: float = 0.8, comparisons: int = 1
) -> float:
    """Smallest true difference that a two-sided test finds with the given power, in the metric's unit.

    Normal approximation, (z(1 - alpha / 2m) + z(power)) * standard error, with m comparisons (Bonferroni: Holm's first
    and hardest step). Raises ValueError on levels outside (0, 1) or no comparison; nan in, nan out.
    """
    if not (0 < alpha < 1 and 0 < power < 1) or comparisons < 1:
        raise ValueError(
            f"alpha and power lie in (0, 1) and comparisons is at least 1: {alpha}, {power}, {comparisons}"
        )
    if math.isnan(standard_error):
        return math.nan
    return float((ndtri(1 - alpha / (2 * comparisons)) + ndtri(power)) * standard_error)
