"""The A/B test that is not a release (G2): four metrics, each with an interval that is valid at every look. Pure.

The error probability is shared by the four (Bonferroni) and by the two sides. Assigning users and stepping up do not belong here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.rollout.arm_differences import bounds_of_difference, compare_arms, time_difference
from lyo_pipelines.rollout.invited_ratings import compare_ratings
from lyo_pipelines.rollout.observations import Observation
from lyo_pipelines.statistics.cluster_robust import RatioDifference
from lyo_pipelines.statistics.sample_ratio import sample_ratio_p_value
from lyo_pipelines.statistics.verdict import Direction, Verdict

MINIMUM_EVENTS = 10
"""Of complaints or retries to be expected in each arm; with fewer there is no verdict on them."""


@dataclass(frozen=True)
class ExperimentMetric:
    """One success metric: candidate against current. estimate, low, high: difference (response time: ratio)."""

    name: str
    value: float
    value_current: float
    estimate: float
    low: float
    high: float
    n: int
    n_current: int
    users: int
    users_current: int
    verdict: Verdict


@dataclass(frozen=True)
class Experiment:
    """The state of an A/B test. `winner` is given as soon as it is shown: better in something and worse in nothing."""

    metrics: tuple[ExperimentMetric, ...]
    days: float
    days_left: float
    sample_ratio_p_value: float
    sound: bool
    winner: Literal["candidate", "current"] | None

    @property
    def over(self) -> bool:
        """Whether the planned time has passed."""
        return self.days_left <= 0


_METRICS: tuple[tuple[str, str, str, Direction], ...] = (
    ("rating", "ratings_sum", "ratings_n", "higher"),
    ("response_time", "log_ms_sum", "times_n", "lower"),
    ("cultural_complaints", "cultural_n", "answers_n", "lower"),
    ("retries", "retries_n", "answers_n", "lower"),
)


def evaluate_experiment(seen: Observation, config: RolloutConfig) -> Experiment:
    """Read an A/B test: `seen.stage_began_at` is when it began, `seen.share` the candidate's share."""
    metrics = tuple(_metric(seen, config, *which) for which in _METRICS)
    users = [seen.candidate.users, seen.current.users]
    p_value = sample_ratio_p_value(users, [seen.share, 1 - seen.share])
    sound = p_value >= config.up.sample_ratio_alpha
    verdicts = {metric.verdict for metric in metrics}
    winner: Literal["candidate", "current"] | None = None
    if sound and "worse" in verdicts:
        winner = "current"
    elif sound and "better" in verdicts:
        winner = "candidate"
    left = max(0.0, config.experiment.days - seen.stage_days)
    return Experiment(metrics, seen.stage_days, left, p_value, sound, winner)


def _metric(
    seen: Observation, config: RolloutConfig, name: str, sums: str, counts: str, direction: Direction
) -> ExperimentMetric:
    planned = config.planned_errors
    if name == "rating":
        found, at = compare_ratings(seen, config).deciding, planned.rating
    elif name == "response_time":
        found, at = time_difference(seen), planned.response_time
    else:
        found, at = _rare(compare_arms(seen, sums, counts)), planned.share
    bounds = bounds_of_difference(found, 1 - config.experiment.alpha / (2 * len(_METRICS)), at)
    low, high = bounds.low, bounds.high
    word: Verdict = "cannot_tell"
    if low > 0 or high < 0:
        word = "better" if (low > 0) == (direction == "higher") else "worse"
    values = (found.ratio.value, found.base.value, found.estimate, low, high)
    if name == "response_time":
        values = tuple(math.exp(min(value, 700.0)) for value in values)
    value, current, estimate, low, high = values
    counted = (int(found.ratio.n), int(found.base.n), found.ratio.groups, found.base.groups)
    return ExperimentMetric(name, value, current, estimate, low, high, *counted, verdict=word)


def _rare(found: RatioDifference) -> RatioDifference:
    """A difference of shares whose error is at least what it would be if both arms had the same share: an arm that has seen no event
    yet is not known without error. No error (so no verdict) where too few events were to be expected."""
    n, n_base = found.ratio.n, found.base.n
    if n == 0 or n_base == 0:
        return found
    share = (found.ratio.value * n + found.base.value * n_base) / (n + n_base)
    if share * min(n, n_base) < MINIMUM_EVENTS:
        return replace(found, standard_error=math.nan)
    independent = math.sqrt(share * (1 - share) * (1 / n + 1 / n_base))
    if not found.standard_error > independent:  # also where users are all alike
        return replace(
            found,
            standard_error=independent,
            degrees_of_freedom=min(found.ratio.degrees_of_freedom, found.base.degrees_of_freedom),
        )
    return found
