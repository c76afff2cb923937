"""Spans under the names of other libraries, and rows of Phoenix: the same question and answer, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines_tests.interactions.landing_lake import build, jsonl, lake_at, land
from lyo_pipelines_tests.interactions.telemetry import ASKED, SAID, span

MESSAGES = json.dumps([{"role": "user", "content": [{"type": "text", "text": ASKED}]}])
VERCEL = {"ai.operationId": "ai.streamText.doStream", "ai.prompt.messages": MESSAGES, "ai.response.text": SAID}
EVENTS = [
    {"event.name": "gen_ai.user.message", "role": "user", "content": ASKED},
    {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": SAID}},
]
SPANS: dict[str, dict[str, Any]] = {
    "vercel": span(VERCEL | {"ai.response.finishReason": "stop", "ai.model.id": "m"}),
    "logfire": span({"gen_ai.operation.name": "chat", "events": json.dumps(EVENTS)}),
    "mlflow": span(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"messages": json.loads(MESSAGES), "model": "m"}),
            "mlflow.spanOutputs": json.dumps({"choices": [{"message": {"role": "assistant", "content": SAID}}]}),
        }
    ),
    "langfuse over telemetry": span(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": MESSAGES,
            "langfuse.observation.output": json.dumps({"role": "assistant", "content": SAID}),
        }
    ),
    "phoenix, values beside the kind": {
        **{"context.span_id": "eee19b7ec3c1b174", "span_kind": "LLM", "start_time": "2026-10-10T20:32:37Z"},
        **{"input.value": ASKED, "output.value": SAID, "attributes.language": "en"},
    },
    "phoenix, objects": {
        **{"span_id": "eee19b7ec3c1b174", "span_kind": "LLM", "start_time": "2026-10-10T20:32:37Z"},
        **{
            "input": {"value": ASKED, "mime_type": "text/plain"},
            "output": {"value": SAID},
            "attributes": {"language": "en"},
        },
    },
}


@pytest.mark.parametrize("form", SPANS)
def test_spans_of_other_libraries_hold_the_same_question_and_answer(tmp_path: Path, form: str) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "spans.jsonl", [SPANS[form]]))
    assert (report.format, report.accepted, report.rejected_by_reason) == ("otel_spans", 1, {})
    row = build(lake).to_pylist()[0]
    assert (row["question"], row["answer"]) == (ASKED, SAID)


@pytest.mark.parametrize(
    "attributes",
    [
        VERCEL | {"ai.operationId": "ai.streamText"},
        {"mlflow.spanType": '"CHAIN"', "mlflow.spanInputs": ASKED},
        {"langfuse.observation.type": "evaluator", "langfuse.observation.input": ASKED},
    ],
    ids=["around a call", "chain", "evaluator"],
)
def test_a_span_around_a_call_does_not_tell_it_again(tmp_path: Path, attributes: dict[str, Any]) -> None:
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "spans.jsonl", [span(attributes)]))
    assert report.rejected_by_reason == {"not_a_model_call": 1}


@pytest.mark.parametrize("answer", ["[-2, 2]", "[3, 5, 7]", '{"text": "Hi", "n": 1}'])
@pytest.mark.parametrize(
    "name", ["gen_ai.completion", "gen_ai.completion.0.content", "llm.output_messages.0.message.content"]
)
def test_an_answer_of_a_span_that_looks_like_json_stays(tmp_path: Path, answer: str, name: str) -> None:
    lake = lake_at(tmp_path / "data")
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": MESSAGES, name: answer}
    land(lake, jsonl(tmp_path / "spans.jsonl", [span(attributes)]))
    assert build(lake)["answer"].to_pylist() == [answer]
