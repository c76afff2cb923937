"""The same id on other content is no copy, and a rating reaches the answer that a user saw."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.days.clashing_ids import SCOPED
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    START,
    build,
    dated,
    jsonl,
    lake_at,
    land,
    rating,
    row,
)


def chat(number, question, **fields):
    talk = [{"role": "user", "content": question}, {"role": "assistant", "content": f"About {question}"}]
    return {
        "id": number,
        "timestamp": (START + timedelta(minutes=1)).isoformat(),
        "lang": "en",
        "messages": talk,
        **fields,
    }


def questions(lake):
    return sorted(item["question"] for item in build(lake).to_pylist())


def ids(lake):
    return [item["interaction_id"] for item in build(lake).to_pylist()]


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(days=1)])
def test_counters_of_two_files_are_two_interactions_each(tmp_path, apart):
    lake = lake_at(tmp_path / "data")
    at = (START + apart).isoformat()
    land(lake, jsonl(tmp_path / "mon.jsonl", [chat(n, f"monday {n}") for n in range(3)]))
    report = land(lake, jsonl(tmp_path / "tue.jsonl", [chat(n, f"tuesday {n}", timestamp=at) for n in range(3)]))
    assert report.notes == {SCOPED: 3}
    assert questions(lake) == sorted(f"{day} {n}" for day in ("monday", "tuesday") for n in range(3))
    assert len(set(ids(lake))) == 6


def test_feedback_on_an_id_of_two_interactions_reaches_neither(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "mon.jsonl", [chat("a1", "monday"), chat("b1", "only one")]))
    land(lake, jsonl(tmp_path / "f.jsonl", [rating("a1", 1), rating("b1", 2)]))
    assert {item["question"]: item["rating"] for item in build(lake).to_pylist()} == {"monday": 1, "only one": 2}
    land(lake, jsonl(tmp_path / "tue.jsonl", [chat("a1", "tuesday")]))
    told = {item["question"]: item["rating"] for item in build(lake).to_pylist()}
    assert told == {"monday": None, "tuesday": None, "only one": 2}


def test_the_id_of_a_conversation_on_each_of_its_rows_keeps_them_all(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [chat("talk", "first"), chat("talk", "second"), chat("talk", "first")]))
    assert questions(lake) == ["first", "second"]


def test_a_copy_stays_a_copy_also_when_its_answer_came_later(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0, answer=None), row(1)]))
    report = land(
        lake,
        jsonl(tmp_path / "b.jsonl", [row(0), row(1, answer="It is 2, and here it is written out in other words.")]),
    )
    assert report.notes == {}
    assert len(build(lake)) == 2


@settings(max_examples=draws(15))
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcd")), min_size=1, max_size=12), st.integers(0, 12))
def test_whatever_is_numbered_alike_each_question_is_there_once_for_its_id(tmp_path_factory, said, cut):
    folder = tmp_path_factory.mktemp("ids")
    lake = lake_at(folder / "data")
    for name, part in (("1", said[:cut]), ("2", said[cut:]), ("3", said)):
        if part:
            land(lake, jsonl(folder / f"{name}.jsonl", [chat(number, f"question {letter}") for number, letter in part]))
    found = [(item["interaction_id"].split("~")[0], item["question"]) for item in build(lake).to_pylist()]
    assert sorted(found) == sorted({(str(number), f"question {letter}") for number, letter in said})


def test_a_file_without_ids_and_times_that_has_grown_gives_only_its_new_rows(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [
        {key: value for key, value in chat(0, f"stone {n}").items() if key not in ("id", "timestamp")} for n in range(3)
    ]
    land(lake, dated(jsonl(tmp_path / "chat.jsonl", rows[:2]), NOW - timedelta(days=9)))
    land(lake, dated(jsonl(tmp_path / "chat.jsonl", rows), NOW - timedelta(days=2)))
    assert questions(lake) == ["stone 0", "stone 1", "stone 2"]


FUNCTION = {"name": "look", "arguments": "{}"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": FUNCTION}],
}


def call(number, given, output, **fields):
    at = START + timedelta(seconds=number)
    return {
        "id": f"g{number}", "trace_id": "t", "session_id": "s", "type": "GENERATION", "name": "tutor", "start_time": at.isoformat(),
        "metadata": {"language": "en"}, "input": given, "output": output, "parent_observation_id": "root", **fields,
    }  # fmt: skip


ASKED = [{"role": "user", "content": "How do bats see?"}]
TRACE = [
    call(1, ASKED, CALL),
    call(
        2, [*ASKED, CALL, {"role": "tool", "tool_call_id": "c", "content": "page 3"}], "By the echo of their own voice."
    ),
    call(3, [{"role": "user", "content": "Three words for this chat, please"}], "Bats See Sound"),
]


@pytest.mark.parametrize(
    "target", [{"trace_id": "t"}, {"session_id": "s"}, {"observation_id": "root", "trace_id": "t"}]
)
def test_a_rating_of_a_trace_a_session_or_a_root_belongs_to_the_answer_that_was_seen(tmp_path, target):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "o.jsonl", TRACE))
    score = {"id": "x", "name": "rating", "value": 2, "data_type": "NUMERIC", "timestamp": START.isoformat(), **target}
    report = land(lake, jsonl(tmp_path / "s.jsonl", [score]))
    assert report.feedback_applied == 1
    told = {item["interaction_id"]: item["rating"] for item in build(lake).to_pylist()}
    assert told == {"g1": None, "g2": 2, "g3": None}


def test_a_rating_of_a_call_itself_stays_with_that_call(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "o.jsonl", TRACE))
    score = {"id": "x", "name": "rating", "value": 2, "observation_id": "g3", "timestamp": START.isoformat()}
    land(lake, jsonl(tmp_path / "s.jsonl", [score]), config=CONFIG)
    assert {item["interaction_id"]: item["rating"] for item in build(lake).to_pylist()} == {
        "g1": None,
        "g2": None,
        "g3": 2,
    }


def test_of_several_turns_in_one_trace_a_rating_belongs_to_the_last_and_one_of_the_session_to_each(tmp_path):
    lake = lake_at(tmp_path / "data")
    turns = [*ASKED, {"role": "assistant", "content": "By echo."}, {"role": "user", "content": "And owls?"}]
    land(lake, jsonl(tmp_path / "o.jsonl", [call(1, ASKED, "By echo."), call(2, turns, "With large eyes.")]))
    trace = {"id": "x", "name": "rating", "value": 2, "trace_id": "t", "timestamp": START.isoformat()}
    session = {"id": "y", "name": "thumbs", "value": 1, "session_id": "s", "timestamp": START.isoformat()}
    land(lake, jsonl(tmp_path / "s.jsonl", [trace, session]))
    told = {item["interaction_id"]: (item["rating"], item["thumbs"]) for item in build(lake).to_pylist()}
    assert told == {"g1": (None, 1), "g2": (2, 1)}
