"""Task formats: what the rows of one task must hold, how they become chat messages, and how an answer is judged.

One file per task, found by its name. To add a task, add `tasks/<task>.py` with a `FORMAT = TaskFormat(...)`: nothing else has
to change. The room stands below curation, which drops answers that do not fit their schema.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lyo_pipelines.tasks.base import TaskFormat, UnknownTaskFormatError


@cache
def task_formats() -> dict[str, TaskFormat]:
    """Return every format by task name, from the FORMAT of each module in this folder."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        task_format = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMAT", None)
        if isinstance(task_format, TaskFormat):
            found[task_format.task] = task_format
    return found


def task_format(task: str) -> TaskFormat:
    """Return the format of one task. Raises UnknownTaskFormatError that says how to add one."""
    formats = task_formats()
    if task not in formats:
        raise UnknownTaskFormatError(
            f"No chat format for the task {task!r}; there are {', '.join(sorted(formats))}. "
            f"Add lyo_pipelines/tasks/{task}.py with a FORMAT, as tutoring.py does."
        )
    return formats[task]
