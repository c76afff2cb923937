"""A task that is added for a test: one file, laid beside the packaged ones, as a person would add it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lyo_pipelines import tasks
from lyo_pipelines_tests.evaluation import sample_reports

SOURCE = '''
"""Moods of a text."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lyo_pipelines.tasks.base import TaskFormat, TaskMetric


class Mood(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    mood: Literal["calm", "angry"]
    strength: int = Field(ge=0, le=9)


def check(answer, row):
    return "an angry text is at least of strength 5" if answer.mood == "angry" and answer.strength < 5 else None


def both_moods_right(judged):
    """The lower of the two moods' shares of right answers: of the whole set only."""
    shares = []
    for mood in ("calm", "angry"):
        of_it = [j for j in judged if j.reference.mood == mood]
        if not of_it:
            return None
        shares.append(sum(j.answer is not None and j.answer.mood == mood for j in of_it) / len(of_it))
    return min(shares)


FORMAT = TaskFormat(
    task="moods",
    version="moods-1",
    system_prompt=lambda row: "Name the mood.",
    description="A text in the question, its mood out.",
    answer=Mood,
    check=check,
    metrics=(
        TaskMetric(
            "strength_error", "lower", "steps", "Distance of the strength from the reference's.",
            item=lambda judged: abs(judged.answer.strength - judged.reference.strength), invalid=9.0,
        ),
        TaskMetric("weaker_mood", "higher", "share right", "Share right of the mood that is known less well.", whole=both_moods_right),
    ),
    general_metrics=("loss", "length_ratio"),
)
'''


@contextmanager
def added(folder: Path) -> Iterator[None]:
    """The task `moods` is there as long as this lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "moods.py").write_text(SOURCE)
    packaged = list(tasks.__path__)
    tasks.__path__ = [*packaged, str(folder)]
    tasks.task_formats.cache_clear()
    try:
        yield
    finally:
        tasks.__path__ = packaged
        sys.modules.pop("lyo_pipelines.tasks.moods", None)
        tasks.task_formats.cache_clear()


def rows(n: int = 18) -> list[dict[str, Any]]:
    found = []
    for number, row in enumerate(sample_reports.rows(n, per_group=1)):
        calm = number % 3 > 0
        answer = {"mood": "calm" if calm else "angry", "strength": number % 5 if calm else 5 + number % 5}
        messages = [
            {"role": "system", "content": "Name the mood."},
            {"role": "user", "content": f"{'What a quiet day' if calm else 'Be gone'}, {number}"},
            {"role": "assistant", "content": json.dumps(answer)},
        ]
        found.append({**row, "messages": messages, "reference_answer": None, "segment": "moods.en", "context": None})
    return found
