"""What the two arms of a stage say, with whole users as the unit of chance. Thresholds and decisions do not belong here.

Why no interval from the bootstrap: it holds for one look, and a release is looked at every few minutes (see `statistics.sequential`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from lyo_pipelines.config.rollout import RolloutFigures, StageFigures, WatchFigures
from lyo_pipelines.rollout.observations import Arm, Observation
from lyo_pipelines.statistics.clustered import Difference, Ratio, adjusted, design_effect, difference, ratio
from lyo_pipelines.statistics.events import rise_p_value
from lyo_pipelines.statistics.sequential import Bounds, bounds

PRIOR_RATINGS = 7.0
"""A user's level before is drawn towards the mean of all as if by so many ratings: right where an eighth of the variance of ratings
lies between users; where it is wrong, intervals are a little wider, not less valid."""


@dataclass(frozen=True, eq=False)
class Case:
    """One release at one moment, as every rule gets it; what is compared is computed once."""

    seen: Observation
    figures: RolloutFigures

    @cached_property
    def stage(self) -> StageFigures:
        """The stage it is at."""
        return self.figures.stage(self.seen.stage)

    @cached_property
    def watch(self) -> WatchFigures:
        """How little evidence its brakes need."""
        return self.figures.watched(self.seen.stage)

    @cached_property
    def rating(self) -> Difference:
        """Candidate's mean rating minus the current adapter's, in points, between users who were equally lenient before."""
        return rating_difference(self.seen)

    @cached_property
    def time(self) -> Difference:
        """Difference of mean log response times: the logarithm of the ratio of typical times."""
        return compared(self.seen, "log_ms_sum", "times_n")

    @cached_property
    def errors(self) -> Difference:
        """Difference of the shares of answers with an error."""
        return compared(self.seen, "errors_n", "answers_n")

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
        return sequential(self.rating, confidence, self.figures.planned_errors.rating)

    def time_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the difference in log response times."""
        return sequential(self.time, confidence, self.figures.planned_errors.response_time)

    def error_rate_bounds(self, confidence: float) -> Bounds:
        """Sequential bounds of the candidate's own share of errors; its error is at least that of independent answers."""
        own = self.errors.ratio
        independent = math.sqrt(own.value * (1 - own.value) / own.n) if own.n else math.nan
        return bounds(
            own.value, max(independent, own.standard_error), confidence=confidence,
            planned_error=self.figures.planned_errors.share, freedom=own.freedom,
        )  # fmt: skip


def compared(seen: Observation, sums: str, counts: str) -> Difference:
    """Candidate minus current, of a ratio of two columns of both arms."""

    def one(arm: Arm) -> Ratio:
        return ratio(getattr(arm, sums), getattr(arm, counts))

    return difference(one(seen.candidate), one(seen.current))


def rating_difference(seen: Observation) -> Difference:
    """Candidate minus current of mean ratings, adjusted for what the same users rated before the release."""
    arms = (seen.candidate, seen.current)
    n, total = (
        sum(float(column.sum()) for column in columns)
        for columns in zip(*((a.before_n, a.before_sum) for a in arms), strict=True)
    )
    if n == 0:
        return compared(seen, "ratings_sum", "ratings_n")
    levels = [(arm.before_sum - total / n * arm.before_n) / (arm.before_n + PRIOR_RATINGS) for arm in arms]
    ours, base = seen.candidate, seen.current
    sums, sums_base = adjusted(ours.ratings_sum, ours.ratings_n, levels[0], base.ratings_sum, base.ratings_n, levels[1])
    return difference(ratio(sums, ours.ratings_n), ratio(sums_base, base.ratings_n))


def sequential(found: Difference, confidence: float, planned_error: float) -> Bounds:
    """Bounds of a difference over all looks, each erring with probability 1 - confidence."""
    return bounds(
        found.estimate, found.standard_error, confidence=confidence, planned_error=planned_error, freedom=found.freedom
    )
