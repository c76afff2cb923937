"""Exports of chat applications and request logs of clouds: each answer a row, with its own question, time and thumbs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.interactions.formats.answered_turns import turns_of
from lyo_pipelines_tests.interactions.test_ready_mappings import Row, only_row, previewed, reasons

AT = 1790928000
ISO = "2026-10-02T08:00:00Z"
ASKED, SAID = "Why do tides come twice a day?", "The moon pulls on both sides of the earth."
BODY = {"messages": [{"role": "user", "content": ASKED}]}
COMPLETION = {"choices": [{"message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}]}


def node(name: str, parent: str | None, role: str, text: str, kind: str = "text", **more: Any) -> Row:
    message = {
        "id": name,
        "author": {"role": role},
        "create_time": AT + 0.0,
        "content": {"content_type": kind, "parts": [text]},
        "weight": 1.0,
        "recipient": "all",
        "metadata": {"model_slug": "gpt-4o"},
    }
    return {"id": name, "parent": parent, "children": [], "message": message | more}


NODES = [
    {"id": "root", "parent": None, "children": ["hidden"], "message": None},
    node("hidden", "root", "system", "", weight=0.0),
    node("q", "hidden", "user", ASKED),
    node("thought", "q", "assistant", "hm", "thoughts"),
    node("call", "thought", "assistant", "search()", "code", recipient="web"),
    node("found", "call", "tool", "page 3"),
    node("a1", "found", "assistant", SAID),
    node("a2", "q", "assistant", "Nobody knows."),
    node("q2", "a1", "user", "And spring tides?"),
    node("a3", "q2", "assistant", "At full moon."),
]
EXPORTS: dict[str, Row] = {
    "claude": {
        "uuid": "c1",
        "created_at": ISO,
        "account": {"uuid": "someone"},
        "chat_messages": [
            {
                "uuid": "m1",
                "sender": "human",
                "text": ASKED,
                "content": [{"type": "text", "text": ASKED}],
                "created_at": ISO,
            },
            {
                **{"uuid": "m2", "sender": "assistant", "text": SAID, "created_at": ISO},
                "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": SAID}],
            },
        ],
    },
    "librechat": {
        **{"conversationId": "l1", "exportAt": "09:00:00 GMT", "recursive": False, "options": {"model": "m"}},
        "messages": [
            {"messageId": "m1", "sender": "User", "isCreatedByUser": True, "text": ASKED, "createdAt": ISO},
            {
                **{
                    "messageId": "m2",
                    "parentMessageId": "m1",
                    "sender": "My tutor",
                    "isCreatedByUser": False,
                    "text": SAID,
                },
                "feedback": {"rating": "thumbsDown", "tag": "inaccurate", "text": "no"},
            },
        ],
    },
    "rasa": {
        **{"sender_id": "someone", "slots": {}},
        "events": [
            {"event": "action", "name": "action_listen", "timestamp": AT - 1.0},
            {"event": "user", "text": ASKED, "timestamp": AT + 0.0},
            {"event": "bot", "text": SAID, "timestamp": AT + 1.0},
        ],
    },
    "dify": {
        **{"id": "d1", "conversation_id": "c", "query": ASKED, "answer": SAID, "retriever_resources": [], "inputs": {}},
        **{"created_at": AT, "feedback": {"rating": "dislike"}},
    },
    "bedrock": {
        **{"schemaType": "ModelInvocationLog", "timestamp": ISO, "requestId": "b1", "modelId": "m"},
        "input": {"inputBodyJson": {"messages": [{"role": "user", "content": [{"text": ASKED}]}]}},
        "output": {"outputBodyJson": {"output": {"message": {"role": "assistant", "content": [{"text": SAID}]}}}},
    },
    "vertex": {
        **{"logging_time": ISO, "request_id": 7, "model": "gemini"},
        "full_request": {"contents": [{"role": "user", "parts": [{"text": ASKED}]}]},
        "full_response": {
            "candidates": [{"content": {"role": "model", "parts": [{"text": SAID}]}, "finishReason": "STOP"}]
        },
    },
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_known_and_holds_question_answer_and_time(tmp_path: Path, name: str) -> None:
    seen = previewed(tmp_path, [EXPORTS[name]])
    assert (seen.format, seen.rejected_by_reason) == (name, {})
    (row,) = seen.rows
    assert (row["question"], row["answer"]) == (ASKED, SAID)
    assert row["occurred_at"] == datetime(2026, 10, 2, 8, tzinfo=UTC)
    assert row["thumbs"] == (-1 if name in ("librechat", "dify") else None)


def test_in_a_chat_of_chatgpt_each_shown_answer_is_a_row_and_thoughts_and_calls_are_none(tmp_path: Path) -> None:
    chat = {"mapping": {item["id"]: item for item in NODES}, "current_node": "a3", "create_time": AT, "id": "c"}
    seen = previewed(tmp_path, [chat])
    assert (seen.format, seen.rejected_by_reason) == ("chatgpt", {})
    rows = {row["interaction_id"]: row for row in seen.rows}
    assert {key: (row["question"], row["answer"], row["turn"]) for key, row in rows.items()} == {
        "a1": (ASKED, SAID, 0),
        "a2": (ASKED, "Nobody knows.", 0),
        "a3": ("And spring tides?", "At full moon.", 1),
    }
    assert [turn["content"] for turn in rows["a3"]["history"]] == [ASKED, SAID]


def test_an_answer_in_pieces_of_an_unknown_form_is_refused_with_a_reason(tmp_path: Path) -> None:
    pieces = [{"chunk": SAID[:9]}, {"chunk": SAID[9:]}]
    assert reasons(tmp_path, EXPORTS["bedrock"] | {"output": {"outputBodyJson": pieces}}) == ["no_response"]


def test_what_the_assistant_said_in_two_messages_of_a_tree_is_one_answer() -> None:
    messages = [
        {"id": "1", "role": "user", "content": "Q"},
        {"id": "2", "parentId": "1", "role": "assistant", "content": "First"},
        {"id": "3", "parentId": "2", "role": "assistant", "content": "then"},
    ]
    assert [row["pair"]["answer"]["content"] for row in turns_of({"m": messages}, "m")] == ["First\n\nthen"]


def chat(*messages: Row, **more: Any) -> Row:
    return {"id": "chat", "messages": list(messages), **more}


QUESTION = {"role": "user", "content": ASKED}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"feedback": "down"}, (-1, None)),
        ({"feedback": {"rating": "thumbsUp"}}, (1, None)),
        ({"annotation": {"rating": -1}}, (-1, None)),
        ({"rating": 2}, (None, 2)),
        ({"rating": "👎"}, (-1, None)),
        ({"liked": False}, (-1, None)),
        ({"feedback": 7}, (None, None)),
    ],
)
def test_feedback_on_the_message_of_the_answer_counts(tmp_path: Path, said: Row, expected: tuple[Any, Any]) -> None:
    seen = previewed(tmp_path, [chat(QUESTION, {"role": "assistant", "content": SAID, **said}, created_at=ISO)])
    assert [(row["thumbs"], row["rating"]) for row in seen.rows] == [expected]
    assert ("is not understood" in str(seen.notes)) == (expected == (None, None))


def test_feedback_on_earlier_answers_is_told(tmp_path: Path) -> None:
    first = {"role": "assistant", "content": "The moon.", "thumbs": -1}
    seen = previewed(
        tmp_path, [chat(QUESTION, first, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": SAID})]
    )
    assert seen.rows[0]["thumbs"] is None
    assert "earlier answers" in str(seen.notes)


@pytest.mark.parametrize("name", ["timestamp", "createdAt", "create_time"])
def test_the_question_was_asked_when_its_message_says(tmp_path: Path, name: str) -> None:
    messages = ({**QUESTION, name: ISO}, {"role": "assistant", "content": SAID, name: "2026-10-02T08:00:09Z"})
    assert only_row(tmp_path / "a", chat(*messages))["occurred_at"].isoformat() == "2026-10-02T08:00:00+00:00"
    begun = only_row(tmp_path / "b", chat(*messages, created_at="2026-09-30T07:00:00Z"))
    assert begun["occurred_at"].day == 2
    said = only_row(tmp_path / "c", chat(*messages, occurred_at="2026-09-30T07:00:00Z"))
    assert said["occurred_at"].day == 30


def test_a_time_of_a_message_that_is_no_date_is_not_taken_for_one(tmp_path: Path) -> None:
    messages = ({**QUESTION, "timestamp": 12.5}, {"role": "assistant", "content": SAID, "timestamp": 14})
    assert only_row(tmp_path / "a", chat(*messages, created_at=ISO))["occurred_at"].day == 2
    assert reasons(tmp_path / "b", chat(*messages)) == ["unknown_time"]


def test_two_answers_to_one_message_in_a_list_are_not_joined(tmp_path: Path) -> None:
    first, second = ({"role": "assistant", "content": text, "parentId": "q"} for text in ("Tides.", SAID))
    assert reasons(tmp_path, chat({**QUESTION, "id": "q"}, first, second)) == ["branches"]


def test_messages_as_a_data_frame_prints_them_are_read(tmp_path: Path) -> None:
    printed = {
        side: str([{"message.role": role, "message.content": text}])
        for side, role, text in (("input", "user", ASKED), ("output", "assistant", SAID))
    }
    row = {
        **{"context.span_id": "0a", "span_kind": "LLM", "start_time": ISO},
        **{f"attributes.llm.{side}_messages": text for side, text in printed.items()},
    }
    seen = only_row(tmp_path, row)
    assert (seen["question"], seen["answer"]) == (ASKED, SAID)
    cut = row | {"attributes.llm.input_messages": printed["input"][:-9]}
    assert reasons(tmp_path / "cut", cut) == ["broken_messages"]


def test_seconds_of_the_ui_are_seconds_also_before_the_blob_export_wrote_them(tmp_path: Path) -> None:
    row = {
        **{"id": "o", "traceId": "t", "type": "GENERATION", "startTime": "2025-03-10T10:00:00Z"},
        **{"input": json.dumps(BODY["messages"]), "output": SAID, "latency": 2.5, "metadata": {"language": "en"}},
    }
    assert only_row(tmp_path, row)["response_time_ms"] == 2500
