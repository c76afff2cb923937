"""Spans of OpenTelemetry (GenAI semantic conventions, to 1.36 and later) and OpenInference: a model call is an interaction.

A row is one span: a line with one span is one row, an OTLP/JSON export line (resourceSpans > scopeSpans > spans) is as many rows as it
holds spans, all with the number of that line. Spans of tools, chains, agents, retrievers and embeddings are rejected
(`not_a_model_call`), and so is a line without any span (`no_span`). The interaction's id is the span's.
Evaluations on the span itself (events gen_ai.evaluation.result, attributes annotations.N.annotation.* and
evaluations.N.evaluation.* of OpenInference) become its feedback as interactions.spans.scores says; the others stay in the metadata.
Annotations exported by themselves are span_annotations.py; what was said, span_chat.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lyo_pipelines.config.interactions import SpanConfig
from lyo_pipelines.interactions.chats.pairing import lay_chat
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parse_number, parsed_json
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.annotations import Annotation, feedback_fields
from lyo_pipelines.interactions.formats.attributes import attribute_branch
from lyo_pipelines.interactions.formats.calls_about_chats import refuse_calls_about_chats
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.formats.span import EXPORTS, OTHER_SIGNALS, TelemetrySpan, first_of, span_of, spans_in
from lyo_pipelines.interactions.formats.span_chat import CONTENT, chat_in

SCORES = "interactions.spans.scores"
_MODEL_CALLS = ("chat", "text_completion", "generate_content", "completion")
_OPENLLMETRY_CALLS = ("chat", "completion")
_OTHER_KINDS = {  # attribute: values of a model call
    "mlflow.spanType": ("llm", "chat_model"),
    "langsmith.span.kind": ("llm",),
    "langfuse.observation.type": ("generation",),
}
_METADATA = ("metadata", "ai.telemetry.metadata")
_MODEL = (
    *("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.response.model", "ai.model.id"),
    *("langfuse.observation.model.name", "mlflow.llm.model"),
)
_USER = (
    *("user.id", "enduser.id", "traceloop.association.properties.user_id", "ai.telemetry.metadata.userId"),
    *("langfuse.user.id", "mlflow.trace.user"),
)
_CONVERSATION = (
    *("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
    *("ai.telemetry.metadata.sessionId", "langfuse.session.id", "mlflow.trace.session"),
)
_COPIED = {
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    "total_tokens": ("llm.usage.total_tokens", "llm.token_count.total"),
    "temperature": ("gen_ai.request.temperature",),
    "invocation_parameters": ("llm.invocation_parameters",),
    "response_id": ("gen_ai.response.id",),
    "prompt_version": ("llm.prompt_template.version", "gen_ai.prompt.version"),
    "tags": ("tag.tags",),
}


def otel_spans(config: SpanConfig) -> RowFormat:
    """The format of a file of spans."""

    def convert(row: Row) -> Row:
        return _interaction(row, config)

    return RowFormat("otel_spans", "interactions", convert, _user, spans_in, config.language)


def _user(row: Row) -> Any:
    span = span_of(row)
    return first_of(span.attributes, *_USER) or first_of(span.resource, *_USER)


def _interaction(row: Row, config: SpanConfig) -> Row:
    if any(name in row for name in (*EXPORTS, *OTHER_SIGNALS)):
        raise RowError("no_span", "an export line without a span: only spans can be interactions")
    span = span_of(row)
    _require_model_call(span)
    chat, attributes = chat_in(span), span.attributes
    metadata = _metadata(span)
    result: Row = {"task": config.task, "turn": chat.turn}
    for field, names in config.metadata_fields.items():
        for name in names:
            if metadata.get(name) not in (None, ""):
                result[field] = metadata.pop(name)
                break
            if (value := attributes.get(name)) not in (None, ""):
                result[field] = value
                break
    result.update(
        interaction_id=span.span_id,
        trace_id=span.trace_id,
        parent_id=span.parent_id,
        conversation_id=first_of(attributes, *_CONVERSATION),
        occurred_at=span.start,
        user_id=_user(row),
        model=first_of(attributes, *_MODEL) or _requested(attributes),
        error=span.error,
    )
    lay_chat(result, chat, metadata)
    result["response_time_ms"], result["time_to_first_token_ms"] = _durations(span)
    others = _add_annotations(result, span, row, config)
    if others:
        metadata["judgements"] = others
    result["metadata"] = metadata or None
    return result


def _require_model_call(span: TelemetrySpan) -> None:
    """Raise RowError unless the span is one call of a model; the most specific attribute that says what it is decides."""
    attributes = span.attributes
    kind = attributes.get("openinference.span.kind")
    operation, traceloop = attributes.get("gen_ai.operation.name"), attributes.get("traceloop.span.kind")
    request, vercel = attributes.get("llm.request.type"), attributes.get("ai.operationId")
    other = next((name for name in _OTHER_KINDS if attributes.get(name) is not None), None)
    if kind is not None:
        is_call, said = str(kind).upper() == "LLM", f"span of kind {str(kind)[:40]}"
    elif vercel is not None:  # the span around it (ai.generateText) tells the same once more
        is_call, said = str(vercel).endswith((".doGenerate", ".doStream")), f"operation {str(vercel)[:40]}"
    elif other is not None:
        found = str(attributes[other]).strip('"')
        is_call, said = found.lower() in _OTHER_KINDS[other], f"span of kind {found[:40]}"
    elif operation is not None:
        is_call, said = str(operation).lower() in _MODEL_CALLS, f"operation {str(operation)[:40]}"
    elif traceloop is not None:
        is_call, said = False, f"span of kind {str(traceloop)[:40]}"
    elif request is not None:
        is_call, said = str(request).lower() in _OPENLLMETRY_CALLS, f"request of type {str(request)[:40]}"
    else:
        names = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name")
        is_call = any(name in attributes for name in names) or any(key.startswith(CONTENT[:-2]) for key in attributes)
        said = "a span without attributes of a model call"
    if not is_call:
        raise RowError("not_a_model_call", f"{said}: only model calls are interactions")
    refuse_calls_about_chats(attributes.get("ai.telemetry.functionId") or span.name)


def _metadata(span: TelemetrySpan) -> Row:
    found = next((inner for name in _METADATA if (inner := attribute_branch(span.attributes, name)) is not None), None)
    metadata = dict(found) if isinstance(found, dict) else {} if found is None else {"metadata": found}
    copied = {name: first_of(span.attributes, *sources) for name, sources in _COPIED.items()}
    copied |= {"span_name": span.name or None, "service": span.resource.get("service.name")}
    metadata.update({name: value for name, value in copied.items() if value is not None})
    return metadata


def _requested(attributes: Row) -> Any:
    """The model that the logged request names, where no attribute does."""
    request = parsed_json(first_of(attributes, "mlflow.spanInputs", "request_data"))
    return request.get("model") if isinstance(request, dict) and isinstance(request.get("model"), str) else None


def _durations(span: TelemetrySpan) -> tuple[float | None, float | None]:
    """Milliseconds until the whole answer and until its first token."""
    start = parse_moment(span.start, "occurred_at") if span.start is not None else None
    end = parse_moment(span.end, "end_time") if span.end is not None else None
    took = (end - start) / 1000 if start is not None and end is not None and end >= start else None
    seconds = first_of(span.attributes, "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
    waited = None if seconds is None else parse_number(seconds, "time_to_first_token_ms", low=0)
    return took, None if waited is None else round(waited * 1000, 6)


def _add_annotations(result: Row, span: TelemetrySpan, row: Row, config: SpanConfig) -> list[Row]:
    """Lay the span's own judgements over its row, a later one over an earlier; those that set no field come back."""
    others = []
    for annotation in _annotations(span, row):
        try:
            result.update(feedback_fields(annotation, config.scores, SCORES))
        except RowError:
            said = {
                "name": annotation.name,
                "score": annotation.score,
                "label": annotation.label,
                "judge": annotation.annotator,
            }
            others.append({name: value for name, value in said.items() if value not in (None, "")})
            continue
        if annotation.at is not None:
            result["feedback_at"] = annotation.at
    return others


def _annotations(span: TelemetrySpan, row: Row) -> Iterator[Annotation]:
    for prefix, inner in (("annotations", "annotation"), ("evaluations", "evaluation")):
        found = attribute_branch(span.attributes, prefix)
        for item in found if isinstance(found, list) else ():
            if isinstance(item, dict):
                said = item.get(inner)
                yield annotation_of(said if isinstance(said, dict) else item)
    beside = parsed_json(row.get("annotations"))
    for item in beside if isinstance(beside, list) else ():
        if isinstance(item, dict):
            yield annotation_of(item)
    for event in span.events:
        if event.name == "gen_ai.evaluation.result":
            said = attribute_branch(event.attributes, "gen_ai.evaluation")
            if isinstance(said, dict):
                score = said.get("score")
                yield annotation_of({**said, **(score if isinstance(score, dict) else {}), "timestamp": event.at})


def annotation_of(item: Row) -> Annotation:
    """A judgement in any of its forms: flat, or with an inner `result`."""
    inner = parsed_json(item.get("result"))
    said = {**item, **inner} if isinstance(inner, dict) else item
    score = said.get("value", said.get("score"))
    return Annotation(
        name=str(said.get("name") or said.get("annotation_name") or ""),
        score=None if isinstance(score, (dict, list)) else score,
        label=said.get("label"),
        explanation=said.get("explanation"),
        annotator=str(first_of(said, "annotator_kind", "annotatorKind") or "").upper(),
        at=first_of(said, "updated_at", "updatedAt", "created_at", "createdAt", "timestamp"),
    )
