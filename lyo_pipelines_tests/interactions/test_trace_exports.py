"""Traces and spans as tools export them: Langfuse and its older CSV, MLflow, Logfire, Langfuse over OpenTelemetry, Braintrust."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from lyo_pipelines.interactions.formats.detect import detect_format
from lyo_pipelines.interactions.formats.langfuse import unquoted
from lyo_pipelines_tests.interactions.landing_lake import (
    as_csv,
    build,
    conversation,
    dated,
    jsonl,
    lake_at,
    land,
    rejected,
)
from lyo_pipelines_tests.interactions.test_ready_mappings import as_array, only_row, previewed

Row = dict[str, Any]

ASKED = [{"role": "system", "content": "Be gentle."}, {"role": "user", "content": "Why is honey sticky, do you know?"}]


def score(name: str, value: Any, **more: Any) -> Row:
    return {
        "name": name,
        "value": value,
        "source": "API",
        "dataType": "NUMERIC",
        "timestamp": "2026-10-02T09:00:00Z",
    } | more


def observation(key: str, kind: str, start: str, **more: Any) -> Row:
    return {
        "id": key,
        "traceId": "t1",
        "type": kind,
        "name": "tutor",
        "startTime": f"2026-10-02T08:00:0{start}Z",
    } | more


TRACE: Row = {
    "id": "t1",
    "timestamp": "2026-10-02T08:00:00Z",
    "name": "tutor",
    "userId": "pupil-2",
    "sessionId": "lesson-1",
    "public": False,
    "bookmarked": False,
    "input": ASKED[1:],
    "output": "It is full of sugar.",
    "metadata": {"language": "en"},
    "latency": 1.2,
    "scores": [score("user-feedback", 0), score("quality", 0.9, source="EVAL")],
    "observations": [
        observation("o1", "SPAN", "0"),
        observation(
            "o2",
            "GENERATION",
            "1",
            input=ASKED,
            output={"role": "assistant", "content": "Sugar, mostly."},
            model="gpt-4o",
        ),
        observation("o3", "GENERATION", "2", input="a title for this, please", output="Honey", name="generate_title"),
    ],
}


@pytest.mark.parametrize(("write", "name"), [(as_array, "traces.json"), (jsonl, "trace.jsonl")])
def test_a_trace_of_langfuse_is_its_generations_and_its_rating_is_the_last_answers(tmp_path, write, name):
    seen = previewed(tmp_path, [TRACE], write, name)
    assert (seen.format, seen.read) == ("langfuse_traces", 3)
    assert seen.rejected_by_reason == {"not_a_generation": 1, "call_about_a_chat": 1}
    row = seen.rows[0]
    assert (row["interaction_id"], row["answer"], row["model"]) == ("o2", "Sugar, mostly.", "gpt-4o")
    assert (row["system_prompt"], row["conversation_id"], row["language"]) == (
        "Be gentle.",
        conversation("lesson-1"),
        "en",
    )
    assert (row["thumbs"], row["rating"], row["feedback_at"].isoformat()) == (-1, None, "2026-10-02T09:00:00+00:00")
    assert row["user_pseudonym"]


def test_a_score_of_one_observation_stays_with_it(tmp_path):
    one = TRACE["observations"][1]
    both = [one, one | {"id": "o9", "startTime": "2026-10-02T08:00:05Z", "output": "Because."}]
    scores = [score("user-feedback", 1, observationId="o2"), score("rating", 2)]
    rows = {
        row["interaction_id"]: row
        for row in previewed(tmp_path, [TRACE | {"observations": both, "scores": scores}]).rows
    }
    assert {key: (row["thumbs"], row["rating"]) for key, row in rows.items()} == {"o2": (1, None), "o9": (None, 2)}


def test_a_rating_of_a_trace_belongs_to_the_generation_that_gave_its_output(tmp_path):
    first, last = (
        observation(key, "GENERATION", at, name="ChatOpenAI", input=asked, output=output)
        for key, at, asked, output in (
            ("o1", "1", ASKED, {"content": "Sugar."}),
            ("o2", "2", "Three words on it!", "Sticky sweet honey"),
        )
    )
    trace = TRACE | {"output": {"answer": "Sugar."}, "observations": [first, last]}
    rows = {row["interaction_id"]: row["thumbs"] for row in previewed(tmp_path, [trace]).rows}
    assert rows == {"o1": -1, "o2": None}


def test_a_rating_goes_past_the_helper_whose_template_holds_the_question(tmp_path):
    asked = "Why does honey never go bad in a jar?"
    helper = observation("h", "GENERATION", "1", input=f"Write a query for: {asked}", output="honey shelf life")
    answer = observation("a", "GENERATION", "2", input=asked, output="It holds too little water.")
    lake = lake_at(tmp_path / "data")
    rows = [row | {"name": "ChatOpenAI", "metadata": {"language": "en"}} for row in (helper, answer)]
    land(lake, jsonl(tmp_path / "o.jsonl", rows))
    land(lake, jsonl(tmp_path / "s.jsonl", [score("rating", 2) | {"traceId": "t1", "id": "s"}]))
    rated = {row["answer"]: row["rating"] for row in build(lake).to_pylist()}
    assert rated["It holds too little water."] == 2
    assert rated.get("honey shelf life") is None


def test_a_trace_without_generations_is_what_the_user_saw(tmp_path):
    row = only_row(tmp_path, TRACE | {"observations": [], "scores": None, "user-feedback": [1]})
    assert (row["interaction_id"], row["question"]) == ("t1", "Why is honey sticky, do you know?")
    assert (row["answer"], row["thumbs"], row["response_time_ms"]) == ("It is full of sugar.", 1, 1200)
    row = only_row(tmp_path, TRACE | {"observations": ["o1", "o2"]})
    assert (row["interaction_id"], row["thumbs"]) == ("t1", -1)


def test_a_score_on_a_trace_that_lands_later_reaches_a_trace_read_as_one_row(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "traces.jsonl", [TRACE | {"observations": [], "scores": []}]))
    report = land(lake, jsonl(tmp_path / "scores.jsonl", [score("rating", 5) | {"traceId": "t1", "id": "s"}]))
    assert report.feedback_applied == 1
    assert build(lake).to_pylist()[0]["rating"] == 5


def test_scores_as_an_object_by_name_are_read(tmp_path):
    given = observation(
        "g", "GENERATION", "1", input=ASKED, output="Sugar.", scores={"user-feedback": 0, "accuracy": 0.2}
    )
    assert only_row(tmp_path, given)["thumbs"] == -1


def test_the_older_csv_of_langfuse_holds_json_in_every_cell(tmp_path):
    path = tmp_path / "observations.csv"
    rows = [
        observation("o2", "GENERATION", "1", input=ASKED, output="Sugar.", userId="pupil-2"),
        observation("o4", "GENERATION", "3", input="Why do leaves fall in autumn?", output="[1, 2]", userId=None),
    ]
    rows = [row | {"user-feedback": rated} for row, rated in zip(rows, ([0], []), strict=True)]
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(rows[0])
        writer.writerows([json.dumps(cell) for cell in row.values()] for row in rows)
    lake = lake_at(tmp_path / "data")
    report = land(lake, dated(path))
    assert (report.format, report.accepted, rejected(lake)) == ("langfuse_observations", 2, [])
    first, second = build(lake).to_pylist()
    assert (first["question"], first["answer"], first["thumbs"]) == ("Why is honey sticky, do you know?", "Sugar.", -1)
    assert first["user_pseudonym"] and not second["user_pseudonym"]
    assert (second["question"], second["answer"], second["thumbs"]) == ("Why do leaves fall in autumn?", "[1, 2]", None)


def test_quotes_that_belong_to_a_text_stay():
    row = {"id": "a", "startTime": "2026-10-02", "input": '"To be" is a quotation', "output": '"yes"'}
    assert unquoted(row) is row
    assert unquoted({"id": '"a"', "input": '"\\"yes\\""', "output": "no json"}) == {
        "id": "a",
        "input": '"yes"',
        "output": "no json",
    }


def test_rows_that_are_like_traces_and_of_no_langfuse_are_not_taken():
    row = {"id": "1", "timestamp": "2026-10-02", "input": "a", "output": "b", "userId": "u"}
    assert detect_format([row]) is None


def span(attributes: Row, **more: Any) -> Row:
    times = {"start_time_unix_nano": 1790928000000000000, "end_time_unix_nano": 1790928001500000000}
    return {"trace_id": "t", "span_id": "s", "name": "call", "attributes": attributes} | times | more


def test_a_span_of_mlflow_has_its_model_from_the_request(tmp_path):
    said = {"choices": [{"message": {"role": "assistant", "content": "Sugar."}, "finish_reason": "stop"}]}
    row = only_row(
        tmp_path,
        span(
            {
                "mlflow.spanType": '"CHAT_MODEL"',
                "mlflow.spanInputs": json.dumps({"model": "gpt-4o", "messages": ASKED}),
                "mlflow.spanOutputs": json.dumps(said),
            }
        ),
    )
    assert (row["model"], row["answer"], row["finish_reason"]) == ("gpt-4o", "Sugar.", "stop")


def test_a_span_of_langfuse_over_opentelemetry_has_model_session_and_user(tmp_path):
    row = only_row(
        tmp_path,
        span(
            {
                "langfuse.observation.type": "generation",
                "langfuse.observation.model.name": "gpt-4o",
                "langfuse.observation.input": json.dumps(ASKED),
                "langfuse.observation.output": "Sugar.",
                "langfuse.session.id": "lesson-1",
                "langfuse.user.id": "pupil-2",
            }
        ),
    )
    assert (row["model"], row["conversation_id"], row["answer"]) == ("gpt-4o", conversation("lesson-1"), "Sugar.")
    assert row["user_pseudonym"]


def test_a_record_of_logfire_has_its_own_names_of_times(tmp_path):
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "Why do stars twinkle at night?"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Air bends light."}},
    ]
    row = only_row(
        tmp_path,
        {
            "trace_id": "t",
            "span_id": "s",
            "span_name": "chat gpt-4o",
            "kind": "span",
            "start_timestamp": "2026-10-02T08:00:00Z",
            "end_timestamp": "2026-10-02T08:00:01.500Z",
            "attributes": {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o",
                "events": json.dumps(events),
            },
        },
    )
    assert (row["question"], row["answer"]) == ("Why do stars twinkle at night?", "Air bends light.")
    assert (row["response_time_ms"], row["occurred_at"].isoformat()) == (1500, "2026-10-02T08:00:00+00:00")


MLFLOW: Row = {
    "trace_id": "tr-1",
    "state": "OK",
    "request_time": 1790928000000,
    "execution_duration": 1500,
    "request": {"model": "gpt-4o", "messages": ASKED},
    "response": {"choices": [{"message": {"role": "assistant", "content": "Sugar."}, "finish_reason": "stop"}]},
    "trace_metadata": {"mlflow.trace.session": "lesson-1", "mlflow.trace.user": "pupil-2"},
    "tags": {"language": "en"},
    "spans": [{"name": "call"}],
}


@pytest.mark.parametrize(("write", "name"), [(jsonl, "traces.jsonl"), (as_csv, "traces.csv")])
def test_traces_that_mlflow_found_are_read(tmp_path, write, name):
    seen = previewed(
        tmp_path, [MLFLOW, MLFLOW | {"trace_id": "tr-2", "state": "ERROR", "response": "null"}], write, name
    )
    assert (seen.format, seen.accepted) == ("mlflow", 2)
    row, failed = seen.rows
    assert (row["question"], row["answer"], row["system_prompt"]) == (ASKED[1]["content"], "Sugar.", "Be gentle.")
    assert (row["conversation_id"], row["model"], row["response_time_ms"], row["error"]) == (
        conversation("lesson-1"),
        "gpt-4o",
        1500,
        None,
    )
    assert (failed["answer"], failed["error"]) == (None, "ERROR")


def test_a_span_of_a_model_in_braintrust_is_read_and_its_scores_are_no_users(tmp_path):
    row: Row = {
        "id": "b1",
        "span_id": "b1",
        "root_span_id": "r1",
        "created": "2026-10-02T08:00:00Z",
        "input": ASKED,
        "output": "Sugar.",
        "scores": {"rating": 1},
        "metadata": {"model": "gpt-4o", "user_id": "pupil-2"},
        "metrics": {"start": 1790928000.0, "end": 1790928001.5},
        "span_attributes": {"type": "llm", "name": "chat"},
    }
    seen = previewed(tmp_path, [row, row | {"span_id": "b2", "span_attributes": {"type": "task"}}])
    assert (seen.format, seen.rejected_by_reason) == ("braintrust", {"not_selected": 1})
    assert (seen.rows[0]["answer"], seen.rows[0]["rating"], seen.rows[0]["response_time_ms"]) == ("Sugar.", None, 1500)
