"""The interval of a proportion. Differences between two systems do not belong here (see `bootstrap`)."""

from __future__ import annotations

import math


def wilson_bounds(successes: float, n: float, z: float) -> tuple[float, float]:
    """Wilson score interval of successes / n (Wilson, JASA 22, 1927) at the normal critical value z, for independent trials.

    It stays inside [0, 1] and says something even at 0 or n successes; n = 0 gives (0, 1). In closed form: rules look at every topic,
    and counts may be parts of one (weighted users).
    """
    if n <= 0:
        return 0.0, 1.0
    share, square = successes / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    width = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - width), min(1.0, centre + width)
