"""How likely the next gain of one group exceeds a margin, out of measured gains of all groups with their standard errors.

    measured gain = m + a[group] + b + e,   a ~ N(0, t2), b ~ N(0, w2), e ~ N(0, its own standard error)

What is forecast is the true gain m + a + b of the next one. m has a wide normal prior; t and w have half-Cauchy priors (Gelman,
"Prior distributions for variance parameters in hierarchical models", Bayesian Analysis 1, 2006) and are summed over on a grid, so
that with few gains the answer is as unsure as the spreads are. Groups with few gains of their own are drawn towards all."""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

_GRID = (0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Spreads, in units of the scale of the gains."""
_WIDE = 10.0
"""Standard deviation of the prior of m in the same units."""
_BISECTIONS = 60


@dataclass(frozen=True)
class Gain:
    """One measured gain; larger is better."""

    group: str
    value: float
    standard_error: float


@dataclass(frozen=True)
class NextGain:
    """The next gain of a group: a mixture of normal distributions, one for each pair of spreads."""

    weights: Floats
    means: Floats
    errors: Floats

    @property
    def mean(self) -> float:
        """What is expected."""
        return float(self.weights @ self.means)

    def exceeds(self, margin: float) -> float:
        """The probability that it is larger than the margin."""
        return min(1.0, float(self.weights @ ndtr((self.means - margin) / self.errors)))  # weights sum to 1 to rounding

    def quantile(self, share: float) -> float:
        """The value below which it lies with this probability."""
        far = abs(float(ndtri(share))) + 1
        low, high = float((self.means - far * self.errors).min()), float((self.means + far * self.errors).max())
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if 1 - self.exceeds(middle) < share:
                low = middle
            else:
                high = middle
        return (low + high) / 2


def next_gain(gains: Sequence[Gain], group: str) -> NextGain | None:
    """The next gain of `group`; None without any measured gain."""
    if not gains:
        return None
    y = np.array([gain.value for gain in gains])
    noise = np.array([gain.standard_error for gain in gains]) ** 2
    names = [gain.group for gain in gains]
    same = np.array([[float(a == b) for b in names] for a in names])
    mine = np.array([float(name == group) for name in names])
    scale = math.sqrt(float(np.mean(y**2))) or float(np.sqrt(noise.mean())) or 1.0
    wide = (_WIDE * scale) ** 2
    told: list[tuple[float, float, float]] = []
    spreads = [scale * one for one in _GRID]
    for between in spreads:
        for within in spreads:
            covariance = np.diag(noise + within**2) + between**2 * same + wide
            factor = np.linalg.cholesky(covariance + 1e-9 * scale**2 * np.eye(len(y)))
            white = np.linalg.solve(factor, y)
            with_new = np.linalg.solve(factor, between**2 * mine + wide)
            variance = max(wide + between**2 + within**2 - float(with_new @ with_new), within**2)
            evidence = -float(np.log(np.diag(factor)).sum()) - float(white @ white) / 2
            # the grid is one of logarithms: a density in the spread becomes one in its logarithm by the factor of the spread
            prior = sum(math.log(one / scale) - math.log1p((one / scale) ** 2) for one in (between, within))
            told.append((evidence + prior, float(with_new @ white), math.sqrt(variance)))
    evidences, means, errors = (np.array(column) for column in zip(*told, strict=True))
    weights = np.exp(evidences - evidences.max())
    return NextGain(weights / weights.sum(), means, errors)
