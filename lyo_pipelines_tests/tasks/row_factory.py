"""Content of the sample, judged as an evaluation would judge it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import orjson

from lyo_pipelines.sample.tasks.generate import TASKS
from lyo_pipelines.sample.tasks.made import Made
from lyo_pipelines.tasks import task_format
from lyo_pipelines.tasks.base import GradedAnswer, TaskMetric


def text_of(value: str | dict[str, Any] | None) -> str | None:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def row_of(made: Made, language: str = "en") -> dict[str, Any]:
    return {
        "language": language,
        "subject": made.subject,
        "grade": str(made.grade),
        "topic": made.topic,
        "question": made.question,
        "context": text_of(made.context),
        "reference_answer": made.reference_answer,
    }


def drawn(task: str, count: int, language: str = "en", seed: int = 1) -> list[Made]:
    rng = Random(f"{task} {language} {seed}")
    return [TASKS[task].make(rng, language) for _ in range(count)]


def judged(task: str, made: Made, answer: str | dict[str, Any] | None = None, language: str = "en") -> GradedAnswer:
    """The good answer as reference; judged is `answer`, or the good one itself."""
    judge = task_format(task)
    said = text_of(made.answer if answer is None else answer) or ""
    return GradedAnswer(judge.parse(said), judge.parse(text_of(made.answer) or ""), row_of(made, language))


def value(metric: TaskMetric, items: Sequence[GradedAnswer]) -> float | None:
    """A metric as a report computes it: an answer that is not there is worth `invalid`, items without a value are left out."""
    if metric.whole:
        return metric.whole(items)
    assert metric.item
    values = [metric.invalid if item.answer is None else metric.item(item) for item in items]
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None
