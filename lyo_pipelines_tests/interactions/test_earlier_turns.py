"""A later turn that came without what was said before gets it from its own conversation, and from no other."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.interactions.days import earlier_turns
from lyo_pipelines.interactions.days.build import build_day
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake

DAY = date(2026, 3, 2)


def turn(conversation: str, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "interaction_id": f"{conversation}-{number}",
        "occurred_at": f"2026-03-02T10:{number:02d}:00Z",
        "task": "tutoring",
        "language": "en",
        "question": f"question {number} of {conversation}",
        "answer": f"answer {number} of {conversation}",
        "conversation_id": conversation,
        "turn": number,
        **fields,
    }


def built(tmp_path: Path, rows: list[dict[str, Any]]) -> dict[str, list[dict[str, str]] | None]:
    lake, path = Lake(str(tmp_path / "data")), tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    now = datetime(2026, 3, 3, tzinfo=UTC)
    report = land_file(lake, str(path), pseudonyms=Pseudonyms("k" * 32), config=load_config().interactions, now=now)
    assert report.accepted == len(rows)
    build_day(lake, DAY)
    return {row["interaction_id"]: row["history"] for row in lake.read_table(lake.interactions(DAY)).to_pylist()}


def said(conversation: str, *numbers: int) -> list[dict[str, str]]:
    return [
        {"role": role, "content": f"{word} {number} of {conversation}"}
        for number in numbers
        for role, word in (("user", "question"), ("assistant", "answer"))
    ]


def test_later_turns_get_the_earlier_ones_of_their_conversation_in_order(tmp_path: Path) -> None:
    rows = [turn("a", 2), turn("b", 0), turn("a", 0), turn("b", 1), turn("a", 1)]
    found = built(tmp_path, rows)
    assert not found["a-0"] and not found["b-0"]
    assert found["a-1"] == said("a", 0)
    assert found["a-2"] == said("a", 0, 1)
    assert found["b-1"] == said("b", 0)


def test_a_history_that_came_with_the_row_is_left_as_it_is(tmp_path: Path) -> None:
    own = [{"role": "user", "content": "something else"}]
    found = built(tmp_path, [turn("a", 0), turn("a", 1, history=own)])
    assert found["a-1"] == own


def test_a_failed_answer_leaves_its_question(tmp_path: Path) -> None:
    found = built(tmp_path, [turn("a", 0, answer=None, error="timeout"), turn("a", 1)])
    assert found["a-1"] == said("a", 0)[:1]


def test_only_the_newest_turns_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_turns, "MAX_TURNS", 2)
    found = built(tmp_path, [turn("a", n) for n in range(5)])
    assert found["a-4"] == said("a", 2, 3)


def test_a_day_too_large_to_hold_keeps_its_rows_as_they_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_turns, "MAX_ROWS", 3)
    found = built(tmp_path, [turn("a", n) for n in range(5)])
    assert len(found) == 5
    assert not any(found.values())
