"""What the two arms of a stage say, with whole users as the unit of chance. Thresholds and decisions do not belong here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from lyo_pipelines.config.rollout import RolloutConfig, StageConfig, WatchConfig
from lyo_pipelines.rollout.arm_differences import bounds_of_difference, time_difference
from lyo_pipelines.rollout.error_rates import ErrorRates, error_rates
from lyo_pipelines.rollout.invited_ratings import ComparedRatings, compare_ratings
from lyo_pipelines.rollout.observations import Observation
from lyo_pipelines.statistics.cluster_robust import RatioDifference
from lyo_pipelines.statistics.sequential import Bounds


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
    def ratings(self) -> ComparedRatings:
        """Both arms' ratings: of all, and corrected where some were invited at random."""
        return compare_ratings(self.seen, self.config)

    @property
    def rating(self) -> RatioDifference:
        """What decides: candidate's mean rating minus the current adapter's, between users who were equally lenient before."""
        return self.ratings.deciding

    @cached_property
    def time(self) -> RatioDifference:
        """Difference of mean log response times: the logarithm of the ratio of typical times."""
        return time_difference(self.seen)

    @cached_property
    def errors(self) -> tuple[ErrorRates, ...]:
        """Failures in both arms, as they are named and with what names nothing (see `error_rates`)."""
        return error_rates(self.seen.candidate, self.seen.current)

    @property
    def near_error_share(self) -> float:
        """From this share of failures on the limit is near: a part of the way to it from the current adapter's share."""
        limit, near = self.config.brakes.errors, self.config.up.near
        usual = self.errors[-1].base.share
        return (
            min(limit, usual + near * (limit - usual)) if usual < limit else limit * (near if math.isnan(usual) else 1)
        )

    def rating_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the difference in ratings."""
        return bounds_of_difference(self.rating, confidence, self.config.planned_errors.rating)

    def time_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the difference in log response times."""
        return bounds_of_difference(self.time, confidence, self.config.planned_errors.response_time)
