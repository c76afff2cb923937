"""Differences between the two arms of a stage, with whole users as the unit of chance: ratings, times, shares; bounds over all looks.

Why no interval from the bootstrap: it holds for one look, and a release is looked at every few minutes (see `statistics.sequential`).
Which ratings decide stands in invited_ratings.py; thresholds and decisions do not belong here.
"""

from __future__ import annotations

import math
from dataclasses import replace

from lyo_pipelines.config.rollout import BusinessMeasure
from lyo_pipelines.rollout.observations import Arm, BusinessSums, Observation
from lyo_pipelines.statistics.cluster_robust import (
    Floats,
    Ratio,
    RatioDifference,
    cluster_robust_difference,
    cluster_robust_ratio,
    covariate_adjusted_difference,
)
from lyo_pipelines.statistics.sequential import Bounds, sequential_bounds

PRIOR_RATINGS = 7.0
"""A user's level before is drawn towards the mean of all as if by so many ratings: right where an eighth of the variance of ratings
lies between users; where it is wrong, intervals are a little wider, not less valid."""
MINIMUM_EVENTS = 10
"""Of complaints, retries and the like to be expected in each arm; with fewer there is no verdict on them."""
RATING_STEP, TIME_STEP, MINUTES_STEP = 1.0, 0.25, 1.0
"""What is known of the spread of users who are all alike: no more than that one of them might have been a point (a quarter of a
logarithm, a minute) off. Without it, an arm in which all ratings are 5 would say nothing at all."""


def compare_arms(seen: Observation, sums: str, counts: str) -> RatioDifference:
    """Candidate minus current, of a ratio of two columns of both arms."""

    def one(arm: Arm) -> Ratio:
        return cluster_robust_ratio(getattr(arm, sums), getattr(arm, counts))

    return cluster_robust_difference(one(seen.candidate), one(seen.current))


def with_least_spread(found: RatioDifference, step: float) -> RatioDifference:
    """The difference with the error that it has at least: that of one user in each arm who might have been `step` off."""
    parts = (found.ratio, found.base)
    if any(part.groups < 2 for part in parts):
        return found
    least = step * math.sqrt(sum(part.groups**-2 for part in parts))
    if found.standard_error > least:
        return found
    known = found.degrees_of_freedom if found.standard_error > 0 else min(part.degrees_of_freedom for part in parts)
    return replace(found, standard_error=least, degrees_of_freedom=known)


def time_difference(seen: Observation) -> RatioDifference:
    """Candidate minus current of mean log response times."""
    return with_least_spread(compare_arms(seen, "log_ms_sum", "times_n"), TIME_STEP)


def rating_difference(seen: Observation) -> RatioDifference:
    """Candidate minus current of mean ratings, adjusted for what the same users rated before the release."""
    return with_least_spread(_adjusted_ratings(seen), RATING_STEP)


def _adjusted_ratings(seen: Observation) -> RatioDifference:
    levels = levels_before(seen)
    if levels is None:
        return compare_arms(seen, "ratings_sum", "ratings_n")
    ours, base = seen.candidate, seen.current
    sums, sums_base = covariate_adjusted_difference(
        ours.ratings_sum, ours.ratings_n, levels[0], base.ratings_sum, base.ratings_n, levels[1]
    )
    return cluster_robust_difference(
        cluster_robust_ratio(sums, ours.ratings_n), cluster_robust_ratio(sums_base, base.ratings_n)
    )


def business_difference(name: BusinessMeasure, found: BusinessSums) -> RatioDifference:
    """Candidate minus current of a business measure; of tokens, the difference of mean logarithms."""
    ours = cluster_robust_ratio(found.candidate_total, found.candidate_n)
    difference = cluster_robust_difference(ours, cluster_robust_ratio(found.current_total, found.current_n))
    if name == "tokens_per_answer":
        return with_least_spread(difference, TIME_STEP)
    return with_least_spread(difference, MINUTES_STEP) if name == "session_minutes" else rare_difference(difference)


def rare_difference(found: RatioDifference) -> RatioDifference:
    """A difference of shares whose error is at least what it would be if both arms had the same share: an arm that has seen no event
    yet is not known without error. No error (so no verdict) where too few events were to be expected."""
    n, n_base = found.ratio.n, found.base.n
    if n == 0 or n_base == 0:
        return found
    share = (found.ratio.value * n + found.base.value * n_base) / (n + n_base)
    if share * min(n, n_base) < MINIMUM_EVENTS:
        return replace(found, standard_error=math.nan)
    independent = math.sqrt(max(share * (1 - share), 0.0) * (1 / n + 1 / n_base))
    if not found.standard_error > independent:  # also where users are all alike
        return replace(
            found,
            standard_error=independent,
            degrees_of_freedom=min(found.ratio.degrees_of_freedom, found.base.degrees_of_freedom),
        )
    return found


def levels_before(seen: Observation) -> tuple[Floats, Floats] | None:
    """By user of (candidate, current): how much more lenient than all before the release; None where nothing is known of then."""
    arms = (seen.candidate, seen.current)
    n, total = (
        sum(float(column.sum()) for column in columns)
        for columns in zip(*((a.pre_period_n, a.pre_period_sum) for a in arms), strict=True)
    )
    if n == 0:
        return None
    ours, base = (
        (arm.pre_period_sum - total / n * arm.pre_period_n) / (arm.pre_period_n + PRIOR_RATINGS) for arm in arms
    )
    return ours, base


def bounds_of_difference(found: RatioDifference, confidence: float, planned_error: float) -> Bounds:
    """Bounds of a difference over all looks, each erring with probability 1 - confidence."""
    return sequential_bounds(
        found.estimate,
        found.standard_error,
        confidence=confidence,
        planned_error=planned_error,
        degrees_of_freedom=found.degrees_of_freedom,
    )
