"""What a report says about the tasks of its items: invalid answers by reason, and how closed choices were confused.

The metrics themselves stand among the others; how it looks in words stands in `task_markdown`.
"""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from lyo_pipelines.contracts.report_sections import ConfusionTable, InvalidExample, InvalidReason, TaskSection
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.measures.run_metrics import Measured
from lyo_pipelines.evaluation.measures.validity import ValidatedAnswer, own_metrics
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat

REASONS = 8
"""Reasons that are listed, the most frequent first."""
CHOICES = 12
"""A field with more values than these has no confusion table."""
REPEATS = 3
"""A field of any text is a choice of few where the references hold each value this often on average."""
NAME = 40
"""A longer text is no name of a choice."""
EXAMPLE = 400
"""Characters of an invalid answer that are kept as an example."""


def task_section(inputs: EvaluationInputs, outputs: Mapping[str, ModelOutputs], measured: Measured) -> TaskSection:
    """The part `tasks` of report.json."""
    asked = {
        task.task: task for task, item in zip(inputs.tasks, inputs.items, strict=True) if task and not item.is_plain
    }
    own = {metric.name for task in asked.values() for metric in own_metrics(task)}
    structured = [name for name, task in sorted(asked.items()) if task.answer is not None]
    first = next(iter(measured.answers.values()))
    return TaskSection(
        names=tuple(sorted(asked)),
        says={name: task.description for name, task in sorted(asked.items()) if task.description},
        structured=tuple(structured),
        constrained=bool(inputs.schemas),
        plain_text=sum(item.is_plain for item in inputs.items),
        own_metrics=tuple(metric.name for metric in measured.metrics if metric.name in own),
        elsewhere=tuple(measured.elsewhere),
        unusable_references=sum(
            answered.graded is None and task is not None and not item.is_plain
            for answered, task, item in zip(first, inputs.tasks, inputs.items, strict=True)
        ),
        invalid=_invalid(inputs, outputs, measured.answers),
        confusion=tuple(table for name in structured for table in _confusions(asked[name], inputs, measured.answers)),
    )


def _invalid(
    inputs: EvaluationInputs, outputs: Mapping[str, ModelOutputs], answers: Mapping[str, Sequence[ValidatedAnswer]]
) -> tuple[InvalidReason, ...]:
    """Reasons with their number for each model and the candidate's first example, else that of another model."""
    counts = {role: Counter(a.problem for a in answered if a.problem) for role, answered in answers.items()}
    together = sum(counts.values(), Counter[str]())
    roles = sorted(answers, key=lambda role: role != "candidate")
    rows = []
    for reason, _ in sorted(together.items(), key=lambda found: (-found[1], found[0]))[:REASONS]:
        role = next(role for role in roles if counts[role][reason])
        row = next(row for row, answered in enumerate(answers[role]) if answered.problem == reason)
        answer = outputs[role].texts[row][:EXAMPLE]
        example = InvalidExample(model=role, item_id=inputs.items[row].item_id, answer=answer)
        models = {name: counts[name][reason] for name in answers}
        rows.append(InvalidReason(reason=reason, models=models, example=example))
    return tuple(rows)


def _confusions(
    task: TaskFormat, inputs: EvaluationInputs, answers: Mapping[str, Sequence[ValidatedAnswer]]
) -> list[ConfusionTable]:
    """A table for each choice of few values: rows are the references' values; columns the answers', then any other value, then
    answers that do not fit the schema.
    """
    rows = [row for row, of in enumerate(inputs.tasks) if of is not None and of.task == task.task]
    graded = {role: [found for row in rows if (found := answered[row].graded)] for role, answered in answers.items()}
    references = [found.reference for found in next(iter(graded.values()))]
    return [
        ConfusionTable(
            task=task.task,
            field=field,
            labels=tuple(labels),
            models={role: _counts(found, field, labels) for role, found in graded.items()},
        )
        for field, labels in choices(task.answer, references).items()
    ]


def _counts(graded: Sequence[GradedAnswer], field: str, labels: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    another, unfit = len(labels), len(labels) + 1
    places = {label: place for place, label in enumerate(labels)}
    table = [[0] * (len(labels) + 2) for _ in labels]
    for found in graded:
        said = unfit if found.answer is None else places.get(_label(getattr(found.answer, field)), another)
        table[places[_label(getattr(found.reference, field))]][said] += 1
    return tuple(tuple(row) for row in table)


def choices(schema: type[BaseModel] | None, references: Sequence[Any]) -> dict[str, list[str]]:
    """Field -> its values, for the top-level fields that are one of a few: by the schema, or texts that the references repeat."""
    found = {}
    for name, field in (schema.model_fields if schema else {}).items():
        values = [getattr(reference, name) for reference in references]
        labels = [_label(choice) for choice in _choices(field.annotation)]
        names = all(isinstance(value, str) and 0 < len(value) <= NAME for value in values)
        if not labels and names and len(set(values)) * REPEATS <= len(values):
            labels = sorted(set(values))
        if 2 <= len(labels) <= CHOICES and {_label(value) for value in values} <= set(labels):
            found[name] = labels
    return found


def _choices(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [
            choice for part in get_args(annotation) for choice in ([None] if part is types.NoneType else _choices(part))
        ]
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if annotation is bool:
        return [False, True]
    return (
        [member.value for member in annotation] if isinstance(annotation, type) and issubclass(annotation, Enum) else []
    )


def _label(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)
