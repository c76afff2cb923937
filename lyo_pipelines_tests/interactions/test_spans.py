"""Spans of OpenTelemetry and OpenInference in all their forms are the same interaction; what is no model call says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lyo_pipelines.interactions.conversion.tell_language import FROM_TEXT
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    as_csv,
    as_parquet,
    build,
    conversation,
    everything_written,
    jsonl,
    lake_at,
    land,
    rejected,
)
from lyo_pipelines_tests.interactions.telemetry import (
    ASKED,
    EARLIER,
    END,
    NEW,
    OPENINFERENCE,
    SAID,
    SPANS,
    SYSTEM,
    annotation,
    event,
    export,
    span,
)


@pytest.mark.parametrize("form", SPANS)
def test_every_form_of_a_model_call_is_the_same_interaction(tmp_path: Path, form: str) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "spans.jsonl", [SPANS[form]]))
    assert (report.format, report.read, report.accepted) == ("otel_spans", 1, 1)
    row = build(lake).to_pylist()[0]
    wanted = {
        "interaction_id": "eee19b7ec3c1b174",
        "occurred_at": datetime(2026, 10, 10, 20, 32, 37, tzinfo=UTC),
        "question": ASKED,
        "answer": SAID,
        "history": [{"role": role, "content": content} for role, content in EARLIER],
        "system_prompt": SYSTEM,
        "turn": 1,
        "model": "gemma-2-2b",
        "language": "en",
        "task": "tutoring",
        "finish_reason": "stop",
        "response_time_ms": 1250.0,
        "error": None,
        "source": "otel_spans",
    }
    assert {name: row[name] for name in wanted} == wanted
    assert row["conversation_id"] == conversation(
        "c1" if "parts" in form or form in ("export", "details event") else "s1"
    )
    metadata = json.loads(row["metadata"])
    assert (metadata["provider"], metadata["input_tokens"], metadata["output_tokens"]) == ("gcp.gemini", 21, 7)
    assert row["user_pseudonym"].startswith("u_")
    assert "student-132" not in everything_written(lake)


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_spans_may_be_columns_of_a_table_file(tmp_path: Path, write) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(lake, write(tmp_path / f"spans.{write.__name__[3:]}", [SPANS["columns"]]))
    assert report.format == "otel_spans"
    row = build(lake).to_pylist()[0]
    assert (row["question"], row["answer"], row["subject"], row["grade"]) == (ASKED, SAID, "math", "7")


def test_an_export_line_is_as_many_rows_as_it_holds_spans(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    calls = [span(NEW, span_id=f"a{number}") for number in range(5)]
    lines = [
        export(*calls[:3], span({"gen_ai.operation.name": "execute_tool"}, span_id="b1")),
        export(*calls[3:]),
        {"resourceSpans": []},
        {"resourceMetrics": [{"scopeMetrics": []}]},
        {"resourceSpans": "nothing"},
    ]
    report = land(lake, jsonl(tmp_path / "spans.jsonl", lines))
    assert (report.read, report.accepted) == (9, 5)
    assert report.rejected_by_reason == {"no_span": 3, "not_a_model_call": 1}
    assert [(row["line"], row["reason"]) for row in rejected(lake)] == [
        (1, "not_a_model_call"),
        *((line, "no_span") for line in (3, 4, 5)),
    ]
    assert sorted((row["interaction_id"], row["source_line"]) for row in build(lake).to_pylist()) == [
        *((f"a{number}", 1) for number in range(3)),
        *((f"a{number}", 2) for number in (3, 4)),
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        *(
            {"openinference.span.kind": kind}
            for kind in ("TOOL", "CHAIN", "RETRIEVER", "EMBEDDING", "AGENT", "RERANKER")
        ),
        *({"gen_ai.operation.name": name} for name in ("embeddings", "execute_tool", "invoke_agent", "create_agent")),
        {"traceloop.span.kind": "workflow", "gen_ai.prompt.0.content": "x"},
        {"llm.request.type": "embedding", "gen_ai.prompt.0.content": "x"},
        {"http.request.method": "GET"},
    ],
    ids=str,
)
def test_a_span_that_is_no_model_call_is_rejected_by_name(tmp_path: Path, attributes: dict[str, str]) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "spans.jsonl", [span(attributes)]))
    assert report.rejected_by_reason == {"not_a_model_call": 1}


def test_a_failed_call_has_its_error_and_no_answer(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    asked = {key: value for key, value in NEW.items() if "output" not in key}
    raised = event("exception", {"exception.message": "quota exceeded"})
    rows = [
        span(asked, span_id="a1", status={"code": 2, "message": "timed out"}),
        span(asked, span_id="a2", status={"status_code": "ERROR"}, events=[raised]),
        span({**asked, "error.type": "TimeoutError"}, span_id="a3", status=None),
        span(asked, span_id="a4", status={"code": "STATUS_CODE_ERROR"}),
    ]
    land(lake, jsonl(tmp_path / "spans.jsonl", rows))
    found = build(lake).to_pylist()
    assert [row["error"] for row in found] == ["timed out", "quota exceeded", "TimeoutError", "error"]
    assert [row["answer"] for row in found] == [None] * 4


def test_tool_calls_and_reasoning_are_not_mistaken_for_text(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    call = {"type": "tool_call", "id": "1", "name": "add", "arguments": {"a": 2}}
    said = [{"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, call]}]
    asked = [
        {"role": "user", "parts": [{"type": "text", "content": ASKED}, {"type": "blob", "content": "aGk="}]},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "4"}]},
    ]
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": asked, "gen_ai.output.messages": said}
    land(lake, jsonl(tmp_path / "spans.jsonl", [span(attributes)]))
    row = build(lake).to_pylist()[0]
    assert (row["question"], json.loads(row["answer"])) == (ASKED, [call])


def test_input_and_output_values_are_used_where_there_are_no_messages(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    kind = {"openinference.span.kind": "LLM"}
    talk = json.dumps({"messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}]})
    choice = json.dumps({"choices": [{"message": {"role": "assistant", "content": SAID}}]})
    rows = [
        span({**kind, "input.value": ASKED, "output.value": SAID, "input.mime_type": "text/plain"}, span_id="a1"),
        span(
            {**kind, "input.value": talk, "output.value": choice, "input.mime_type": "application/json"}, span_id="a2"
        ),
    ]
    land(lake, jsonl(tmp_path / "spans.jsonl", rows))
    found = build(lake).to_pylist()
    assert [(row["question"], row["answer"]) for row in found] == [(ASKED, SAID)] * 2
    assert [row["system_prompt"] for row in found] == [None, SYSTEM]


def test_evaluations_on_a_span_become_feedback_and_a_models_rating_does_not(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    verdict = {
        "gen_ai.evaluation.name": "rating",
        "gen_ai.evaluation.score.value": 2,
        "gen_ai.evaluation.explanation": "dull",
    }
    notes = {
        "annotations.0.annotation.name": "user_feedback",
        "annotations.0.annotation.label": "thumbs-up",
        "annotations.0.annotation.annotator_kind": "HUMAN",
        "annotations.1.annotation.name": "rating",
        "annotations.1.annotation.score": 5,
        "annotations.1.annotation.annotator_kind": "LLM",
        "evaluations.0.evaluation.name": "relevance",
        "evaluations.0.evaluation.score": 0.75,
        "evaluations.0.evaluation.annotator_kind": "LLM",
    }
    rows = [
        span(NEW, span_id="a1", events=[event("gen_ai.evaluation.result", verdict, END)]),
        span({**OPENINFERENCE, **notes}, span_id="a2"),
        export(span(NEW, span_id="a3", events=[event("gen_ai.evaluation.result", verdict, END)])),
    ]
    land(lake, jsonl(tmp_path / "spans.jsonl", rows))
    one, two, three = build(lake).to_pylist()
    for row in (one, three):
        assert (row["rating"], row["complaint_text"]) == (2.0, "dull")
        assert row["feedback_at"] == datetime(2026, 10, 10, 20, 32, 38, 250000, UTC)
    assert (two["rating"], two["thumbs"], two["relevance_score"]) == (None, 1, 0.75)
    assert json.loads(two["metadata"])["judgements"] == [{"name": "rating", "score": 5, "judge": "LLM"}]


def test_annotations_by_themselves_are_late_feedback(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "spans.jsonl", [span(NEW)]))
    build(lake)
    rows = [
        annotation(),
        annotation(name="rating", result={"score": 2}, annotator_kind="LLM"),
        annotation(name="toxicity"),
        {"span_id": "eee19b7ec3c1b174", "annotation_name": "relevance", "score": 0.5, "created_at": "2026-10-12"},
    ]
    report = land(lake, jsonl(tmp_path / "annotations.jsonl", rows))
    assert (report.format, report.feedback_applied) == ("span_annotations", 2)
    assert report.rejected_by_reason == {"judged_by_a_model": 1, "score_not_configured": 1}
    row = build(lake).to_pylist()[0]
    assert (row["thumbs"], row["complaint_text"], row["relevance_score"], row["rating"]) == (-1, "too long", 0.5, None)


def test_what_a_span_does_not_say_the_configuration_may(tmp_path: Path) -> None:
    asked = span({key: value for key, value in NEW.items() if key != "language"})
    del asked["attributes"]["language"]
    path = jsonl(tmp_path / "spans.jsonl", [asked])
    assert land(lake_at(tmp_path / "a"), path).notes == {FROM_TEXT: 1}
    config = CONFIG.model_copy(update={"spans": CONFIG.spans.model_copy(update={"language": "ta"})})
    assert land(lake_at(tmp_path / "b"), path, config=config).accepted == 1
