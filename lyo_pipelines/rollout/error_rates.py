"""How often answers fail in the two arms, with whole users as the unit: one client whose requests always fail is one user.

When the arms are compared, the two users who fail most count with no more failures than the next one (or than is usual for so many
attempts), so a broken client can neither trip the brake nor blind it. How much errors cluster by user is measured in both arms, so a
handful of such clients is not taken for many independent failures. Limits do not belong here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lyo_pipelines.rollout.observations import Arm, Counts
from lyo_pipelines.statistics.cluster_robust import cluster_robust_ratio, design_effect
from lyo_pipelines.statistics.rare_events import rise_p_value
from lyo_pipelines.statistics.sequential import Bounds, sequential_bounds

TEMPERED = 2
"""Users who are not believed alone."""


@dataclass(frozen=True, eq=False)
class Failures:
    """Failures and attempts of one arm by user, in the same order. nobody: whether the first entry is all rows without a user."""

    events: Counts
    trials: Counts
    nobody: bool = False

    @property
    def count(self) -> int:
        """Failures."""
        return int(self.events.sum())

    @property
    def n(self) -> int:
        """Attempts."""
        return int(self.trials.sum())

    @property
    def share(self) -> float:
        """Of attempts that failed; nan without any."""
        return self.count / self.n if self.n else math.nan

    def without_worst(self, *, known: bool = False) -> Failures:
        """Without the user who failed most often beyond the share of all. known: rows without a user are not left out."""
        first = 1 if known and self.nobody else 0
        if not self.n or len(self.events) <= first:
            return self
        worst = first + int(np.argmax((self.events - self.share * self.trials)[first:]))
        return Failures(np.delete(self.events, worst), np.delete(self.trials, worst), self.nobody and worst > 0)

    def tempered(self) -> Failures:
        """With no more failures of the TEMPERED users who failed most often than the next one has, or as are usual for so many
        attempts.
        """
        if not self.n:
            return self
        worst = np.argsort(self.share * self.trials - self.events, kind="stable")[:TEMPERED]
        events, trials = np.delete(self.events, worst), np.delete(self.trials, worst)
        usual = events.sum() / trials.sum() if trials.sum() else 0.0
        most = np.ceil(np.maximum(usual * self.trials[worst], events.max(initial=0))).astype(np.int64)
        surplus = np.zeros(len(self.events), np.int64)
        surplus[worst] = np.maximum(0, self.events[worst] - most)
        return Failures(self.events - surplus, self.trials - surplus, self.nobody)


@dataclass(frozen=True, eq=False)
class ErrorRates:
    """Failures of the candidate against those of the current adapter."""

    ours: Failures
    base: Failures

    @cached_property
    def tempered(self) -> Failures:
        """The candidate's, without what a few users failed more than all others."""
        return self.ours.tempered()

    @cached_property
    def dispersion(self) -> float:
        """How many times larger the variance is than that of independent failures, in the arm where they cluster more."""
        return max(design_effect(part.events, part.trials) for part in (self.tempered, self.base.tempered()))

    @cached_property
    def p_value(self) -> float:
        """Sequential p-value of "no more failures than the current adapter"."""
        ours, base = self.tempered, self.base.tempered()
        return rise_p_value(ours.count, ours.n, base.count, base.n, dispersion=self.dispersion)

    def bounds(self, confidence: float, planned_error: float) -> Bounds:
        """Sequential bounds of the candidate's own share; its error is at least that of independent answers."""
        own = cluster_robust_ratio(self.ours.events, self.ours.trials)
        smoothed = (self.ours.count + 1) / (self.ours.n + 2)
        independent = math.sqrt(smoothed * (1 - smoothed) / self.ours.n) if self.ours.n else math.nan
        error = independent if math.isnan(own.variance) else max(independent, own.standard_error)
        return sequential_bounds(
            own.value, error, confidence=confidence, planned_error=planned_error, degrees_of_freedom=own.degrees_of_freedom
        )  # fmt: skip


def error_rates(candidate: Arm, current: Arm) -> tuple[ErrorRates, ...]:
    """As answers name their arm; and, where rows name neither arm nor adapter, once more with those of each arm's users."""
    named = ErrorRates(*(Failures(arm.errors_n, arm.answers_n, arm.nobody) for arm in (candidate, current)))
    if not any(int(arm.unnamed_n.sum()) for arm in (candidate, current)):
        return (named,)
    return named, ErrorRates(_with_unnamed(candidate), _with_unnamed(current))


def _with_unnamed(arm: Arm) -> Failures:
    if not len(arm.unnamed_n):
        return Failures(arm.errors_n, arm.answers_n, arm.nobody)
    return Failures(arm.errors_n + arm.unnamed_errors_n, arm.answers_n + arm.unnamed_n, arm.nobody)
