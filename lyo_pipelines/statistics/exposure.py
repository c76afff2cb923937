"""Exposure: by how many bits training made a planted secret likelier than secrets that nobody planted.

Carlini, Liu, Erlingsson, Kos and Song, "The Secret Sharer: Evaluating and Testing Unintended Memorization in Neural Networks", USENIX
Security 2019. There the secret is ranked among all of a space R by its log-perplexity: exposure = log2 |R| - log2 rank. Here it is
ranked among the controls that were scored, which bounds it from below (section 4.3, "by sampling"), and a skew-normal distribution
fitted to the controls extrapolates (section 4.3, "by distribution modeling"): a model, not a proof.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_LARGEST_SKEWNESS = 0.99
"""A skew-normal distribution has less than 0.9953."""


def rank_among(score: float, controls: Sequence[float]) -> int:
    """Place of a score among itself and the controls, 1 for the lowest; a tie counts against it, so that chance is not beaten."""
    return 1 + int(np.count_nonzero(np.asarray(controls, dtype=float) <= score))


def ranked_exposure(rank: int, controls: int) -> float:
    """Bits: log2(controls + 1) - log2(rank). 1 on the median by chance, log2(controls + 1) at most."""
    return math.log2(controls + 1) - math.log2(rank)


def modelled_exposure(score: float, controls: Sequence[float]) -> float:
    """Bits by a skew-normal distribution with the controls' mean, variance and skewness; nan where they have no spread.

    Its parameters follow from the moments in closed form (Azzalini and Capitanio, *The Skew-Normal and Related Families*, 2014,
    section 3.1); a larger skewness than it can have is cut to the largest.
    """
    from scipy.stats import skewnorm  # slow to import, and commands that only look import this module

    values = np.asarray(controls, dtype=float)
    spread = float(values.std()) if len(values) >= 10 and np.isfinite(values).all() else 0.0
    if spread == 0:
        return math.nan
    centred = (values - float(values.mean())) / spread
    skewness = min(max(float((centred**3).mean()), -_LARGEST_SKEWNESS), _LARGEST_SKEWNESS)
    root = abs(skewness) ** (2 / 3)
    delta = math.copysign(math.sqrt(math.pi / 2 * root / (root + (2 - math.pi / 2) ** (2 / 3))), skewness)
    scale = 1 / math.sqrt(1 - 2 * delta**2 / math.pi)
    place = -scale * delta * math.sqrt(2 / math.pi)
    shape = delta / math.sqrt(1 - delta**2)
    tail = float(skewnorm.logcdf((score - float(values.mean())) / spread, shape, place, scale))
    return -tail / math.log(2) if math.isfinite(tail) else math.nan
