"""Exports of other tools, in the shapes that the tools give them, read by the mappings of the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.interactions.errors import MappingError, RowError
from lyo_pipelines.interactions.formats.mapped import without_passages
from lyo_pipelines.interactions.formats.picked import Picker
from lyo_pipelines.interactions.formats.ready_mappings import mapping_at, ready_mappings
from lyo_pipelines.interactions.preview.preview_file import FilePreview, preview_file
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    as_csv,
    as_parquet,
    build,
    conversation,
    dated,
    jsonl,
    lake_at,
    land,
)

Row = dict[str, Any]


def as_array(path: Path, rows: list[Row]) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return dated(path)


def texts(row: Row) -> Row:
    """A row as a database gives it: what is nested is JSON in a text."""
    return {name: json.dumps(cell) if isinstance(cell, (dict, list)) else cell for name, cell in row.items()}


def previewed(
    tmp_path: Path, rows: list[Row], write: Any = jsonl, name: str = "export.jsonl", **more: Any
) -> FilePreview:
    tmp_path.mkdir(exist_ok=True)
    lake, path = lake_at(tmp_path / "data"), write(tmp_path / name, rows)
    return preview_file(lake, str(path), pseudonyms=PSEUDONYMS, config=CONFIG, now=NOW, show=50, **more)


def only_row(tmp_path: Path, row: Row) -> Row:
    seen = previewed(tmp_path, [row])
    assert (seen.accepted, seen.rejected_by_reason) == (1, {})
    return dict(seen.rows[0])


def reasons(tmp_path: Path, row: Row) -> list[str]:
    return list(previewed(tmp_path, [row]).rejected_by_reason)


SPEND: Row = {
    "request_id": "chatcmpl-77",
    "call_type": "acompletion",
    "api_key": "b1946ac9",
    "spend": 0.00031,
    "total_tokens": 58,
    "startTime": "2026-10-02T08:00:00.120000Z",
    "endTime": "2026-10-02T08:00:01.620000Z",
    "completionStartTime": "2026-10-02T08:00:00.520000Z",
    "model": "gpt-4o-mini",
    "user": "default_user_id",
    "end_user": "pupil-7",
    "metadata": {"status": "success", "user_api_key_team_alias": "north school"},
    "cache_hit": "False",
    "request_tags": ["web"],
    "messages": {},
    "response": {
        "id": "chatcmpl-77",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "finish_reason": "length",
                "message": {"role": "assistant", "content": "Short waves scatter more."},
            }
        ],
    },
    "proxy_server_request": {
        "model": "tutor",
        "messages": [
            {"role": "system", "content": "Explain it to a child."},
            {"role": "user", "content": "Good morning, teacher"},
            {"role": "assistant", "content": "Good morning!"},
            {"role": "user", "content": "Why does the evening sky turn red?"},
        ],
    },
    "session_id": "session-4",
    "status": "success",
}


@pytest.mark.parametrize(
    ("write", "name", "shaped"),
    [
        (jsonl, "spend.jsonl", dict),
        (as_array, "spend.json", dict),
        (as_csv, "spend.csv", dict),
        (as_array, "texts.json", texts),
        (lambda path, rows: as_parquet(path, [texts(row) for row in rows]), "spend.parquet", dict),
    ],
)
def test_spend_logs_of_litellm_are_read_whatever_holds_them(tmp_path, write, name, shaped):
    seen = previewed(tmp_path, [shaped(SPEND)], write, name)
    assert (seen.format, seen.accepted) == ("litellm", 1)
    row = seen.rows[0]
    assert row["question"] == "Why does the evening sky turn red?"
    assert row["answer"] == "Short waves scatter more."
    assert row["system_prompt"] == "Explain it to a child."
    assert [turn["content"] for turn in row["history"]] == ["Good morning, teacher", "Good morning!"]
    assert (row["interaction_id"], row["conversation_id"], row["team"]) == (
        "chatcmpl-77",
        conversation("session-4"),
        "north school",
    )
    assert (row["response_time_ms"], row["time_to_first_token_ms"]) == (1500, 400)
    assert (row["model"], row["finish_reason"]) == ("gpt-4o-mini", "length")
    assert row["occurred_at"].isoformat() == "2026-10-02T08:00:00.120000+00:00"


@pytest.mark.parametrize("write", [as_csv, jsonl])
def test_cells_as_pandas_prints_them_are_looked_into(tmp_path, write):
    def printed(row: Row) -> Row:
        return {name: str(cell) if isinstance(cell, (dict, list)) else cell for name, cell in row.items()}

    row = previewed(tmp_path, [printed(SPEND)], write, "spend.csv").rows[0]
    assert (row["question"], row["answer"]) == ("Why does the evening sky turn red?", "Short waves scatter more.")
    assert (row["system_prompt"], row["team"], row["finish_reason"]) == (
        "Explain it to a child.",
        "north school",
        "length",
    )
    run = previewed(tmp_path / "runs", [printed(RUN)], write, "runs.csv").rows[0]
    assert (run["answer"], run["conversation_id"], run["model"]) == (
        "Its axis leans.",
        conversation("thread-2"),
        "gpt-4o",
    )
    assert run["system_prompt"] == "Be patient."


def test_a_failed_call_of_litellm_has_its_error_and_no_answer(tmp_path):
    told = {"status": "failure", "error_information": {"error_code": "429", "error_message": "too many requests"}}
    row = only_row(tmp_path, SPEND | {"status": "failure", "response": {}, "metadata": told})
    assert (row["answer"], row["error"]) == (None, "too many requests")


def test_requests_of_the_responses_and_messages_apis_are_read_as_well(tmp_path):
    asked = {"input": "How far away is the moon from the earth?", "instructions": "One sentence."}
    items = [
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "384,400 km."}]},
    ]
    answered = {"object": "response", "status": "completed", "output": items}
    row = only_row(tmp_path, SPEND | {"call_type": "aresponses", "proxy_server_request": asked, "response": answered})
    assert (row["question"], row["answer"]) == (asked["input"], "384,400 km.")
    assert row["system_prompt"] == "One sentence."
    asked = {
        "system": [{"type": "text", "text": "Two words at most."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Which river flows through Cairo?"}]}],
    }
    answered = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "The Nile."}],
        "stop_reason": "end_turn",
    }
    row = only_row(
        tmp_path, SPEND | {"call_type": "anthropic_messages", "proxy_server_request": asked, "response": answered}
    )
    assert (row["question"], row["answer"]) == ("Which river flows through Cairo?", "The Nile.")
    assert (row["system_prompt"], row["finish_reason"]) == ("Two words at most.", "end_turn")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"call_type": "aembedding"}, "not_selected"),
        ({"proxy_server_request": {}, "response": {}}, "missing_question"),
        ({"proxy_server_request": {"litellm_truncated": True}}, "missing_question"),
        ({"proxy_server_request": {"messages": [{"role": "user", "content": "redacted-by-litellm"}]}}, "cut_question"),
        (
            {
                "proxy_server_request": {
                    "messages": [{"role": "user", "content": "Long … (litellm_truncated 812 chars) … end"}]
                }
            },
            "cut_text",
        ),
        (
            {
                "response": {
                    "choices": [
                        {"message": {"role": "assistant", "content": "a (litellm_truncated skipped 9 chars) b"}}
                    ]
                }
            },
            "cut_text",
        ),
    ],
)
def test_what_litellm_did_not_keep_whole_is_refused(tmp_path, changes, reason):
    assert reasons(tmp_path, SPEND | changes) == [reason]


REQUEST: Row = {
    "request_id": "hel-1",
    "request_created_at": "2026-10-02T08:00:00.500Z",
    "request_path": "https://api.openai.com/v1/chat/completions",
    "request_body": {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Use easy words."},
            {"role": "user", "content": "How do plants make their food?"},
        ],
    },
    "response_body": {
        "choices": [{"message": {"role": "assistant", "content": "With light."}, "finish_reason": "stop"}]
    },
    "response_status": 200,
    "response_model": "gpt-4o-2024-08-06",
    "request_user_id": "pupil-3",
    "request_properties": {"Helicone-Session-Id": "lesson-9", "language": "en"},
    "provider": "OPENAI",
    "delay_ms": 1600,
    "time_to_first_token": 420,
    "feedback_rating": None,
    "feedback_created_at": None,
    "scores": {},
}


def test_a_request_of_helicone_is_read(tmp_path):
    row = only_row(tmp_path, REQUEST)
    assert (row["question"], row["answer"]) == ("How do plants make their food?", "With light.")
    assert (row["conversation_id"], row["model"], row["language"]) == (
        conversation("lesson-9"),
        "gpt-4o-2024-08-06",
        "en",
    )
    assert (row["response_time_ms"], row["time_to_first_token_ms"], row["finish_reason"]) == (1600, 420, "stop")
    assert row["user_pseudonym"] and row["thumbs"] is None


@pytest.mark.parametrize(
    ("changes", "thumb"),
    [
        ({"feedback_rating": True}, 1),
        ({"feedback_rating": False}, -1),
        ({"scores": {"helicone-score-feedback": 0}}, -1),
        ({"scores": {"helicone-score-feedback": {"value": 1, "valueType": "boolean"}}}, 1),
        ({"scores": {"accuracy": 0.2}}, None),
    ],
)
def test_feedback_of_a_person_in_helicone_is_a_thumb_and_other_scores_are_none(tmp_path, changes, thumb):
    assert only_row(tmp_path, REQUEST | changes)["thumbs"] == thumb


def test_a_failed_request_of_helicone_has_its_error_and_no_answer(tmp_path):
    row = only_row(tmp_path, REQUEST | {"response_status": 429, "response_body": {"error": {"message": "slow down"}}})
    assert (row["answer"], row["error"]) == (None, "slow down")
    row = only_row(tmp_path, REQUEST | {"response_status": -3, "response_body": {}})
    assert (row["answer"], row["error"]) == (None, "cancelled")


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": [{"embedding": [0.1, 0.2]}]},
        {"id": "modr-1", "model": "omni-moderation", "results": [{"flagged": False}]},
        {"created": 1, "data": [{"url": "https://example.org/cat.png"}]},
    ],
)
def test_vectors_verdicts_and_images_are_no_answers(tmp_path, body):
    asked = {"model": "m", "input": "How do plants make their food?"}
    assert reasons(tmp_path, REQUEST | {"request_body": asked, "response_body": body}) == ["no_response"]


def chain(kind: str, text: str, **more: Any) -> Row:
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", kind],
        "kwargs": {"content": text, "type": kind, **more},
    }


RUN: Row = {
    "id": "1c1f2f0a-0000-4000-8000-000000000001",
    "trace_id": "1c1f2f0a-0000-4000-8000-0000000000aa",
    "session_id": "the project, and no conversation",
    "name": "ChatOpenAI",
    "run_type": "llm",
    "start_time": "2026-10-02T08:00:00.120000",
    "end_time": "2026-10-02T08:00:01.620000",
    "first_token_time": "2026-10-02T08:00:00.520000",
    "error": None,
    "inputs": {"messages": [[chain("system", "Be patient."), chain("human", "Why do we have seasons on earth?")]]},
    "outputs": {
        "generations": [
            [
                {
                    "text": "Its axis leans.",
                    "generation_info": {"finish_reason": "stop"},
                    "message": chain("ai", "Its axis leans."),
                }
            ]
        ]
    },
    "extra": {"metadata": {"ls_model_name": "gpt-4o", "thread_id": "thread-2", "user_id": "pupil-8"}},
    "feedback_stats": {"user_score": {"n": 1, "avg": 0.0}},
    "tags": ["school"],
    "total_tokens": 20,
}


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (jsonl, "runs.jsonl"),
        (as_array, "runs.json"),
        (as_csv, "runs.csv"),
        (lambda path, rows: as_parquet(path, [texts(row) for row in rows]), "runs.parquet"),
    ],
)
def test_runs_of_langsmith_are_read_whatever_holds_them(tmp_path, write, name):
    seen = previewed(tmp_path, [RUN, RUN | {"id": "chain", "run_type": "chain"}], write, name)
    assert (seen.format, seen.accepted, seen.rejected_by_reason) == ("langsmith", 1, {"not_selected": 1})
    row = seen.rows[0]
    assert (row["question"], row["answer"]) == ("Why do we have seasons on earth?", "Its axis leans.")
    assert (row["system_prompt"], row["conversation_id"], row["model"]) == (
        "Be patient.",
        conversation("thread-2"),
        "gpt-4o",
    )
    assert (row["response_time_ms"], row["time_to_first_token_ms"], row["finish_reason"]) == (1500, 400, "stop")
    assert row["rating"] is None and row["thumbs"] is None


def test_a_failed_run_of_langsmith_has_its_error_and_no_answer(tmp_path):
    for outputs in (None, "null"):
        row = only_row(
            tmp_path, RUN | {"outputs": {}, "error": "RateLimitError"} | ({"outputs": outputs} if outputs else {})
        )
        assert (row["answer"], row["error"]) == (None, "RateLimitError")


FEEDBACK: Row = {
    "id": "fb-1",
    "run_id": "1c1f2f0a-0000-4000-8000-0000000000aa",
    "created_at": "2026-10-03T08:00:00+00:00",
    "key": "user_score",
    "score": 0,
    "comment": "that is wrong",
    "feedback_source": {"type": "api"},
}


def test_feedback_of_people_in_langsmith_reaches_the_answer_of_its_trace(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "runs.jsonl", [RUN]))
    report = land(lake, jsonl(tmp_path / "feedback.jsonl", [FEEDBACK]))
    assert (report.format, report.feedback_applied) == ("langsmith_feedback", 1)
    [row] = build(lake).to_pylist()
    assert (row["thumbs"], row["complaint_text"], row["source"]) == (-1, "that is wrong", "langsmith")


@pytest.mark.parametrize("changes", [{"key": "correctness"}, {"feedback_source": {"type": "model"}}])
def test_what_a_model_or_an_evaluator_scored_is_no_feedback_of_a_person(tmp_path, changes):
    assert reasons(tmp_path, FEEDBACK | changes) == ["not_selected"]


INFERENCE: Row = {
    "id": "0199a14c-09b8-7d3e-8618-46aed8c213dc",
    "function_name": "explain",
    "variant_name": "small_model",
    "episode_id": "0199a14c-09b8-7d3e-8618-46c1d2efd574",
    "input": json.dumps(
        {
            "system": "Be patient.",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hello, can you help me?"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "Of course."}]},
                {"role": "user", "content": [{"type": "text", "value": "Why does the moon change its shape?"}]},
            ],
        }
    ),
    "output": json.dumps([{"type": "thought", "text": "easy"}, {"type": "text", "text": "We see its lit side."}]),
    "tool_params": "",
    "inference_params": "{}",
    "processing_time_ms": 1830,
    "ttft_ms": 300,
    "timestamp": "2026-10-02 08:00:00",
    "tags": {"user_id": "pupil-1", "language": "en"},
}


def test_an_inference_of_tensorzero_is_read(tmp_path):
    row = only_row(tmp_path, INFERENCE)
    assert (row["question"], row["answer"]) == ("Why does the moon change its shape?", "We see its lit side.")
    assert (row["system_prompt"], row["language"], row["model"]) == ("Be patient.", "en", "small_model")
    assert [turn["content"] for turn in row["history"]] == ["Hello, can you help me?", "Of course."]
    assert (row["response_time_ms"], row["time_to_first_token_ms"]) == (1830, 300)
    assert "pupil-1" not in row["metadata"]


def test_arguments_of_a_template_are_no_system_prompt(tmp_path):
    asked = {"system": {"topic": "space"}, "messages": [{"role": "user", "content": "Why is it dark in space?"}]}
    assert reasons(tmp_path, INFERENCE | {"input": json.dumps(asked)}) == ["bad_input"]


def test_the_answer_of_a_json_function_is_its_text_as_the_model_wrote_it(tmp_path):
    seen = previewed(
        tmp_path, [INFERENCE | {"output": json.dumps({"raw": '{"a":  1}', "parsed": {"a": 1}}), "output_schema": "{}"}]
    )
    assert (seen.format, seen.rows[0]["answer"]) == ("tensorzero_json", '{"a":  1}')


def test_metrics_that_users_gave_in_tensorzero_are_feedback_and_others_are_not(tmp_path):
    given = [("thumbs_up", True), ("liked", 0), ("user_rating", 4.0), ("exact_match", True)]
    rows = [
        {"id": f"m{n}", "target_id": f"t{n}", "metric_name": name, "value": value, "timestamp": "2026-10-03T08:00:00Z"}
        for n, (name, value) in enumerate(given)
    ]
    seen = previewed(tmp_path, rows)
    assert (seen.format, seen.rejected_by_reason) == ("tensorzero_feedback", {"not_selected": 1})
    assert [(row["thumbs"], row["rating"]) for row in seen.rows] == [(1, None), (-1, None), (None, 4)]
    named = mapping_at("tensorzero_episode_feedback", CONFIG.ready_mappings)
    levels = {row["target_level"] for row in previewed(tmp_path, rows, mapping=named).rows}
    assert levels.isdisjoint({row["target_level"] for row in seen.rows})


def said(name: str, parent: str | None, role: str, content: str, **more: Any) -> Row:
    return {
        "id": name,
        "parentId": parent,
        "childrenIds": [],
        "role": role,
        "content": content,
        "timestamp": 1790928000,
    } | more


CHAT: Row = {
    "id": "chat-1",
    "user_id": "someone",
    "title": "Birds",
    "created_at": 1790928000,
    "updated_at": 1790928090,
    "meta": {"tags": ["science"]},
    "chat": {
        "params": {"system": "Be patient."},
        "history": {
            "currentId": "a3",
            "messages": {
                message["id"]: message
                for message in (
                    said("q1", None, "user", "Why do some birds fly south in winter?"),
                    said(
                        *("a1", "q1", "assistant", "Because it is Tuesday."),
                        annotation={
                            "rating": -1,
                            "reason": "not_factually_correct",
                            "comment": "no",
                            "details": {"rating": 2},
                        },
                        model="llama3:8b",
                        done=True,
                    ),
                    said(
                        *("a2", "q1", "assistant", "To find food."),
                        annotation={"rating": 1, "details": {"rating": 10}},
                        model="llama3:8b",
                        usage={"total_duration": 2_500_000_000},
                    ),
                    said("q2", "a2", "user", "Which food do they look for there?", timestamp=1790928060),
                    said(
                        *("a3", "q2", "assistant"),
                        '<details type="reasoning" done="true">\n<summary>Thought</summary>\n> hm\n</details>\nInsects and seeds.',
                        done=True,
                    ),
                    said("a4", "q2", "assistant", "Ins", done=False),
                    said("a5", "q2", "assistant", "", error={"content": "the server is busy"}, done=True),
                )
            },
        },
    },
}


@pytest.mark.parametrize(("write", "name"), [(as_array, "all-chats-export.json"), (jsonl, "chats.jsonl")])
def test_each_answer_in_a_chat_of_open_webui_is_a_row_with_its_own_thumbs(tmp_path, write, name):
    seen = previewed(tmp_path, [CHAT], write, name)
    assert (seen.format, seen.rejected_by_reason) == ("open_webui", {"not_selected": 1})
    rows = {row["interaction_id"]: row for row in seen.rows}
    assert {key: (row["answer"], row["thumbs"], row["rating"]) for key, row in rows.items()} == {
        "a1": ("Because it is Tuesday.", -1, pytest.approx(1 + 4 / 9)),
        "a2": ("To find food.", 1, 5),
        "a3": ("Insects and seeds.", None, None),
        "a5": (None, None, None),
    }
    assert (rows["a1"]["complaint_category"], rows["a1"]["complaint_text"]) == ("not_factually_correct", "no")
    assert rows["a5"]["error"] == "the server is busy"
    assert (rows["a2"]["response_time_ms"], rows["a2"]["model"], rows["a2"]["turn"]) == (2500, "llama3:8b", 0)
    assert [turn["content"] for turn in rows["a3"]["history"]] == [
        "Why do some birds fly south in winter?",
        "To find food.",
    ]
    assert (rows["a3"]["turn"], rows["a3"]["occurred_at"].isoformat()) == (1, "2026-10-02T08:01:00+00:00")


def test_feedback_of_open_webui_reaches_the_message_it_is_about(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, as_array(tmp_path / "chats.json", [CHAT]))
    row = {
        "id": "feedback-1",
        "user_id": "someone",
        "type": "rating",
        "data": {
            "rating": -1,
            "model_id": "llama3:8b",
            "reason": "too_verbose",
            "comment": "too long",
            "details": {"rating": 1},
        },
        "meta": {"chat_id": "chat-1", "message_id": "a3"},
        "snapshot": {"chat": CHAT},
        "created_at": 1790928100,
        "updated_at": 1790928120,
    }
    report = land(lake, as_array(tmp_path / "feedback.json", [row]))
    assert (report.format, report.feedback_applied) == ("open_webui_feedback", 1)
    rated = {row["interaction_id"]: row for row in build(lake).to_pylist()}["a3"]
    assert (rated["thumbs"], rated["rating"], rated["complaint_text"]) == (-1, 1, "too long")


def test_a_passage_that_is_not_closed_is_no_passage():
    marks = {"<a": "</a>"}
    assert without_passages("<a>x</a>\n one <a>y</a>two", marks) == "one two"
    assert without_passages("one <a>two", marks) == "one <a>two"
    assert without_passages([{"role": "user", "content": "<a></a>hi"}, 3], marks) == [
        {"role": "user", "content": "hi"},
        3,
    ]


def test_rows_that_two_ready_mappings_fit_are_not_guessed(tmp_path):
    seen = previewed(tmp_path, [SPEND | REQUEST])
    assert seen.unreadable is not None
    assert "it looks like helicone and like litellm" in seen.unreadable


def test_rows_that_a_format_and_a_ready_mapping_fit_are_not_guessed(tmp_path):
    seen = previewed(tmp_path, [REQUEST | {"start_time": "2026-10-02T08:00:00Z", "input": "a", "output": "b"}])
    assert seen.unreadable is not None
    assert "--format langfuse_observations or --mapping helicone" in seen.unreadable


def test_a_ready_mapping_is_taken_by_name_and_a_misspelt_name_is_told(tmp_path):
    assert mapping_at("langsmith", CONFIG.ready_mappings).name == "langsmith"
    with pytest.raises(MappingError, match="did you mean helicone"):
        mapping_at("heliconne", CONFIG.ready_mappings)


def test_a_mapping_beside_the_file_counts_before_a_ready_one(tmp_path):
    path = jsonl(tmp_path / "export.jsonl", [SPEND])
    own = "fields: {occurred_at: startTime, question: request_id, answer: model}\nconstants: {task: tutoring, language: en}\n"
    path.with_name(path.name + ".mapping.yaml").write_text(own, encoding="utf-8")
    seen = preview_file(lake_at(tmp_path / "data"), str(path), pseudonyms=PSEUDONYMS, config=CONFIG, now=NOW)
    assert (seen.format, seen.rows[0]["question"]) == ("flat", "chatcmpl-77")


def test_an_unknown_object_is_told_by_its_names():
    with pytest.raises(RowError, match="found embedding, index"):
        Picker(ready_mappings()["helicone"]).pick("reply", "response_body", {"embedding": [1], "index": 0})


def payload(**changes: Any) -> Row:
    """A call as LiteLLM's callbacks log it (StandardLoggingPayload)."""
    return {
        "id": "chatcmpl-7",
        "trace_id": "tr-7",
        "call_type": "acompletion",
        "status": "success",
        "stream": True,
        "startTime": 1791709200.25,
        "completionStartTime": 1791709200.75,
        "endTime": 1791709202.25,
        "response_time": 0.5,
        "model": "small-tutor",
        "end_user": "pupil-7",
        "messages": [{"role": "user", "content": "Which gas do plants take out of the air?"}],
        "response": {
            "choices": [{"message": {"role": "assistant", "content": "Carbon dioxide."}, "finish_reason": "stop"}]
        },
        **changes,
    }


def test_a_payload_of_litellms_callbacks_keeps_its_user_its_times_and_its_failures(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    failed = payload(id="chatcmpl-8", status="failure", error_str="RateLimitError", response="")
    report = land(lake, jsonl(tmp_path / "calls.jsonl", [payload(), failed]))
    assert (report.format, report.accepted) == ("litellm_payload", 2)
    answered, lost = build(lake).to_pylist()
    assert (answered["answer"], answered["finish_reason"]) == ("Carbon dioxide.", "stop")
    assert answered["user_pseudonym"].startswith("u_")
    assert (answered["response_time_ms"], answered["time_to_first_token_ms"]) == (2000.0, 500.0)
    assert (lost["answer"], lost["error"]) == (None, "RateLimitError")


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ('"It is a gas."', "It is a gas."),
        ('{"answer": "It is a gas."}', "It is a gas."),
        ("It is a gas.", "It is a gas."),
        ('"He said "gas" and "air""', '"He said "gas" and "air""'),
    ],
)
def test_a_text_that_mlflow_wrote_as_json_is_that_text(tmp_path: Path, response: str, answer: str) -> None:
    lake = lake_at(tmp_path / "data")
    trace = {
        "trace_id": "tr-1",
        "request": '"What is carbon dioxide made of, please?"',
        "response": response,
        "request_time": 1791709200000,
        "spans": [{"name": "answer"}],
        "tags": {"language": "en"},
    }
    assert land(lake, jsonl(tmp_path / "traces.jsonl", [trace])).format == "mlflow"
    found = build(lake).to_pylist()[0]
    assert (found["question"], found["answer"]) == ("What is carbon dioxide made of, please?", answer)
