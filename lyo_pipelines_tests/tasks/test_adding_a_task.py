"""A new task is one new file: nothing else has to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lyo_pipelines import tasks
from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.inputs import rules_signature
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.tasks import task_format, task_formats
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, row, table

FILE = '''
"""Riddles: a riddle in the question, its solution and a difficulty out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from lyo_pipelines.tasks.answers import Answer, Text
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.wording import as_json, language


class Riddle(Answer):
    """The answer."""

    solution: Text
    stars: Annotated[int, Field(ge=1, le=5)]


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the prompt."""
    return f"You are Lyo. Solve the riddle in {language(row)}.{as_json('solution, stars (1 to 5)')}"


def check(answer: Riddle, row: Mapping[str, Any]) -> str | None:
    """The solution must not stand in the riddle."""
    return "the riddle says it" if answer.solution.lower() in row["question"].lower() else None


def _stars(item: GradedAnswer) -> float:
    return abs(item.answer.stars - item.reference.stars)


FORMAT = TaskFormat(
    task="riddles", version="riddles-1", system_prompt=system_prompt, answer=Riddle, check=check, prose=("solution",),
    metrics=(TaskMetric("stars_off", "lower", "stars", "Distance in stars.", item=_stars, invalid=4.0),),
)
'''


@pytest.fixture
def riddles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with one more task file, seen as part of tasks/."""
    (tmp_path / "riddles.py").write_text(FILE, encoding="utf-8")
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    task_formats.cache_clear()
    yield
    monkeypatch.undo()
    task_formats.cache_clear()


RIDDLE = "What has hands and cannot clap?"
ANSWERS = [
    '```json\n{"stars": 2, "solution": "A clock"}\n```',
    '{"stars": 9, "solution": "A clock"}',
    '{"stars": 2, "solution": "hands"}',
    "A clock, of course, because it has hands and cannot clap at all.",
]


@pytest.mark.usefixtures("riddles")
def test_rows_of_a_new_task_are_curated_formatted_and_parsed():
    riddle = task_format("riddles")
    rows = [row(n, task="riddles", subject=None, question=RIDDLE, answer=answer) for n, answer in enumerate(ANSWERS)]
    result = curate_batch(table(*rows), CONFIG, load_wordlists(), {})
    assert result.kept["segment"].to_pylist() == ["riddles.en"]
    assert result.removed["rule"].to_pylist() == ["invalid_answer"] * 3
    (messages,) = riddle.messages_column(result.kept).to_pylist()
    assert [message["content"] for message in messages] == [
        "You are Lyo. Solve the riddle in English. Answer with one JSON object only: solution, stars (1 to 5).",
        RIDDLE,
        '{"solution":"A clock","stars":2}',
    ]
    answer = riddle.parse(messages[-1]["content"])
    assert answer is not None
    assert (answer.solution, answer.stars) == ("A clock", 2)


def test_a_new_task_makes_curated_days_stale(request: pytest.FixtureRequest):
    lists = load_wordlists()
    before = rules_signature(CONFIG, lists)
    request.getfixturevalue("riddles")
    assert rules_signature(CONFIG, lists) != before
