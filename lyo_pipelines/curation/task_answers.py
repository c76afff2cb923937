"""Answers that a task judges: reading them by the task's schema and check, and what in them is language.

Rows of tasks without a schema, a check and needs are not touched. Which rows go is said by the rule invalid_answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import orjson
import polars as pl

from lyo_pipelines.errors import LyoError
from lyo_pipelines.segments import SegmentKeyError, segment_key
from lyo_pipelines.tasks import task_formats
from lyo_pipelines.tasks.answers import write_answer
from lyo_pipelines.tasks.base import TaskFormat

VALUE_END = "\x1e"
"""Between the texts of one structured answer in `spoken`; the repairs leave no such sign in any answer."""
UNFENCED = "unfence_json"
"""Name under which the report counts the answers whose Markdown fence was taken off."""

_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*+\n(.*)```", re.DOTALL)
_LOOKED_AT = (
    "task", "language", "subject", "topic", "grade", "reasoning_mode", "system_prompt", "context", "question", "answer",
    "reference_answer",
)  # fmt: skip


class TaskCheckError(LyoError):
    """A task's check raised instead of giving a reason."""


@dataclass(frozen=True)
class ReadAnswer:
    """One answer as its task sees it: the text that stays, why it is not valid, its words, and whether its task has a schema."""

    text: str
    invalid: str | None
    spoken: str
    structured: bool


def task_with_check(task: str | None) -> TaskFormat | None:
    """Return the format of a task that judges its answers, else None."""
    try:
        found = task_formats().get(segment_key(task or "", "en").split(".")[0])
    except SegmentKeyError:
        return None
    return found if found and (found.answer or found.check or found.needs) else None


def formats_signature() -> str:
    """A digest of all that judges answers: it changes with a schema, a check or needs, and with a new task."""
    return _signature(tuple(task_formats().values()))


@cache
def _signature(formats: tuple[TaskFormat, ...]) -> str:
    told = [
        [f.task, f.version, f.answer.model_json_schema() if f.answer else None, f.check is not None, f.needs, f.prose]
        for f in sorted(formats, key=lambda f: f.task)
    ]
    return sha256(orjson.dumps(told)).hexdigest()[:16]


def read_answer(judge: TaskFormat, row: Mapping[str, Any]) -> ReadAnswer:
    """Read one answer. Only a Markdown fence around the whole JSON object is forgiven; prose beside it is not."""
    text = row["answer"] or ""
    lacking = next((name for name in judge.needs if not str(row.get(name) or "").strip()), None)
    reason = f"the row has no {lacking}" if lacking else None
    if judge.answer is None:
        return ReadAnswer(text, reason or _checked(judge, text, row), text, structured=False)
    fence = _FENCE.fullmatch(text.strip())
    answer = judge.parse(fence[1] if fence else text)
    if answer is None:
        return ReadAnswer(text, "not one valid JSON object of the schema", text, structured=True)
    compact = write_answer(answer)
    spoken = VALUE_END.join(_spoken(orjson.loads(compact), judge.prose))
    return ReadAnswer(compact, reason or _checked(judge, answer, row), spoken, structured=True)


def _checked(judge: TaskFormat, answer: Any, row: Mapping[str, Any]) -> str | None:
    if judge.check is None:
        return None
    try:
        return judge.check(answer, row)
    except Exception as error:
        told = f"the check of the task {judge.task} broke ({type(error).__name__}): mend `check` in its file in lyo_pipelines/tasks"
        raise TaskCheckError(told) from error


def _spoken(value: Any, keys: tuple[str, ...] | None, *, inside: bool = False) -> Iterator[str]:
    """Texts of the answer that are in the row's language."""
    if isinstance(value, str):
        if inside or keys is None:
            yield value
    elif isinstance(value, list):
        for one in value:
            yield from _spoken(one, keys, inside=inside)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _spoken(one, keys, inside=inside or (keys is not None and key in keys))


def read_answers(frame: pl.DataFrame, repaired: Counter[str]) -> pl.DataFrame:
    """Add `invalid` (why, or null), `spoken` (the answer's words) and `structured`; what fits its schema becomes compact JSON."""
    judges = {task: found for task in frame["task"].unique().to_list() if (found := task_with_check(task))}
    rows = frame["task"].is_in(list(judges)).fill_null(False).arg_true()
    whole = frame.with_columns(invalid=pl.lit(None, pl.String), spoken=pl.col("answer"), structured=pl.lit(False))
    if not len(rows):
        return whole
    columns = list(dict.fromkeys((*_LOOKED_AT, *(name for judge in judges.values() for name in judge.needs))))
    some = frame.select(columns)[rows]
    found = [read_answer(judges[row["task"]], row) for row in some.iter_rows(named=True)]
    pairs = list(zip(found, some["answer"], strict=True))
    if fences := sum(one.text != text and (text or "").lstrip().startswith("```") for one, text in pairs):
        repaired[UNFENCED] += fences
    answers = [None if text is None else one.text for one, text in pairs]
    return whole.with_columns(
        whole["answer"].clone().scatter(rows, pl.Series(answers, dtype=pl.String)),
        whole["invalid"].clone().scatter(rows, pl.Series([one.invalid for one in found], dtype=pl.String)),
        whole["spoken"].clone().scatter(rows, pl.Series([one.spoken for one in found], dtype=pl.String)),
        whole["structured"].clone().scatter(rows, pl.Series([one.structured for one in found], dtype=pl.Boolean)),
    )
