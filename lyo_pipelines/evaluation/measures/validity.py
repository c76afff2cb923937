"""Judging one answer by its task: does it fit schema and check, and why not. What follows for the models stands in `measure`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lyo_pipelines import tasks
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.catalogue import MetricError
from lyo_pipelines.segments import SegmentKeyError, parse_parent
from lyo_pipelines.tasks import UnknownTaskFormatError, task_format
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric

VALID_ANSWER = "valid_answer"
_REASON = 100
"""Characters of a reason that are kept; a check may quote what a model wrote."""


@dataclass(frozen=True)
class ValidatedAnswer:
    """One answer as judged. judged: None where there is nothing to judge (plain text, no task, a reference that does not fit).
    problem: why the answer is not valid; None when it is.
    """

    graded: GradedAnswer | None = None
    problem: str | None = None


def tasks_of(items: Sequence[Item], segment: str) -> tuple[TaskFormat | None, ...]:
    """The task of each item: of its own segment, else of the dataset's; None where the segment's task has no format."""
    known = {key: _task(key) for key in {item.segment or segment for item in items}}
    return tuple(known[item.segment or segment] for item in items)


def sources_hash() -> str:
    """Hash of the source of all tasks: another source may judge otherwise."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in tasks.__path__ for path in Path(folder).glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def own_metrics(task: TaskFormat) -> tuple[TaskMetric, ...]:
    """What is measured in this task only: valid_answer where it has a schema or a check, then the metrics of its file."""
    return (_valid_answer(task), *task.metrics) if task.answer or task.check else task.metrics


def check_answer(task: TaskFormat | None, item: Item, text: str, *, truncated: bool) -> ValidatedAnswer:
    """Judge one answer. Raises MetricError when the task's check breaks on it."""
    if task is None or item.is_plain:
        return ValidatedAnswer()
    reference = task.parse(item.reference)
    if reference is None:
        return ValidatedAnswer()
    answer, problem = _fitting(task.answer, text, truncated=truncated)
    graded = GradedAnswer(answer=answer, reference=reference, row=_row(item))
    if problem is None and task.check is not None:
        try:
            problem = task.check(answer, graded.row)
        except Exception as error:
            raise MetricError(f"the check of task {task.task} failed on {item.item_id}: {_said(error)}") from error
    return ValidatedAnswer(graded, None if problem is None else _short(problem))


def item_value(metric: TaskMetric, answered: ValidatedAnswer, item_id: str) -> float | None:
    """What a metric of items makes of one answer: `invalid` when it fits no schema. Raises MetricError when the metric breaks."""
    if answered.graded is None or metric.item is None:
        return None
    if answered.graded.answer is None:
        return metric.invalid
    try:
        value = metric.item(answered.graded)
    except Exception as error:
        raise MetricError(f"metric {metric.name} failed on {item_id}: {_said(error)}") from error
    return None if value is None or value != value else float(value)  # noqa: PLR0124 (nan)


def _valid_answer(task: TaskFormat) -> TaskMetric:
    def passes(graded: GradedAnswer) -> float:
        return float(task.check is None or task.check(graded.answer, graded.row) is None)

    schema = "are one JSON object of the task's schema" if task.answer else ""
    check = "pass the task's check" if task.check else ""
    what = " and ".join(part for part in (schema, check) if part)
    return TaskMetric(VALID_ANSWER, "higher", "share valid", f"Share of answers that {what}.", item=passes, invalid=0.0)


def _task(segment: str) -> TaskFormat | None:
    try:
        return task_format(parse_parent(segment).task)
    except (SegmentKeyError, UnknownTaskFormatError):
        return None


def _row(item: Item) -> dict[str, Any]:  # an example's columns, as a task's own checks take them
    names = ("language", "subject", "grade", "topic", "question", "context", "reference_answer")
    said = next((content for role, content in item.prompt if role == "system"), None)
    return {name: getattr(item, name) for name in names} | {"system_prompt": said}


def _fitting(schema: type[BaseModel] | None, text: str, *, truncated: bool) -> tuple[Any | None, str | None]:
    """(instance, None) where the text fits, else (None, why); a text without a schema is its own instance."""
    if schema is None:
        return text, None
    try:
        return schema.model_validate_json(text), None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
    if not text.strip():
        return None, "empty"
    if first["type"] == "json_invalid":
        cut = truncated and text.lstrip().startswith("{")
        return None, "cut at the longest answer allowed" if cut else _no_json(text)
    place = ".".join("#" if isinstance(part, int) else str(part) for part in first["loc"])
    return None, f"{place}: {first['msg']}" if place else first["msg"]


def _no_json(text: str) -> str:
    try:
        json.JSONDecoder().raw_decode(text, max(0, text.find("{")))
    except ValueError:
        return "no JSON"
    return "text around the JSON"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _REASON else text[:_REASON] + " …"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
