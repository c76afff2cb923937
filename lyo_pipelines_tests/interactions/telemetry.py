"""Spans, annotations, ShareGPT and Argilla rows as their tools write them, one of each form."""

from __future__ import annotations

import json
from typing import Any

START, END = 1791664357000000000, 1791664358250000000
SYSTEM, ASKED, SAID = "Be kind.", "What is 2+2?", "It is 4."
EARLIER = [("user", "Hello"), ("assistant", "Hi, what shall we do?")]


def span(attributes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A span with flat attributes."""
    result = {
        "name": "chat gemma",
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "parent_span_id": "",
        "start_time": START,
        "end_time": END,
        "attributes": {"language": "en", "user.id": "student-132@example.org", "session.id": "s1"} | attributes,
        "events": [],
        "status": {"status_code": "OK"},
    }
    return result | changes


def parts(*messages: tuple[str, str], **more: Any) -> str:
    """Messages of the GenAI conventions from 1.37 on, as a JSON string."""
    return json.dumps([{"role": r, "parts": [{"type": "text", "content": c}], **more} for r, c in messages])


def indexed(prefix: str, messages: list[tuple[str, str]], inner: str = "") -> dict[str, str]:
    """Messages as OpenLLMetry and OpenInference write them: one attribute a field."""
    result = {}
    for number, (role, content) in enumerate(messages):
        result |= {f"{prefix}.{number}{inner}.role": role, f"{prefix}.{number}{inner}.content": content}
    return result


def event(name: str, attributes: dict[str, Any], at: int = START) -> dict[str, Any]:
    """An event of a span."""
    return {"name": name, "timestamp": at, "attributes": attributes}


NEW = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.request.model": "gemma",
    "gen_ai.response.model": "gemma-2-2b",
    "gen_ai.conversation.id": "c1",
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": SYSTEM}]),
    "gen_ai.input.messages": parts(*EARLIER, ("user", ASKED)),
    "gen_ai.output.messages": parts(("assistant", SAID), finish_reason="stop"),
    "gen_ai.usage.input_tokens": 21,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.response.time_to_first_chunk": 0.25,
}
OPENLLMETRY = {
    "llm.request.type": "chat",
    "gen_ai.system": "gcp.gemini",
    "gen_ai.response.model": "gemma-2-2b",
    "gen_ai.usage.prompt_tokens": 21,
    "gen_ai.usage.completion_tokens": 7,
    **indexed("gen_ai.prompt", [("system", SYSTEM), *EARLIER, ("user", ASKED)]),
    **indexed("gen_ai.completion", [("assistant", SAID)]),
    "gen_ai.completion.0.finish_reason": "stop",
}
OLD = {
    "gen_ai.system": "gcp.gemini",
    "gen_ai.response.model": "gemma-2-2b",
    "gen_ai.prompt": json.dumps(
        [{"role": r, "content": c} for r, c in (("system", SYSTEM), *EARLIER, ("user", ASKED))]
    ),
    "gen_ai.completion": json.dumps([{"role": "assistant", "content": SAID}]),
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.prompt_tokens": 21,
    "gen_ai.usage.completion_tokens": 7,
}
WITH_EVENTS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "gcp.gemini",
    "gen_ai.response.model": "gemma-2-2b",
    "gen_ai.usage.input_tokens": 21,
    "gen_ai.usage.output_tokens": 7,
}
EVENTS = [
    event("gen_ai.system.message", {"gen_ai.system": "gcp.gemini", "content": SYSTEM}),
    event("gen_ai.user.message", {"content": EARLIER[0][1]}),
    event("gen_ai.assistant.message", {"content": EARLIER[1][1]}),
    event("gen_ai.user.message", {"content": ASKED}),
    event("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": SAID})}, END),
]
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.provider": "gcp.gemini",
    "llm.model_name": "gemma-2-2b",
    "llm.finish_reason": "stop",
    "llm.token_count.prompt": 21,
    "llm.token_count.completion": 7,
    **indexed("llm.input_messages", [("system", SYSTEM), *EARLIER, ("user", ASKED)], ".message"),
    **indexed("llm.output_messages", [("assistant", SAID)], ".message"),
    "input.value": "{}",
    "input.mime_type": "application/json",
    "metadata": json.dumps({"subject": "math", "grade": 7, "move": "focus"}),
}


def otlp_value(value: Any) -> dict[str, Any]:
    """A value as OTLP/JSON writes it: whole numbers as text."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [otlp_value(item) for item in value]}}
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue"}
    return {kinds.get(type(value), "stringValue"): str(value) if type(value) is int else value}


def otlp_attributes(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP/JSON writes them."""
    return [{"key": key, "value": otlp_value(value)} for key, value in attributes.items()]


def otlp_span(source: dict[str, Any]) -> dict[str, Any]:
    """A span as OTLP/JSON writes it."""
    return {
        "traceId": source["trace_id"],
        "spanId": source["span_id"],
        "name": source["name"],
        "kind": 3,
        "startTimeUnixNano": str(source["start_time"]),
        "endTimeUnixNano": str(source["end_time"]),
        "attributes": otlp_attributes(source["attributes"]),
        "events": [
            {
                "name": item["name"],
                "timeUnixNano": str(item["timestamp"]),
                "attributes": otlp_attributes(item["attributes"]),
            }
            for item in source["events"]
        ],
        "status": {"code": 1},
    }


def export(*spans: dict[str, Any]) -> dict[str, Any]:
    """One line of the collector's file exporter."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": otlp_attributes({"service.name": "tutor"})},
                "scopeSpans": [{"scope": {"name": "tests"}, "spans": [otlp_span(item)]} for item in spans],
            }
        ]
    }


def sdk_span(source: dict[str, Any]) -> dict[str, Any]:
    """A span as the SDK's own `to_json` writes it."""
    changes = {
        "context": {"trace_id": f"0x{source['trace_id']}", "span_id": f"0x{source['span_id']}", "trace_state": "[]"},
        "start_time": "2026-10-10T20:32:37.000000Z",
        "end_time": "2026-10-10T20:32:38.250000Z",
        "resource": {"attributes": {"service.name": "tutor"}, "schema_url": ""},
    }
    return {key: value for key, value in (source | changes).items() if key not in ("trace_id", "span_id")}


def column_span(source: dict[str, Any]) -> dict[str, Any]:
    """A span as a row of a data frame of Phoenix, where messages are lists of objects."""
    kept = {key: value for key, value in source["attributes"].items() if not key.startswith("llm.input_messages")}
    talk = [("system", SYSTEM), *EARLIER, ("user", ASKED)]
    kept["llm.input_messages"] = [{"message.role": role, "message.content": content} for role, content in talk]
    return {
        "name": source["name"],
        "context.trace_id": source["trace_id"],
        "context.span_id": source["span_id"],
        "start_time": "2026-10-10T20:32:37+00:00",
        "end_time": "2026-10-10T20:32:38.250000+00:00",
        "status_code": "OK",
        **{f"attributes.{key}": value for key, value in kept.items()},
    }


def nested_span(source: dict[str, Any]) -> dict[str, Any]:
    """A span of OpenInference with its attributes as objects in objects."""
    talk = [("system", SYSTEM), *EARLIER, ("user", ASKED)]
    llm = {
        "provider": "gcp.gemini",
        "model_name": "gemma-2-2b",
        "finish_reason": "stop",
        "token_count": {"prompt": 21, "completion": 7},
        "input_messages": [
            {"message": {"role": r, "contents": [{"message_content": {"type": "text", "text": c}}]}} for r, c in talk
        ],
        "output_messages": [{"message": {"role": "assistant", "content": SAID}}],
    }
    inner = {"openinference": {"span": {"kind": "LLM"}}, "llm": llm, "user": {"id": "student-132@example.org"}}
    return source | {"attributes": {**inner, "session": {"id": "s1"}, "language": "en"}}


SPANS = {
    "parts": span(NEW),
    "parts, structured": span({**NEW, "gen_ai.input.messages": json.loads(NEW["gen_ai.input.messages"])}),
    "details event": span(
        {key: value for key, value in NEW.items() if "messages" not in key and "instructions" not in key},
        events=[
            event(
                "gen_ai.client.inference.operation.details",
                {
                    key: json.loads(str(value))
                    for key, value in NEW.items()
                    if "messages" in key or "instructions" in key
                },
            )
        ],
    ),
    "indexed": span(OPENLLMETRY),
    "old": span(OLD),
    "events": span(WITH_EVENTS, events=EVENTS),
    "openinference": span(OPENINFERENCE),
    "export": export(span(NEW)),
    "export with events": export(span(WITH_EVENTS, events=EVENTS)),
    "export of openinference": export(span(OPENINFERENCE)),
    "sdk": sdk_span(span(OPENLLMETRY)),
    "columns": column_span(span(OPENINFERENCE)),
    "nested": nested_span(span({})),
}


def annotation(**changes: Any) -> dict[str, Any]:
    """An annotation as Phoenix's API gives it."""
    result = {
        "id": "U3BhbkFubm90YXRpb246MQ==",
        "span_id": "eee19b7ec3c1b174",
        "name": "user_feedback",
        "annotator_kind": "HUMAN",
        "result": {"label": "thumbs_down", "score": 0, "explanation": "too long"},
        "metadata": {},
        "identifier": "",
        "source": "APP",
        "created_at": "2026-10-11T08:00:00Z",
        "updated_at": "2026-10-11T09:00:00Z",
        "user_id": None,
    }
    return result | changes


def sharegpt(**changes: Any) -> dict[str, Any]:
    """A ShareGPT row."""
    turns = [("system", SYSTEM), ("human", EARLIER[0][1]), ("gpt", EARLIER[1][1]), ("human", ASKED), ("gpt", SAID)]
    return {"id": "sg1", "conversations": [{"from": who, "value": text} for who, text in turns]} | changes


ARGILLA = {
    "feedback dataset": {
        "id": "r1",
        "fields": {"prompt": ASKED, "response": SAID},
        "metadata": {"subject": "math", "user_id": "student-132@example.org"},
        "external_id": None,
        "responses": [
            {"user_id": "a-1@example.org", "status": "draft", "values": {"rating": {"value": 2}}},
            {"user_id": "a-2@example.org", "status": "submitted", "values": {"rating": {"value": 4}}},
        ],
        "suggestions": [{"question_name": "rating", "value": 5, "type": "model", "score": 0.9, "agent": "judge"}],
        "vectors": {},
    },
    "record of version 2": {
        "id": "r1",
        "_server_id": "61c8e3c1",
        "status": "completed",
        "fields": {"prompt": ASKED, "response": SAID},
        "metadata": {"subject": "math", "user_id": "student-132@example.org"},
        "responses": {"rating": [{"value": 4, "user_id": "a-1"}]},
        "suggestions": {"rating": {"value": 5, "score": 0.9, "agent": "judge"}},
        "vectors": {},
    },
    "flattened version 2": {
        "id": "r1",
        "status": "completed",
        "_server_id": "61c8e3c1",
        "prompt": ASKED,
        "response": SAID,
        "metadata": {"subject": "math", "user_id": "student-132@example.org"},
        "rating.responses": [1, 4],
        "rating.responses.users": ["a-1", "a-2"],
        "rating.responses.status": ["draft", "submitted"],
        "rating.suggestion": 5,
        "rating.suggestion.score": 0.9,
        "rating.suggestion.agent": "judge",
    },
    "flattened version 1": {
        "external_id": "r1",
        "prompt": ASKED,
        "response": SAID,
        "metadata": json.dumps({"subject": "math", "user_id": "student-132@example.org"}),
        "rating": [{"user_id": "a-1", "value": 4, "status": "submitted"}],
        "rating-suggestion": 5,
        "rating-suggestion-metadata": {"type": "model", "score": 0.9, "agent": "judge"},
    },
}
OLDER_ARGILLA = {
    "id": "r9",
    "text": ASKED,
    "prediction": [[SAID, 0.8]],
    "prediction_agent": "gemma",
    "annotation": None,
    "annotation_agent": None,
    "status": "Default",
    "metadata": {},
    "event_timestamp": "2026-10-10T20:32:37",
}
