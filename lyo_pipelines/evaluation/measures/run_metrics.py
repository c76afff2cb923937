"""Running the general metrics and those of the items' tasks on what the models answered. Comparing them belongs to `compare`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.measures.catalogue import MetricModule, applies_to_task, metric_files
from lyo_pipelines.evaluation.measures.compare import Values
from lyo_pipelines.evaluation.measures.contextual import ContextualMetric
from lyo_pipelines.evaluation.measures.metric_values import Found, MetricFacts, MetricValues, WholeValues
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs, metric_inputs
from lyo_pipelines.evaluation.measures.validity import ValidatedAnswer, check_answer, item_value, own_metrics
from lyo_pipelines.tasks import task_formats
from lyo_pipelines.tasks.base import TaskFormat, TaskMetric


@dataclass(frozen=True)
class Measured:
    """What every metric found on every model.

    metrics: in the order of the report: the deciding one, the tasks' own, the others. values: role -> metric -> what it found.
    answers: role -> each item's answer as its task judges it. elsewhere: metrics that belong to other tasks.
    """

    metrics: tuple[MetricFacts, ...]
    values: Values
    answers: Mapping[str, tuple[ValidatedAnswer, ...]]
    elsewhere: tuple[str, ...]


def run_metrics(
    inputs: EvaluationInputs,
    metrics: Sequence[MetricModule],
    outputs: Mapping[str, ModelOutputs],
    contextual: Sequence[ContextualMetric] = (),
) -> Measured:
    """Run everything. Raises MetricError naming the metric that failed."""
    answers = {role: _checked_answers(inputs, answered) for role, answered in outputs.items()}
    own = _own(inputs)
    general = {metric.name: rows for metric in metrics if (rows := _rows(inputs, metric)) and metric.name not in own}
    used = [metric for metric in metrics if metric.name in general]
    values = {
        role: {metric.name: _general(metric, general[metric.name], inputs, answered) for metric in used}
        | {name: found(answers[role]) for name, (_, found) in own.items()}
        for role, answered in outputs.items()
    }
    first = [metric for metric in used if metric.name == inputs.config.primary_metric]
    others = [metric for metric in used if metric.name != inputs.config.primary_metric]
    ordered: tuple[MetricFacts, ...] = (*first, *(metric for metric, _ in own.values()), *others)
    wanted = [metric for metric in contextual if inputs.wants(metric.name) and metric.name not in values["candidate"]]
    found = {
        role: {metric.name: _contextual(metric, inputs, answered) for metric in wanted}
        for role, answered in outputs.items()
    }
    # a rule for no item here (the persona's, in a language without one) is a rule of other tasks
    last = [metric for metric in wanted if any(any_known(by_metric[metric.name]) for by_metric in found.values())]
    values = {role: of | {metric.name: found[role][metric.name] for metric in last} for role, of in values.items()}
    ordered = (*ordered, *last)
    loaded = {metric.name for metric in (*metrics, *wanted)}
    return Measured(ordered, values, answers, _elsewhere(inputs, loaded, {metric.name for metric in ordered}))


def any_known(found: MetricValues) -> bool:
    """Whether anything was measured at all."""
    return any(value is not None for value in found.values)


def _contextual(metric: ContextualMetric, inputs: EvaluationInputs, outputs: ModelOutputs) -> MetricValues:
    asked = zip(inputs.items, inputs.tasks, strict=True)
    rows = [
        row
        for row, (item, task) in enumerate(asked)
        if not item.is_plain and metric.fits(task) and outputs.is_answered(row)
    ]
    values: list[float | None] = [None] * len(inputs.items)
    found = metric.find(
        [inputs.items[row] for row in rows], [inputs.tasks[row] for row in rows], [outputs.texts[row] for row in rows]
    )
    for row, value in zip(rows, found, strict=True):
        values[row] = value
    return MetricValues(tuple(values))


def _checked_answers(inputs: EvaluationInputs, outputs: ModelOutputs) -> tuple[ValidatedAnswer, ...]:
    asked = enumerate(zip(inputs.tasks, inputs.items, outputs.texts, outputs.truncated, strict=True))
    return tuple(
        check_answer(task, item, text, truncated=bool(cut)) if outputs.is_answered(row) else ValidatedAnswer()
        for row, (task, item, text, cut) in asked
    )


def _rows(inputs: EvaluationInputs, metric: MetricModule) -> list[int]:
    """The items that a general metric means something for."""
    return [
        row
        for row, (item, task) in enumerate(zip(inputs.items, inputs.tasks, strict=True))
        if applies_to_task(metric.name, inputs.metric_files[metric.name], task, inputs.config.primary_metric)
        and not (item.is_plain and metric.reads_answers)
    ]


def _general(
    metric: MetricModule, rows: Sequence[int], inputs: EvaluationInputs, outputs: ModelOutputs
) -> MetricValues:
    """Run a general metric on these items; the others are not measured."""
    columns = metric_inputs(inputs.items, outputs)
    if metric.reads_likelihoods and not outputs.has_likelihoods:
        return MetricValues((None,) * len(inputs.items))
    rows = [row for row in rows if not metric.reads_answers or outputs.is_answered(row)]
    found = metric.compute({name: [values[row] for row in rows] for name, values in columns.items()})
    values: list[float | None] = [None] * len(inputs.items)
    weights = None if found.weights is None else [0.0] * len(inputs.items)
    for place, row in enumerate(rows):
        values[row] = found.values[place]
        if weights is not None and found.weights is not None:
            weights[row] = found.weights[place]
    return MetricValues(tuple(values), None if weights is None else tuple(weights))


Finder = Callable[[Sequence[ValidatedAnswer]], Found]


def _own(inputs: EvaluationInputs) -> dict[str, tuple[TaskMetric, Finder]]:
    """The tasks' own metrics by name. One of items is shared by all tasks that name it; one of a whole set is each task's own."""
    rows: dict[str, list[int]] = {}
    tasks: dict[str, TaskFormat] = {}
    for row, (item, task) in enumerate(zip(inputs.items, inputs.tasks, strict=True)):
        if task is not None and not item.is_plain:
            rows.setdefault(task.task, []).append(row)
            tasks[task.task] = task
    shared: dict[str, list[tuple[TaskMetric, list[int]]]] = {}
    for name, task in sorted(tasks.items()):
        for metric in own_metrics(task):
            key = f"{metric.name}_{name}" if metric.whole and metric.name in shared else metric.name
            shared.setdefault(key, []).append((replace(metric, name=key), rows[name]))
    return {key: (parts[0][0], _finder(parts, inputs)) for key, parts in shared.items()}


def _finder(parts: Sequence[tuple[TaskMetric, list[int]]], inputs: EvaluationInputs) -> Finder:
    def of_items(answers: Sequence[ValidatedAnswer]) -> Found:
        values: list[float | None] = [None] * len(inputs.items)
        for metric, rows in parts:
            for row in rows:
                values[row] = item_value(metric, answers[row], inputs.items[row].item_id)
        return MetricValues(tuple(values))

    metric, rows = parts[0]
    if (whole := metric.whole) is None:
        return of_items
    members = set(rows)
    return lambda answers: WholeValues(
        tuple(answered.graded if row in members else None for row, answered in enumerate(answers)), whole
    )


def _elsewhere(inputs: EvaluationInputs, loaded: Iterable[str], measured: set[str]) -> tuple[str, ...]:
    """Metrics that exist and mean nothing for these items; what a user's configuration leaves out is not among them."""
    primary = inputs.config.primary_metric
    general = {
        name
        for name, path in metric_files().items()
        if not any(applies_to_task(name, path, task, primary) for task in set(inputs.tasks))
    }
    own = {metric.name for task in task_formats().values() for metric in own_metrics(task)}
    return tuple(sorted((general | own | set(loaded)) - measured))
