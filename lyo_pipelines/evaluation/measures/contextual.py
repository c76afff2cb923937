"""Metrics that know more than an item: word lists, or a model of ratings. They are made where that knowledge is, and run in `measure`.

Metrics that need nothing but the item's columns are files of their own under metrics/.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.tasks.base import TaskFormat

Find = Callable[[Sequence[Item], Sequence[TaskFormat | None], Sequence[str]], list[float | None]]
"""(items, their tasks, what a model wrote) -> a value for each, None where it is not measured."""


@dataclass(frozen=True)
class ContextualMetric:
    """One such metric. fits: whether it means something for answers of a task (None: a segment without a format)."""

    name: str
    direction: Literal["higher", "lower", "neutral"]
    unit: str
    sentence: str
    fits: Callable[[TaskFormat | None], bool]
    find: Find


def has_prose(task: TaskFormat | None) -> bool:
    """Whether people read what is written there: not labels and scores alone."""
    return task is None or task.answer is None or task.prose != ()


def is_text(task: TaskFormat | None) -> bool:
    """Whether an answer is a text, not an object with keys."""
    return task is None or task.answer is None
