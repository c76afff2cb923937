"""The same comparison by language, subject, grade and topic. A slice that is too small is shown, never judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.report_values import Comparison, Slice, Value
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.compare import Values, measure_difference, pairs_of, with_verdicts
from lyo_pipelines.evaluation.measures.metric_values import Found, MetricFacts
from lyo_pipelines.tasks.base import TaskMetric
from lyo_pipelines.telling import natural_order


def slice_all(
    values: Values, metrics: Sequence[MetricFacts], items: Sequence[Item], config: EvaluationConfig
) -> list[Slice]:
    """Every slice of every dimension, largest first (grades in their order), Holm-corrected over all of them as one family.

    By the metrics that the configuration names and the task's own; those of a whole set are shown without a verdict, which would cost
    thousands of evaluations for every slice. A slice that holds every item is shown with its n and compared nowhere: that would
    repeat the whole.
    """
    chosen = [metric for metric in metrics if metric.name in config.slice_metrics or isinstance(metric, TaskMetric)]
    groups = [item.group_id for item in items]
    parts = [
        (dimension, value, rows)
        for dimension in config.slices
        for value, rows in _in_order(dimension, _largest(_rows_by_value(items, dimension), config.slice_values))
    ]
    found = [
        (
            part,
            measure_difference(
                values[a][metric.name], values[b][metric.name], groups, config,
                metric=metric.name, a=a, b=b, rows=rows, minimum_groups=config.minimum_slice_groups,
            ),
        )
        for part, (_, _, rows) in enumerate(parts)
        if len(rows) < len(items)
        for a, b in pairs_of(list(values))
        for metric in chosen
        if metric.direction != "neutral" and not (isinstance(metric, TaskMetric) and metric.whole)
    ]  # fmt: skip
    verdicts = with_verdicts([c for _, c in found], {metric.name: metric.direction for metric in chosen}, config)
    by_part: dict[int, list[Comparison]] = defaultdict(list)
    for (part, _), comparison in zip(found, verdicts, strict=True):
        by_part[part].append(comparison)
    return [
        Slice(
            dimension=dimension,
            value=value,
            n=len(rows),
            groups=len({groups[row] for row in rows}),
            models={
                role: {metric.name: value_of(by_metric[metric.name], rows) for metric in chosen}
                for role, by_metric in values.items()
            },
            comparisons=tuple(by_part[part]),
        )
        for part, (dimension, value, rows) in enumerate(parts)
    ]


def value_of(found: Found, rows: Sequence[int]) -> Value:
    """The value over the measured items among `rows`; None and 0 where nothing can be said."""
    known = [row for row in rows if found.known(row)]
    value = found.value(known)
    return Value(value=value, n=0 if value is None else len(known))


def _rows_by_value(items: Sequence[Item], dimension: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row, item in enumerate(items):
        if (value := getattr(item, dimension)) is not None:
            found[str(value)].append(row)
    if dimension == "validity" and found and (rest := [row for row, item in enumerate(items) if item.validity is None]):
        found["not said (holds always)"] = rest
    return {} if dimension == "segment" and len(found) < 2 else found  # one segment is the whole report


def _in_order(dimension: str, parts: list[tuple[str, list[int]]]) -> list[tuple[str, list[int]]]:
    """Grades as they are counted; all else stays as it is, largest first."""
    return sorted(parts, key=lambda part: natural_order(part[0])) if dimension == "grade" else parts


def _largest(parts: Mapping[str, list[int]], count: int) -> list[tuple[str, list[int]]]:
    return sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))[:count]
