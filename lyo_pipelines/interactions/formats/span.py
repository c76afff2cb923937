"""One span, whoever exported it: OTLP/JSON, an SDK's own JSON, a row of Phoenix. What its attributes mean belongs to spans.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.interactions.formats.attributes import column_attributes, flat_attributes
from lyo_pipelines.interactions.formats.row_format import Row

EXPORTS = ("resourceSpans", "resource_spans")
OTHER_SIGNALS = ("resourceMetrics", "resource_metrics", "resourceLogs", "resource_logs")
_SCOPES = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans")
_START = ("start_time", "startTime", "startTimeUnixNano", "start_time_unix_nano", "start_timestamp")
_END = ("end_time", "endTime", "endTimeUnixNano", "end_time_unix_nano", "end_timestamp")
_EVENT_TIME = ("timestamp", "time", "timeUnixNano", "time_unix_nano")
KINDS = (
    *("LLM", "CHAIN", "TOOL", "AGENT", "RETRIEVER", "EMBEDDING", "RERANKER", "GUARDRAIL", "EVALUATOR", "PROMPT"),
    "UNKNOWN",
)
"""What OpenInference calls the kinds of spans; `span_kind` of other exporters says something else (client, server)."""

_ERROR = ("2", "ERROR", "STATUS_CODE_ERROR", "STATUSCODE.ERROR")


@dataclass(frozen=True)
class SpanEvent:
    """One event of a span: name, time as it was written, flat attributes."""

    name: str
    at: Any
    attributes: Row


@dataclass(frozen=True)
class TelemetrySpan:
    """One span; times as they were written. error: what its status says went wrong, or None."""

    span_id: str | None
    trace_id: str | None
    name: str
    start: Any
    end: Any
    attributes: Row
    resource: Row
    events: tuple[SpanEvent, ...]
    error: str | None
    parent_id: str | None = None


def spans_in(row: Row) -> list[Row]:
    """The spans of one OTLP/JSON export line (resourceSpans > scopeSpans > spans), each with its resource.

    Any other row, and an export without a span, comes back as it is: it stands for itself, accepted or rejected.
    """
    found = []
    for resource_spans in _list(row, *EXPORTS):
        resource = resource_spans.get("resource")
        for scope_spans in _list(resource_spans, *_SCOPES):
            found += [{**span, "resource": resource} for span in _list(scope_spans, "spans")]
    return found or [row]


def span_of(row: Row) -> TelemetrySpan:
    """A parsed span."""
    attributes = {**_beside(row), **(flat_attributes(row.get("attributes")) or column_attributes(row))}
    resource = row.get("resource")
    events = tuple(
        SpanEvent(str(event.get("name")), first_of(event, *_EVENT_TIME), flat_attributes(event.get("attributes")))
        for event in _list(row, "events")
    )
    return TelemetrySpan(
        span_id=span_id(row),
        trace_id=_identifier(row, "trace_id", "traceId"),
        name=str(row.get("name") or row.get("span_name") or ""),
        start=first_of(row, *_START),
        end=first_of(row, *_END),
        attributes=attributes,
        resource=flat_attributes(resource.get("attributes")) if isinstance(resource, dict) else {},
        events=events,
        error=_error(row, attributes, events),
        parent_id=_identifier(row, "parent_id", "parentId", "parent_span_id", "parentSpanId"),
    )


def flat_events(value: Any) -> tuple[SpanEvent, ...]:
    """Events that are an attribute of their span (Logfire): a list of objects, each with an `event.name`, or that as JSON."""
    found = parsed_json(value)
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return tuple(
        SpanEvent(str(item["event.name"]), None, {key: inner for key, inner in item.items() if key != "event.name"})
        for item in items
        if isinstance(item.get("event.name"), str)
    )


def _beside(row: Row) -> Row:
    """Attributes that stand beside the others in a row of Phoenix: the kind of the span, its input and output."""
    kind = str(first_of(row, "span_kind", "spanKind") or "").rsplit(".", 1)[-1].upper()
    if kind not in KINDS:
        return {}
    found: Row = {"openinference.span.kind": kind}
    for side in ("input", "output"):
        value = row.get(side)
        value = first_of(value, "value") if isinstance(value, dict) and "value" in value else value
        value = first_of(row, f"{side}.value", f"{side}_value") if value is None else value
        if value is not None:
            found[f"{side}.value"] = value if isinstance(value, str) else dump_json(value)
    return found


def span_id(row: Row) -> str | None:
    """The id of a span, or of the span that a row speaks of."""
    return _identifier(row, "span_id", "spanId")


def first_of(row: Row, *names: str) -> Any:
    """The first value that is there under one of the names."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _identifier(row: Row, *names: str) -> str | None:
    context = row.get("context")
    found = first_of(row, *names, *(f"context.{name}" for name in names))
    if found is None and isinstance(context, dict):
        found = first_of(context, *names)
    return str(found).removeprefix("0x") if found is not None else None


def _list(row: Any, *names: str) -> list[Row]:
    """The objects in the first list that is there under one of the names."""
    value = first_of(row, *names) if isinstance(row, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _error(row: Row, attributes: Row, events: tuple[SpanEvent, ...]) -> str | None:
    status = row.get("status")
    status = status if isinstance(status, dict) else {"code": status}
    code = first_of(status, "code", "status_code", "statusCode") or first_of(row, "status_code", "statusCode")
    if str(code).upper() not in _ERROR and "error.type" not in attributes:
        return None
    said = first_of(status, "message", "description") or first_of(row, "status_message", "statusMessage")
    raised = (event.attributes.get("exception.message") for event in events if event.name == "exception")
    return str(said or next(filter(None, raised), None) or attributes.get("error.type") or "error")
