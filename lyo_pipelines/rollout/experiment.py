"""The A/B test that is not a release (G2): four metrics, each with an interval that is valid at every look. Pure.

Business measures (G9) that are configured come on top. The error probability is shared by all (Bonferroni) and by the two sides.
Assigning users and stepping up do not belong here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.rollout.arm_differences import (
    bounds_of_difference,
    business_difference,
    compare_arms,
    rare_difference,
    time_difference,
)
from lyo_pipelines.rollout.invited_ratings import compare_ratings
from lyo_pipelines.rollout.observations import Observation
from lyo_pipelines.statistics.cluster_robust import RatioDifference
from lyo_pipelines.statistics.sample_ratio import sample_ratio_p_value
from lyo_pipelines.statistics.verdict import Direction, Verdict


@dataclass(frozen=True)
class ExperimentMetric:
    """One success metric: candidate against current. estimate, low, high: difference (response time, tokens: ratio).

    use: whether a worse one holds the release (success), sends it back (guardrail; a rule of its own) or is told. waiting: users
    or sessions of whom it cannot be known yet."""

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
    use: Literal["success", "guardrail", "told"] = "success"
    waiting: int = 0


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
    metrics = (*(_metric(seen, config, *which) for which in _METRICS), *_business(seen, config))
    users = [seen.candidate.users, seen.current.users]
    p_value = sample_ratio_p_value(users, [seen.share, 1 - seen.share])
    sound = p_value >= config.up.sample_ratio_alpha
    verdicts = {metric.verdict for metric in metrics if metric.use != "told"}
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
        found, at = rare_difference(compare_arms(seen, sums, counts)), planned.share
    return _judged(seen, config, name, found, at, direction, is_ratio=name == "response_time")


def _business(seen: Observation, config: RolloutConfig) -> Iterator[ExperimentMetric]:
    for name, sums in seen.business.items():
        found, at = business_difference(name, sums), config.planned_error(name)
        direction = config.business.better(name)
        one = _judged(seen, config, name, found, at, direction, is_ratio=name == "tokens_per_answer")
        yield replace(one, use=config.business.measures[name].use, waiting=sums.waiting)


def _judged(
    seen: Observation,
    config: RolloutConfig,
    name: str,
    found: RatioDifference,
    planned_error: float,
    direction: Direction | None,
    *,
    is_ratio: bool,
) -> ExperimentMetric:
    """The metric with its bounds over all looks. direction: None: it only describes; is_ratio: `found` is one of logarithms."""
    sides = 2 * (len(_METRICS) + len(seen.business))
    bounds = bounds_of_difference(found, 1 - config.experiment.alpha / sides, planned_error)
    low, high = bounds.low, bounds.high
    word: Verdict = "cannot_tell"
    if direction is not None and (low > 0 or high < 0):
        word = "better" if (low > 0) == (direction == "higher") else "worse"
    values = (found.ratio.value, found.base.value, found.estimate, low, high)
    if is_ratio:
        values = tuple(math.exp(min(value, 700.0)) for value in values)
    value, current, estimate, low, high = values
    counted = (int(found.ratio.n), int(found.base.n), found.ratio.groups, found.base.groups)
    return ExperimentMetric(name, value, current, estimate, low, high, *counted, verdict=word)
