"""Comparing models metric by metric: paired by item, resampled by group, corrected for many comparisons.

The statistics themselves stand in `lyo_pipelines.statistics`; what follows from a verdict stands in `gates`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.report_values import Comparison
from lyo_pipelines.evaluation.measures.metric_values import Found, MetricFacts, difference_of
from lyo_pipelines.statistics.bootstrap import nowhere
from lyo_pipelines.statistics.detectable_effect import minimal_detectable_effect
from lyo_pipelines.statistics.multiplicity import holm, holm_levels
from lyo_pipelines.statistics.verdict import Direction, comparison_verdict

Values = Mapping[str, Mapping[str, Found]]
"""role -> metric -> what it found, item by item or as a whole."""


@dataclass(frozen=True)
class Measured:
    """A comparison without a verdict, and its interval at any confidence (nan where none can be had)."""

    comparison: Comparison
    interval_at: Callable[[float], tuple[float, float]] = nowhere


OURS = ("base", "champion", "start", "candidate")
"""Roles of the models that a release is about; any other role is a model behind an endpoint."""


def pairs_of(roles: Sequence[str]) -> list[tuple[str, str]]:
    """The candidate against each other model of ours that is there."""
    return [("candidate", other) for other in ("base", "champion", "start") if other in roles]


def remote_pairs(roles: Sequence[str]) -> list[tuple[str, str]]:
    """The candidate against each model behind an endpoint."""
    return [("candidate", other) for other in roles if other not in OURS]


def compare_all(
    values: Values,
    metrics: Sequence[MetricFacts],
    groups: Sequence[str],
    config: EvaluationConfig,
    rows: Sequence[int] | None = None,
) -> list[Comparison]:
    """Every metric that has a direction, for every pair, Holm-corrected as one family. rows: the items to use (default all).

    Comparisons with models behind endpoints are a family of their own: asking one more of them changes no verdict about our own.
    """
    directions = {metric.name: metric.direction for metric in metrics}
    found: list[Comparison] = []
    for pairs in (pairs_of(list(values)), remote_pairs(list(values))):
        measured = [
            measure_difference(
                values[a][metric.name], values[b][metric.name], groups, config, metric=metric.name, a=a, b=b, rows=rows
            )
            for a, b in pairs
            for metric in metrics
            if metric.direction != "neutral"
        ]
        found += with_verdicts(measured, directions, config)
    return found


def compare_metric(
    first: Found, second: Found, groups: Sequence[str], config: EvaluationConfig, **named: Any
) -> Comparison:
    """One difference without a verdict and without others beside it; named: as of `measure_difference`."""
    return measure_difference(first, second, groups, config, **named).comparison


def measure_difference(
    first: Found,
    second: Found,
    groups: Sequence[str],
    config: EvaluationConfig,
    *,
    metric: str,
    a: str,
    b: str,
    rows: Sequence[int] | None = None,
    minimum_groups: int | None = None,
) -> Measured:
    """Measure one difference, without a verdict. rows: the items to use (default all)."""
    minimum = config.minimum_groups if minimum_groups is None else minimum_groups
    rows = range(len(groups)) if rows is None else rows
    both = [row for row in rows if first.known(row) and second.known(row)]
    labels = [groups[row] for row in both]
    groups_of_both = len(set(labels))
    found = Comparison(metric=metric, a=a, b=b, n=len(both), groups=groups_of_both)
    if not both:
        return Measured(found.model_copy(update={"note": "not measured"}))
    result = difference_of(first, second, both, labels, config)
    if result is None:
        return Measured(found.model_copy(update={"note": "not comparable: the models count tokens differently"}))
    if math.isnan(result.estimate):
        return Measured(found.model_copy(update={"note": "not defined on these items"}))
    effect = minimal_detectable_effect(result.standard_error, alpha=config.alpha, power=config.power)
    made = Comparison(
        metric=metric,
        a=a,
        b=b,
        n=len(both),
        groups=groups_of_both,
        mean_a=first.value(both),
        mean_b=second.value(both),
        difference=result.estimate,
        ci_low=result.low,
        ci_high=result.high,
        p_value=result.p_value,
        minimal_detectable_effect=effect or None,  # 0: nothing ever differed, so nothing can be said
        note="" if groups_of_both >= minimum else f"not enough groups: {groups_of_both} of at least {minimum}",
    )
    return Measured(made, result.at)


def with_verdicts(
    measured: Sequence[Measured], directions: Mapping[str, str], config: EvaluationConfig
) -> list[Comparison]:
    """Correct the tested comparisons as one family (Holm) and put the verdicts in, each with the interval of its level; the order
    stays.
    """
    tested = [at for at, one in enumerate(measured) if _is_tested(one.comparison)]
    p_values = [measured[at].comparison.p_value or 0.0 for at in tested]
    judged = zip(holm(p_values), holm_levels(p_values, config.alpha), strict=True)
    found = dict(zip(tested, judged, strict=True))
    return [
        _with_verdict(one, *found[at], directions[one.comparison.metric], config) if at in found else one.comparison
        for at, one in enumerate(measured)
    ]


def _with_verdict(
    measured: Measured, p_adjusted: float, level: float, direction: str, config: EvaluationConfig
) -> Comparison:
    comparison, (low, high) = measured.comparison, measured.interval_at(1 - level)
    if p_adjusted >= config.alpha:
        # the test finds 0 possible, so the interval holds it, too: where two methods disagree, the more careful one is shown
        low, high = min(low, 0.0), max(high, 0.0)
    side: Direction = "lower" if direction == "lower" else "higher"
    difference = math.nan if comparison.difference is None else comparison.difference
    word = comparison_verdict(difference, low, high, p_adjusted, direction=side, alpha=config.alpha)
    return comparison.model_copy(
        update={
            "p_adjusted": p_adjusted,
            "verdict": word,
            "verdict_low": None if math.isnan(low) else low,
            "verdict_high": None if math.isnan(high) else high,
            "verdict_confidence": 1 - level,
        }
    )


def _is_tested(comparison: Comparison) -> bool:
    """Whether it counts in the correction: enough groups, and a p-value."""
    return comparison.p_value is not None and not comparison.note
