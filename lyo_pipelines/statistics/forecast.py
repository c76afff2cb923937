"""An interval for one value of the next run, out of earlier runs: linear regression with groups that borrow strength from each
other.

    y = x b + u[first group] + u[second group] + … + e,   e ~ N(0, s2)

b and the groups' offsets u have normal priors with variances relative to s2, s2 an inverse-gamma one, so what is predicted has a
Student distribution in closed form (Gelman et al., Bayesian Data Analysis, 3rd ed., 2013, ch. 14 and 15). How far groups differ
is chosen by the evidence of the runs (empirical Bayes). A group that was never seen has an unknown offset: its interval is as
wide as groups differ.

The model may be wrong, so its level is corrected by how it did: each run is forecast from those before it, and the level that
would have covered the wanted share of them is used (split-conformal, Vovk et al., Algorithmic Learning in a Random World, 2005,
in the order of time). With fewer than `needed_scores` such forecasts the model's own level stands."""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr, stdtrit

Floats = NDArray[np.float64]

WARM_UP = 3
"""Runs before the first one that is forecast for the correction."""
SHAPE = 1.0
"""Half of the prior's degrees of freedom for the spread: one run says little of it."""
GROUP_RATIOS = (0.3, 10.0, 300.0)
"""Variances of a group's offset, relative to that of a single run, among which the evidence chooses."""
NEWEST_SCORES = 200
"""Newest forecasts that the correction looks at: libraries and machines change."""


@dataclass(frozen=True)
class FeaturePrior:
    """What is believed of one coefficient before any run: mean, and variance relative to that of a single run."""

    mean: float
    variance: float


@dataclass(frozen=True)
class PastValues:
    """Earlier runs, oldest first. x: (n, p) what they turned out to be; planned: (n, p) what was known before each; y: (n,).

    groups: by run, one name for each level (recipe, machine, …).
    """

    x: Floats
    planned: Floats
    y: Floats
    groups: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.y)

    def first(self, n: int) -> PastValues:
        """The first n runs."""
        return PastValues(self.x[:n], self.planned[:n], self.y[:n], self.groups[:n])


@dataclass(frozen=True)
class ValueForecast:
    """low <= middle <= high; level: at which the Student interval was taken; runs: it was made of; alike: of them in all its
    groups.

    calibrated: the level is corrected by `scores` forecasts of earlier runs.
    """

    low: float
    middle: float
    high: float
    level: float
    runs: int
    alike: int
    scores: int
    calibrated: bool


@dataclass(frozen=True)
class _Student:
    """What is predicted of one value."""

    middle: float
    scale: float
    degrees: float


def needed_scores(confidence: float) -> int:
    """Forecasts of earlier runs from which a finite level can be taken for this confidence: 9 for 0.9."""
    return math.ceil(confidence / (1 - confidence) - 1e-9)


@dataclass(frozen=True)
class Forecaster:
    """Forecasts out of the same earlier runs; how earlier forecasts did is worked out once.

    priors: one for each feature; spread: standard deviation of one run that is believed before any is known.
    """

    past: PastValues
    priors: Sequence[FeaturePrior]
    spread: float

    def forecast(self, planned: Floats, groups: tuple[str, ...], confidence: float) -> ValueForecast | None:
        """Forecast the value of a run with these planned features (p,) and groups; None without any earlier run."""
        if not len(self.past):
            return None
        scores = self.needed_levels[-NEWEST_SCORES:]
        enough = len(scores) >= needed_scores(confidence)
        level = confidence
        if enough:
            rank = math.ceil((len(scores) + 1) * confidence - 1e-9)
            level = min(float(np.sort(scores)[rank - 1]), 1 - 1e-6)
        found = _predict(self.past, planned, groups, self.priors, self.spread)
        half = found.scale * float(stdtrit(found.degrees, 0.5 + level / 2))
        alike = sum(one == groups for one in self.past.groups)
        return ValueForecast(
            found.middle - half, found.middle, found.middle + half, level, len(self.past), alike, len(scores),
            calibrated=enough,
        )  # fmt: skip

    @cached_property
    def needed_levels(self) -> Floats:
        """For each run after the first WARM_UP: at which level the interval forecast from those before it would just have held it."""
        found: list[float] = []
        for at in range(WARM_UP, len(self.past)):
            past = self.past
            one = _predict(past.first(at), past.planned[at], past.groups[at], self.priors, self.spread)
            distance = abs(float(past.y[at]) - one.middle) / one.scale
            found.append(2 * float(stdtr(one.degrees, distance)) - 1)
        return np.array(found)


def _predict(
    past: PastValues, planned: Floats, groups: tuple[str, ...], priors: Sequence[FeaturePrior], spread: float
) -> _Student:
    """The prediction under the ratios of variances that the runs speak for most."""
    names = [sorted({one[level] for one in [*past.groups, groups]}) for level in range(len(groups))]
    x = np.hstack([past.x, _indicators(past.groups, names)])
    new = np.concatenate([planned, _indicators([groups], names)[0]])
    mean = np.array([*(prior.mean for prior in priors), *(0.0 for level in names for _ in level)])
    best, evidence = None, -math.inf
    for ratios in product(GROUP_RATIOS, repeat=len(names)):
        groups_variances = [ratio for ratio, level in zip(ratios, names, strict=True) for _ in level]
        variances = np.array([*(prior.variance for prior in priors), *groups_variances])
        found, told = _fitted(x, past.y, new, mean, variances, spread)
        if told > evidence:
            best, evidence = found, told
    assert best is not None
    return best


def _fitted(
    x: Floats, y: Floats, new: Floats, mean: Floats, variances: Floats, spread: float
) -> tuple[_Student, float]:
    """The normal-inverse-gamma posterior's prediction at `new`, and the log evidence (up to a constant of the data's size)."""
    residual = y - x @ mean
    covariance = np.eye(len(y)) + (x * variances) @ x.T
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, residual)
    with_new = np.linalg.solve(factor, x @ (variances * new))
    shape, rate = SHAPE + len(y) / 2, SHAPE * spread**2 + float(white @ white) / 2
    variance = max(1.0 + float(new @ (variances * new)) - float(with_new @ with_new), 1.0)
    middle = float(new @ mean) + float(with_new @ white)
    evidence = -float(np.log(np.diag(factor)).sum()) - shape * math.log(rate) + float(gammaln(shape))
    return _Student(middle, math.sqrt(rate / shape * variance), 2 * shape), evidence


def _indicators(groups: Sequence[tuple[str, ...]], names: Sequence[Sequence[str]]) -> Floats:
    """One column for each name of each level, 1 where a run belongs to it."""
    rows = [[float(one[level] == name) for level, known in enumerate(names) for name in known] for one in groups]
    return np.array(rows, dtype=np.float64).reshape(len(groups), sum(map(len, names)))
