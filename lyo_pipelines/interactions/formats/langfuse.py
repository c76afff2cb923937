"""Langfuse exports: observations are interactions, scores are feedback. Snake case (blob export) and camel case (API) alike.

Traps: input, output and metadata may be JSON inside a string; latencies changed their unit; a BOOLEAN score is 0 or 1 and never a
rating; a score hangs on an observation, a trace or a session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lyo_pipelines.config.interactions import LangfuseConfig
from lyo_pipelines.interactions.chats.pairing import lay_chat
from lyo_pipelines.interactions.chats.questions import chat_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parse_number, parsed_json
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.annotations import speaks_against
from lyo_pipelines.interactions.formats.calls_about_chats import refuse_calls_about_chats
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

_GENERATION = "GENERATION"
_COPIED = (
    "name",
    "trace_id",
    "release",
    "version",
    "environment",
    "tags",
    "prompt_name",
    "prompt_version",
    "usage_details",
    "total_cost",
)


def observations(config: LangfuseConfig) -> RowFormat:
    """The format of an observations file."""
    return RowFormat("langfuse_observations", "interactions", _observation_converter(config), _user)


def scores(config: LangfuseConfig) -> RowFormat:
    """The format of a scores file."""

    def convert(row: Row) -> Row:
        return _score(row, config)

    return RowFormat("langfuse_scores", "feedback", convert, _user)


def _get(row: Row, *names: str) -> Any:
    for name in names:
        if (value := row.get(name)) not in (None, ""):
            return value
    return None


def _user(row: Row) -> Any:
    return _get(row, "user_id", "userId")


def _observation_converter(config: LangfuseConfig) -> Callable[[Row], Row]:
    cutoff = parse_moment(config.milliseconds_before, "milliseconds_before") or 0

    def convert(row: Row) -> Row:
        kind = _get(row, "type")
        if kind is not None and str(kind).upper() != _GENERATION:
            raise RowError(
                "not_a_generation", f"observation of type {str(kind)[:40]}: only generations are interactions"
            )
        if (
            start := parse_moment(_get(row, "start_time", "startTime"), "occurred_at")
            if _get(row, "start_time", "startTime")
            else None
        ) is None:
            raise RowError("missing_occurred_at", "start_time is needed")
        refuse_calls_about_chats(_get(row, "name"), _get(row, "environment"))
        chat = chat_of(row.get("input"), row.get("output"))
        metadata = parsed_json(row.get("metadata"))
        metadata = (
            dict(metadata) if isinstance(metadata, dict) else {} if metadata in (None, "") else {"metadata": metadata}
        )
        result: Row = {"task": config.task, "language": config.language, "turn": chat.turn}
        for field, names in config.metadata_fields.items():
            for name in names:
                if metadata.get(name) not in (None, ""):
                    result[field] = metadata.pop(name)
                    break
        failed = str(_get(row, "level") or "").upper() == "ERROR"
        metadata.update({name: row[name] for name in _COPIED if row.get(name) not in (None, "", "{}", [], {})})
        result.update(
            interaction_id=_get(row, "id"),
            trace_id=_get(row, "trace_id", "traceId"),
            conversation_id=_get(row, "session_id", "sessionId"),
            occurred_at=_get(row, "start_time", "startTime"),
            user_id=_user(row),
            model=_get(row, "provided_model_name", "model"),
            error=(_get(row, "status_message", "statusMessage") or "error") if failed else None,
        )
        lay_chat(result, chat, metadata)
        result["metadata"] = metadata or None
        result["response_time_ms"], result["time_to_first_token_ms"] = _latencies(row, start, cutoff)
        return result

    return convert


def _latencies(row: Row, start: int, cutoff: int) -> tuple[float | None, float | None]:
    """Latency and time to first token in milliseconds.

    The unit is the one that agrees with end_time - start_time where both are there, else the one of the cutoff date.
    """
    latency = parse_number(row.get("latency"), "response_time_ms") if row.get("latency") is not None else None
    first = _get(row, "time_to_first_token", "timeToFirstToken")
    first = None if first is None else parse_number(first, "time_to_first_token_ms")
    end = parse_moment(_get(row, "end_time", "endTime"), "end_time") if _get(row, "end_time", "endTime") else None
    took = (end - start) / 1000 if end is not None and end >= start else None
    factor = 1.0 if start < cutoff else 1000.0
    if latency and took:
        factor = min((1.0, 1000.0), key=lambda unit: abs(latency * unit - took))
    if latency is None:
        return took, None if first is None else round(first * factor, 6)
    return round(latency * factor, 6), None if first is None else round(first * factor, 6)


def _score(row: Row, config: LangfuseConfig) -> Row:
    name = str(_get(row, "name") or "")
    field = config.scores.get(name)
    if field is None:
        raise RowError(
            "score_not_configured",
            f"score {name[:60]!r} sets no feedback field: name it in interactions.langfuse.scores",
        )
    value, kind = row.get("value"), str(_get(row, "data_type", "dataType") or "").upper()
    word = _get(row, "string_value", "stringValue")
    if isinstance(value, bool):
        kind, value = "BOOLEAN", int(value)
    if kind == "BOOLEAN" and field != "thumbs":
        raise RowError("boolean_score", f"a BOOLEAN score is 0 or 1 and cannot be {field}; it may be thumbs")
    if field in ("complaint_category", "complaint_text"):
        value = word or (value if isinstance(value, str) else None) or _get(row, "comment")
    elif value is None:
        value = word
    if field == "thumbs" and kind == "BOOLEAN":
        value = -1 if value == 0 else value
    result: Row = {
        "interaction_id": _get(row, "observation_id", "observationId"),
        "trace_id": _get(row, "trace_id", "traceId"),
        "conversation_id": _get(row, "session_id", "sessionId"),
        "user_id": _user(row),
        "feedback_at": _get(row, "timestamp", "created_at", "createdAt"),
        field: value,
    }
    if (comment := _get(row, "comment")) and field != "complaint_text" and speaks_against(field, value):
        result["complaint_text"] = comment
    return result
