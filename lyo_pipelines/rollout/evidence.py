"""What the two arms of a stage say, with whole users as the unit of chance. Thresholds and decisions do not belong here.

Why no interval from the bootstrap: it holds for one look, and a release is looked at every few minutes (see `statistics.sequential`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from lyo_pipelines.config.rollout import RolloutConfig, StageConfig, WatchConfig
from lyo_pipelines.rollout.observations import Arm, Observation
from lyo_pipelines.statistics.cluster_robust import (
    Ratio,
    RatioDifference,
    cluster_robust_difference,
    cluster_robust_ratio,
    covariate_adjusted_difference,
    design_effect,
)
from lyo_pipelines.statistics.rare_events import rise_p_value
from lyo_pipelines.statistics.sequential import Bounds, sequential_bounds

PRIOR_RATINGS = 7.0
"""A user's level before is drawn towards the mean of all as if by so many ratings: right where an eighth of the variance of ratings
lies between users; where it is wrong, intervals are a little wider, not less valid."""


@dataclass(frozen=True, eq=False)
class ReleaseCase:
    """One release at one moment, as every rule gets it; what is compared is computed once."""

    seen: Observation
    config: RolloutConfig

    @cached_property
    def stage(self) -> StageConfig:
        """The stage it is at."""
        return self.config.stage(self.seen.stage)

    @cached_property
    def watch(self) -> WatchConfig:
        """How little evidence its guardrails need."""
        return self.config.watched(self.seen.stage)

    @cached_property
    def rating(self) -> RatioDifference:
        """Candidate's mean rating minus the current adapter's, in points, between users who were equally lenient before."""
        return rating_difference(self.seen)

    @cached_property
    def time(self) -> RatioDifference:
        """Difference of mean log response times: the logarithm of the ratio of typical times."""
        return compare_arms(self.seen, "log_ms_sum", "times_n")

    @cached_property
    def errors(self) -> RatioDifference:
        """Difference of the shares of answers with an error."""
        return compare_arms(self.seen, "errors_n", "answers_n")

    @cached_property
    def errors_p_value(self) -> float:
        """Sequential p-value of "no more errors than the current adapter", for errors that come in bursts by user."""
        ours, base = self.seen.candidate, self.seen.current
        return rise_p_value(
            float(ours.errors_n.sum()), ours.answers, float(base.errors_n.sum()), base.answers,
            dispersion=self.errors_dispersion,
        )  # fmt: skip

    @cached_property
    def errors_dispersion(self) -> float:
        """Design effect of errors, from the current adapter's arm: what the candidate breaks must not excuse it."""
        return design_effect(self.seen.current.errors_n, self.seen.current.answers_n)

    def rating_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the difference in ratings."""
        return bounds_of_difference(self.rating, confidence, self.config.planned_errors.rating)

    def time_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the difference in log response times."""
        return bounds_of_difference(self.time, confidence, self.config.planned_errors.response_time)

    def error_rate_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the candidate's own share of errors; its error is at least that of independent answers."""
        own = self.errors.ratio
        independent = math.sqrt(own.value * (1 - own.value) / own.n) if own.n else math.nan
        return sequential_bounds(
            own.value, max(independent, own.standard_error), confidence=confidence,
            planned_error=self.config.planned_errors.share, degrees_of_freedom=own.degrees_of_freedom,
        )  # fmt: skip


def compare_arms(seen: Observation, sums: str, counts: str) -> RatioDifference:
    """Candidate minus current, of a ratio of two columns of both arms."""

    def one(arm: Arm) -> Ratio:
        return cluster_robust_ratio(getattr(arm, sums), getattr(arm, counts))

    return cluster_robust_difference(one(seen.candidate), one(seen.current))


def rating_difference(seen: Observation) -> RatioDifference:
    """Candidate minus current of mean ratings, adjusted for what the same users rated before the release."""
    arms = (seen.candidate, seen.current)
    n, total = (
        sum(float(column.sum()) for column in columns)
        for columns in zip(*((a.pre_period_n, a.pre_period_sum) for a in arms), strict=True)
    )
    if n == 0:
        return compare_arms(seen, "ratings_sum", "ratings_n")
    levels = [(arm.pre_period_sum - total / n * arm.pre_period_n) / (arm.pre_period_n + PRIOR_RATINGS) for arm in arms]
    ours, base = seen.candidate, seen.current
    sums, sums_base = covariate_adjusted_difference(
        ours.ratings_sum, ours.ratings_n, levels[0], base.ratings_sum, base.ratings_n, levels[1]
    )
    return cluster_robust_difference(
        cluster_robust_ratio(sums, ours.ratings_n), cluster_robust_ratio(sums_base, base.ratings_n)
    )


def bounds_of_difference(found: RatioDifference, confidence: float, planned_error: float) -> Bounds:
    """Bounds of a difference over all looks, each erring with probability 1 - confidence."""
    return sequential_bounds(
        found.estimate,
        found.standard_error,
        confidence=confidence,
        planned_error=planned_error,
        degrees_of_freedom=found.degrees_of_freedom,
    )
