"""Intervals for ratios of two shares and of two rates. Differences of means belong to `bootstrap` and `stratified`."""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math

from scipy.special import betaincinv

_WIDEST = 700.0
"""Beyond it an exponential is no number; where nothing is known, errors may be infinite."""


def share_ratio(
    count: float, n: float, count_base: float, n_base: float, z: float, dispersion: float = 1.0
) -> tuple[float, float, float]:
    """(ratio, low, high) of (count / n) / (count_base / n_base), on the logarithm (Katz et al., Biometrics 34, 1978).

    Half a count is added to each, so that zero counts have an interval, too (Walter 1975). dispersion: how many times larger the
    variance is than that of independent trials. Without trials the interval is (0, inf).
    """
    if n <= 0 or n_base <= 0:
        return math.nan, 0.0, math.inf
    a, b, m, k = count + 0.5, count_base + 0.5, n + 0.5, n_base + 0.5
    ratio = (a / m) / (b / k)
    error = math.sqrt(max(0.0, (1 / a - 1 / m + 1 / b - 1 / k)) * dispersion)
    width = min(z * error, _WIDEST)
    return ratio, ratio * math.exp(-width), ratio * math.exp(width)


def rate_ratio(
    count: float, exposure: float, count_base: float, exposure_base: float, alpha: float
) -> tuple[float, float, float]:
    """(ratio, low, high) of two rates of rare events, exact: given their sum, the first count is binomial.

    Each bound alone errs with probability `alpha` at most (Clopper-Pearson on the conditional share; Przyborowski and Wilenski,
    Biometrika 31, 1940). Without events or exposure nothing is known: (nan, 0, inf).
    """
    events = count + count_base
    if events <= 0 or exposure <= 0 or exposure_base <= 0:
        return math.nan, 0.0, math.inf
    low = float(betaincinv(count, count_base + 1, alpha)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, count_base, 1 - alpha)) if count_base > 0 else 1.0
    scale = exposure_base / exposure
    ratio = count / count_base * scale if count_base > 0 else math.inf
    return ratio, low / (1 - low) * scale, (high / (1 - high) * scale if high < 1 else math.inf)
