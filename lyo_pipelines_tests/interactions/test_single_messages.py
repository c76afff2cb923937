"""Logs of which each row is one message: rows of a conversation become its questions and answers, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.drafting.draft import draft_mapping
from lyo_pipelines.interactions.fields.mapping import MessageColumns, parse_mapping
from lyo_pipelines.interactions.formats.joined_row import JoinedRow, RefusedMessage
from lyo_pipelines.interactions.messages import grouping
from lyo_pipelines.interactions.messages.columns import message_columns
from lyo_pipelines.interactions.messages.gathering import JOINED, Gathering
from lyo_pipelines.interactions.preview.preview_file import preview_file
from lyo_pipelines.interactions.reading.block import RowBlock
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    START,
    as_csv,
    as_parquet,
    build,
    jsonl,
    lake_at,
    land,
    rejected,
)

CIRCLE, PI = "What is the area of a circle?", "It is pi times the radius squared."
SQUARE, SIDE = "And what is the area of a square?", "It is the side times itself."
SKY, BLUE = "Why is the sky blue in the day?", "Because air scatters blue light most of all."
COLUMNS = MessageColumns.model_validate(
    {"conversation": "chat", "speaker": "role", "text": "text", "order": "n", "id": "id", "parent": "parent"}
)


def said(number: int, role: str | None, text: str | None, chat: str | None = "c-one", **more: Any) -> dict[str, Any]:
    """One row: message `number` of a chat, a minute after the one before."""
    at = (START + timedelta(minutes=number)).isoformat()
    row = {"message_id": f"{chat}-{number}", "conversation_id": chat, "role": role, "content": text, "created_at": at}
    return {**row, "user_id": f"pupil-of-{chat}", "language": "en", "rating": None, **more}


TWO_CHATS = [
    said(0, "user", CIRCLE),
    said(0, "system", "You are a tutor.", "c-two"),
    said(1, "user", SKY, "c-two"),
    said(1, "assistant", PI, rating=5, model="m1"),
    said(2, "user", SQUARE),
    said(2, "assistant", BLUE, "c-two", rating=1),
    said(3, "assistant", SIDE),
]


def found(lake: Any) -> list[tuple[Any, ...]]:
    return sorted((row["question"], row["answer"]) for row in build(lake).to_pylist())


@pytest.mark.parametrize("write", [jsonl, as_csv, as_parquet])
def test_chats_that_lie_in_each_other_become_questions_with_answers_and_what_came_before(tmp_path, write) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(
        lake,
        write(
            tmp_path / f"chats.{write.__name__.removeprefix('as_')}",
            [{**row, "model": row.get("model")} for row in TWO_CHATS],
        ),
    )
    assert (report.format, report.accepted, report.rejected) == ("single_messages", 3, 0)
    assert report.notes[JOINED] == len(TWO_CHATS)
    by_question = {row["question"]: row for row in build(lake).to_pylist()}
    assert {q: row["answer"] for q, row in by_question.items()} == {CIRCLE: PI, SQUARE: SIDE, SKY: BLUE}
    assert [by_question[q]["rating"] for q in (CIRCLE, SQUARE, SKY)] == [5, None, 1]
    assert by_question[SQUARE]["history"] == [{"role": "user", "content": CIRCLE}, {"role": "assistant", "content": PI}]
    assert by_question[SKY]["system_prompt"] == "You are a tutor."
    assert by_question[CIRCLE]["model"] == "m1"
    assert by_question[CIRCLE]["occurred_at"] == START
    assert (
        by_question[CIRCLE]["user_pseudonym"]
        == by_question[SQUARE]["user_pseudonym"]
        != by_question[SKY]["user_pseudonym"]
    )
    assert [by_question[q]["turn"] for q in (CIRCLE, SQUARE, SKY)] == [0, 1, 0]


def test_a_later_export_adds_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    chat = [said(0, "user", CIRCLE), said(1, "assistant", PI), said(2, "user", SQUARE), said(3, "assistant", SIDE)]
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "monday.jsonl", chat[:3]))
    assert [(row["reason"], row["line"]) for row in rejected(lake)] == [("unanswered", 3)]
    chat[1] = {**chat[1], "rating": 2}
    land(lake, jsonl(tmp_path / "all_of_it.jsonl", chat))
    rows = {row["question"]: row for row in build(lake).to_pylist()}
    assert {q: (row["answer"], row["rating"]) for q, row in rows.items()} == {CIRCLE: (PI, 2), SQUARE: (SIDE, None)}


@pytest.mark.parametrize("name", ["c-one", "7"])
def test_an_export_of_new_rows_only_finds_its_earlier_turns_unless_the_id_is_a_mere_counter(tmp_path, name) -> None:
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [said(0, "user", CIRCLE, name), said(1, "assistant", PI, name)]))
    later = [said(2, "user", SQUARE, name), said(3, "assistant", SIDE, name), said(4, "user", "Thanks a lot!", name)]
    land(lake, jsonl(tmp_path / "b.jsonl", later))
    row = next(row for row in build(lake).to_pylist() if row["question"] == SQUARE)
    assert bool(row["history"]) == (name != "7"), "another file may count another conversation with 7"


def test_without_ids_of_messages_the_same_exchange_is_one_however_much_of_the_chat_a_file_holds(tmp_path) -> None:
    rows = [said(0, "user", CIRCLE), said(1, "assistant", PI), said(2, "user", SQUARE), said(3, "assistant", SIDE)]
    rows = [{name: value for name, value in row.items() if name != "message_id"} for row in rows]
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "new.jsonl", rows[2:]))
    land(lake, jsonl(tmp_path / "all.jsonl", rows))
    assert found(lake) == [(SQUARE, SIDE), (CIRCLE, PI)]


def test_what_cannot_be_put_together_is_rejected_by_its_reason(tmp_path: Path) -> None:
    rows = [
        *TWO_CHATS,
        said(9, "user", SKY, None),
        said(10, "assistant", PI, "c-three", rating=1),
        said(11, "user", "hello there", "c-four"),
        said(20, "user", CIRCLE, "c-five"),
        said(21, "someone else", "no, ask me", "c-five"),
        said(22, "assistant", PI, "c-five"),
        said(30, "user", CIRCLE, "c-six", deleted_at="2026-10-02"),
        said(31, "assistant", PI, "c-six"),
        said(32, "assistant", "never shown", "c-six", private=True),
        said(40, "user", "", "c-seven"),
        said(50, "user", CIRCLE, "c-eight"),
        said(51, "assistant", PI, "c-eight"),
        said(51, "assistant", PI, "c-eight"),
        said(60, "user", "Thank you so much!", "c-eight"),
        said(61, "assistant", "You are welcome.", "c-eight"),
    ]
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    assert report.rejected_by_reason == {
        "missing_conversation_id": 1,
        "answer_without_question": 3,  # alone; after somebody else's word; after a question that was taken back
        "unanswered": 2,
        "unknown_speaker": 1,
        "deleted_message": 1,
        "not_shown": 1,
        "empty_message": 1,
        "repeated_message": 1,
        "thanks": 2,
    }
    assert report.notes[JOINED] + report.rejected == len(rows)
    assert found(lake) == sorted([(CIRCLE, PI), (SQUARE, SIDE), (SKY, BLUE), (CIRCLE, PI)])


def test_an_answer_that_was_asked_for_again_is_a_row_of_its_own(tmp_path: Path) -> None:
    tree = [
        said(0, "user", CIRCLE, parent_id=None),
        said(1, "assistant", PI, parent_id="c-one-0", feedback="thumbs_down"),
        said(2, "assistant", "Pi, and the radius twice.", parent_id="c-one-0"),
        said(3, "user", SQUARE, parent_id="c-one-2"),
        said(4, "assistant", SIDE, parent_id="c-one-3"),
    ]
    again = [
        said(0, "user", CIRCLE, "c-two"),
        said(1, "assistant", PI, "c-two", feedback="thumbs_down"),
        said(2, "assistant", "Pi, and the radius twice.", "c-two", regenerated=True),
        said(3, "user", SQUARE, "c-two"),
        said(4, "assistant", SIDE, "c-two"),
    ]
    for number, rows in enumerate((tree, again)):
        lake = lake_at(tmp_path / str(number))
        land(lake, jsonl(tmp_path / "chats.jsonl", rows))
        built = {row["answer"]: row for row in build(lake).to_pylist()}
        assert {answer: row["thumbs"] for answer, row in built.items()} == {
            PI: -1, "Pi, and the radius twice.": None, SIDE: None,
        }  # fmt: skip
        assert [message["content"] for message in built[SIDE]["history"]] == [CIRCLE, "Pi, and the radius twice."]


def test_several_messages_of_one_side_are_one_text_and_tools_stand_beside(tmp_path: Path) -> None:
    rows = [
        said(0, "assistant", "Hello, I am your tutor."),
        said(1, "user", "hello"),
        said(2, "user", CIRCLE),
        said(3, "assistant", "", tool_calls=[{"name": "look_up", "arguments": {}}]),
        said(4, "tool", "pi r r"),
        said(5, "assistant", PI),
        said(6, "assistant", "Shall I draw one?", rating=4),
    ]
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    (row,) = build(lake).to_pylist()
    assert (row["question"], row["answer"]) == (f"hello\n\n{CIRCLE}", f"{PI}\n\nShall I draw one?")
    assert row["rating"] == 4 and "tool_turns" in row["metadata"]
    assert report.accepted == 1 and not report.rejected and report.notes[JOINED] == len(rows)


def test_a_row_of_feedback_belongs_to_the_message_that_it_names(tmp_path: Path) -> None:
    rows = [
        *(said(n, role, text) for n, (role, text) in enumerate([("user", CIRCLE), ("assistant", PI)])),
        *(said(n, role, text) for n, (role, text) in enumerate([("user", SQUARE), ("assistant", SIDE)], 2)),
        said(8, None, None, message_id="fb-1", target_id="c-one-1", rating=2),
        said(9, None, None, message_id="fb-2", target_id="c-one-99", rating=1),
    ]
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    assert {row["question"]: row["rating"] for row in build(lake).to_pylist()} == {CIRCLE: 2, SQUARE: None}
    assert report.rejected_by_reason == {"feedback_of_no_answer": 1}


def test_two_flags_for_one_thumb_say_nothing_where_both_are_false(tmp_path: Path) -> None:
    flags = {"liked": False, "disliked": False}
    rows = [
        said(0, "user", CIRCLE, **flags), said(1, "assistant", PI, **flags),
        said(2, "user", SQUARE, **flags), said(3, "assistant", SIDE, **{**flags, "disliked": True}),
    ]  # fmt: skip
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    assert {row["question"]: row["thumbs"] for row in build(lake).to_pylist()} == {CIRCLE: None, SQUARE: -1}


def test_an_answer_of_several_messages_is_one_interaction_however_much_of_it_a_file_holds(tmp_path: Path) -> None:
    rows = [said(0, "user", CIRCLE), said(1, "assistant", PI), said(2, "assistant", "Shall I draw one?")]
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", rows[:2]))
    land(lake, jsonl(tmp_path / "b.jsonl", rows))
    votes = [{"interaction_id": "c-one-2", "rating": 2, "feedback_at": (START + timedelta(hours=1)).isoformat()}]
    land(lake, jsonl(tmp_path / "votes.jsonl", votes))
    (row,) = build(lake).to_pylist()
    assert row["rating"] == 2


def test_feedback_inside_of_an_object_is_read(tmp_path: Path) -> None:
    judged = {"liked": False, "disliked": True, "comment": "it is wrong"}
    rows = [said(0, "user", CIRCLE), said(1, "assistant", PI, feedback=judged)]
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    (row,) = build(lake).to_pylist()
    assert (row["thumbs"], row["complaint_text"]) == (-1, "it is wrong")


def test_an_answer_that_was_not_finished_is_none(tmp_path: Path) -> None:
    rows = [
        said(0, "user", CIRCLE, status="complete"), said(1, "assistant", "It is", status="streaming"),
        said(2, "assistant", PI, status="complete"),
        said(3, "user", SQUARE, status="failed"), said(4, "assistant", SIDE, unfinished=True),
    ]  # fmt: skip
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    assert found(lake) == [(CIRCLE, PI)]
    assert report.rejected_by_reason == {"unfinished_message": 2, "unanswered": 1}


def test_a_question_that_shares_its_number_with_its_answer_comes_first(tmp_path: Path) -> None:
    turns = [(0, "assistant", PI), (1, "assistant", SIDE), (0, "user", CIRCLE), (1, "user", SQUARE)]
    rows = [
        {"conversation_id": "c-one", "turn": n, "role": role, "text": text, "language": "en"} for n, role, text in turns
    ]
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    assert found(lake) == sorted([(CIRCLE, PI), (SQUARE, SIDE)])


def test_a_page_of_messages_of_several_conversations_is_no_conversation(tmp_path: Path) -> None:
    page = {"messages": [{**row, "content": row["content"]} for row in TWO_CHATS]}
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "page.jsonl", [page]))
    assert report.rejected_by_reason == {"several_conversations": 1}


def test_where_several_people_asked_nobody_knows_whose_question_was_answered(tmp_path: Path) -> None:
    rows = [
        said(0, "user", CIRCLE, user_id="asha"), said(1, "user", SKY, user_id="ravi"), said(2, "assistant", BLUE),
        said(3, "user", SQUARE, user_id="asha"), said(4, "assistant", SIDE),
    ]  # fmt: skip
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "chats.jsonl", rows))
    assert found(lake) == [(SQUARE, SIDE)] and report.rejected_by_reason == {"several_users": 1}


def test_people_of_the_staff_are_neither_side(tmp_path: Path) -> None:
    names = [
        ("Contact", CIRCLE),
        ("AgentBot", PI),
        ("Contact", SQUARE),
        ("User", "Hello, Asha here."),
        ("Contact", SKY),
        ("AgentBot", BLUE),
    ]
    rows = [{**said(n, None, text), "sender_type": who} for n, (who, text) in enumerate(names)]
    lake = lake_at(tmp_path / "data")
    report = land(
        lake, jsonl(tmp_path / "chats.jsonl", [{k: v for k, v in row.items() if k != "role"} for row in rows])
    )
    assert found(lake) == [(CIRCLE, PI), (SKY, BLUE)]
    assert report.rejected_by_reason == {"another_speaker": 1, "unanswered": 1}


@pytest.mark.parametrize(
    ("missing", "rows"),
    [
        ("no conversation", [{"role": "user", "content": CIRCLE}, {"role": "assistant", "content": PI}]),
        ("each row its own", [said(n, role, CIRCLE, f"c{n}") for n, role in enumerate(["user", "assistant"] * 4)]),
        ("one side", [said(n, "user", CIRCLE) for n in range(4)]),
        ("names of people", [said(n, name, CIRCLE) for n, name in enumerate(["asha", "ravi"] * 3)]),
        ("no text", [{**said(n, role, None)} for n, role in enumerate(["user", "assistant"])]),
    ],
)
def test_rows_are_put_together_only_where_conversation_both_sides_and_text_are_there(tmp_path, missing, rows) -> None:
    assert message_columns(rows) is None, missing
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "chats.jsonl", rows))
    assert report.unreadable or report.format == "feedback"


def test_a_mapping_says_what_names_do_not_and_a_draft_begins_it(tmp_path: Path) -> None:
    rows = [
        {"gespraech": "g-1", "von": who, "wort": text, "wann": f"0{n + 1}.10.2026 10:00", "note": mark}
        for n, (who, text, mark) in enumerate(
            [("kind", CIRCLE, None), ("lyo", PI, 1), ("kind", SQUARE, None), ("lyo", SIDE, 6)]
        )
    ]
    mapping = """
messages:
  conversation: gespraech
  speaker: {from: von, values: {lyo: assistant}, otherwise: user}
  text: wort
  time: {from: wann, time: "%d.%m.%Y %H:%M", timezone: Europe/Berlin}
fields:
  rating: {from: note, scale: [6, 1]}
constants: {task: tutoring, language: en}
"""
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "chats.jsonl", rows), mapping=parse_mapping(mapping.encode(), "m.yaml"))
    built = {row["question"]: row for row in build(lake).to_pylist()}
    assert {q: (row["answer"], row["rating"]) for q, row in built.items()} == {CIRCLE: (PI, 5), SQUARE: (SIDE, 1)}
    assert built[CIRCLE]["occurred_at"].hour == 8

    drafted = draft_mapping("chats.jsonl", TWO_CHATS)
    other = lake_at(tmp_path / "other")
    report = land(other, jsonl(tmp_path / "two.jsonl", TWO_CHATS), mapping=parse_mapping(drafted.encode(), "d.yaml"))
    assert report.accepted == 3 and not report.rejected
    assert sorted(row["rating"] or 0 for row in build(other).to_pylist()) == [0, 1, 5]


def test_a_dry_run_puts_the_beginning_together_and_says_that_it_is_one(tmp_path: Path) -> None:
    rows = [
        row
        for n in range(400)
        for row in (
            said(2 * n, "user", f"What is {n} plus {n}?", f"c-{n}"),
            said(2 * n + 1, "assistant", f"{2 * n} it is.", f"c-{n}"),
        )
    ]
    rows = [{**row, "created_at": row["created_at"].replace("+00:00", "Z")} for row in rows]
    path = jsonl(tmp_path / "chats.jsonl", rows)
    config = CONFIG.model_copy(update={"block_bytes": 20_000})
    found = preview_file(lake_at(tmp_path / "data"), str(path), pseudonyms=PSEUDONYMS, config=config, now=NOW, rows=100)
    assert found.format == "single_messages" and not found.whole and 50 <= found.accepted < 400
    sources = {source.field: source.source for source in found.fields}
    assert "conversation_id" in found.found and "question" in sources
    assert sources["occurred_at"] == "`created_at` of the question's row"


def test_a_conversation_without_end_is_none(tmp_path: Path) -> None:
    rows = [said(n, ("user", "assistant")[n % 2], f"word {n}", "all") for n in range(30)]
    config = CONFIG.model_copy(
        update={"single_messages": CONFIG.single_messages.model_copy(update={"most_messages": 20})}
    )
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "chats.jsonl", rows), config=config)
    assert report.rejected_by_reason == {"conversation_too_long": 30}


def test_what_memory_does_not_hold_is_put_aside_and_gives_the_same(monkeypatch) -> None:
    rows = [
        {
            "chat": f"c{n % 60}",
            "role": ("user", "assistant")[n // 60 % 2],
            "text": f"word {n} of them",
            "n": n,
            "id": str(n),
        }
        for n in range(360)
    ]
    rows += [{"chat": "endless", "role": "user", "text": "on and on", "n": n, "id": f"e{n}"} for n in range(60)]
    monkeypatch.setattr(grouping, "_MOST_RUNS", 3)
    few, told_few = gathered(rows, buffer_bytes=8_000)
    all_of_them, told = gathered(rows)
    pairs = [sorted(repr(row["pair"]) for row in found if isinstance(row, JoinedRow)) for found in (few, all_of_them)]
    assert pairs[0] == pairs[1] and len(pairs[0]) == 180
    assert told == told_few == 360
    refused = [row.error.reason for row in few if isinstance(row, RefusedMessage)]
    assert refused == ["conversation_too_long"] * 60


message = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "assistant", "user", "system", "tool", "stranger"]),
        "text": st.sampled_from(["one two three", "four five six", "thanks!", "", "seven eight"]),
        "chat": st.sampled_from(["a", "b", None]),
        "deleted": st.sampled_from([None, None, None, True]),
        "parent": st.sampled_from([None, None, "0", "1", "2", "3", "7"]),
    }
)


def gathered(rows: Sequence[dict[str, Any]], buffer_bytes: int = 1 << 20) -> tuple[list[Any], int]:
    limits = {"most_messages": 50, "history_turns": 2, "buffer_bytes": buffer_bytes, "block_bytes": 1 << 16}
    gathering = Gathering(COLUMNS, rows, **limits)
    blocks = list(gathering.blocks([RowBlock(rows=list(rows), lines=list(range(1, len(rows) + 1)))]))
    return [row for block in blocks for row in block.rows], sum(block.notes[JOINED] for block in blocks)


@settings(max_examples=draws(150))
@given(messages=st.lists(message, max_size=24), order=st.randoms(use_true_random=False))
def test_every_row_stands_in_an_exchange_or_is_refused_whatever_the_order(messages, order) -> None:
    rows = [{**one, "n": number, "id": str(number)} for number, one in enumerate(messages)]
    result, told = gathered(rows)
    assert told + sum(isinstance(row, RefusedMessage) for row in result) == len(rows)
    exchanges = sorted(repr(row["pair"]) for row in result if isinstance(row, JoinedRow))
    assert all(row["pair"]["question"]["content"] for row in result if isinstance(row, JoinedRow))
    order.shuffle(rows)
    again, told_again = gathered(rows)
    assert told_again == told
    assert sorted(repr(row["pair"]) for row in again if isinstance(row, JoinedRow)) == exchanges
