"""Langfuse exports: observations are interactions, scores are feedback. Snake case (blob export) and camel case (API) alike.

Traps: input, output and metadata may be JSON inside a string; latencies changed their unit; a BOOLEAN score is 0 or 1 and never a
rating; a score hangs on an observation, a trace or a session.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from lyo_pipelines.config.interactions import LangfuseConfig
from lyo_pipelines.interactions.chats.pairing import lay_chat
from lyo_pipelines.interactions.chats.questions import chat_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parse_number, parsed_json
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.interactions.fields.thumbs import BINARY, parse_thumb
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.annotations import Annotation, feedback_fields
from lyo_pipelines.interactions.formats.calls_about_chats import refuse_calls_about_chats
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

SCORES = "interactions.langfuse.scores"
_SCORE_COLUMN = re.compile(r"(?P<name>.+)-(?P<source>API|EVAL|ANNOTATION)-(?P<kind>NUMERIC|CATEGORICAL|BOOLEAN)")
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
    convert = observation_converter(config)
    return RowFormat(
        "langfuse_observations",
        "interactions",
        lambda row: convert(unquoted(row)),
        lambda row: _user(unquoted(row)),
        language=config.language,
    )


def scores(config: LangfuseConfig) -> RowFormat:
    """The format of a scores file."""

    def convert(row: Row) -> Row:
        return _score(unquoted(row), config)

    return RowFormat("langfuse_scores", "feedback", convert, lambda row: _user(unquoted(row)))


def unquoted(row: Row) -> Row:
    """A row of the older CSV export, in which every cell is JSON, so that texts stand in quotes; any other row as it is."""
    if not any(
        _is_quoted(row.get(name)) for name in ("id", "traceId", "trace_id", "startTime", "start_time", "timestamp")
    ):
        return row
    return {name: _of_json(cell) if isinstance(cell, str) else cell for name, cell in row.items()}


def _is_quoted(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) > 2 and cell[0] == cell[-1] == '"'


def _of_json(cell: str) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell


def _get(row: Row, *names: str) -> Any:
    for name in names:
        if (value := row.get(name)) not in (None, ""):
            return value
    return None


def _user(row: Row) -> Any:
    return _get(row, "user_id", "userId")


def observation_converter(config: LangfuseConfig) -> Callable[[Row], Row]:
    """A function from an observation (whose texts are in no quotes any more) to a canonical row; it raises RowError."""
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
        result: Row = {"task": config.task, "turn": chat.turn}
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
            parent_id=_get(row, "parent_observation_id", "parentObservationId"),
            conversation_id=_get(row, "session_id", "sessionId"),
            occurred_at=_get(row, "start_time", "startTime"),
            user_id=_user(row),
            model=_get(row, "provided_model_name", "model"),
            error=(_get(row, "status_message", "statusMessage") or "error") if failed else None,
        )
        lay_chat(result, chat, metadata)
        result["metadata"] = metadata or None
        result["response_time_ms"], result["time_to_first_token_ms"] = _latencies(row, start, cutoff)
        _lay_score_columns(result, row, config)
        _lay_scores(result, row, config)
        return result

    return convert


def _latencies(row: Row, start: int, cutoff: int) -> tuple[float | None, float | None]:
    """Latency and time to first token in milliseconds.

    The unit is the one that agrees with end_time - start_time where both are there; else seconds where the names are those of the API
    and of the UI (camel case), and in blob exports (snake case) the one of the cutoff date.
    """
    latency = parse_number(row.get("latency"), "response_time_ms") if row.get("latency") is not None else None
    first = _get(row, "time_to_first_token", "timeToFirstToken")
    first = None if first is None else parse_number(first, "time_to_first_token_ms")
    end = parse_moment(_get(row, "end_time", "endTime"), "end_time") if _get(row, "end_time", "endTime") else None
    took = (end - start) / 1000 if end is not None and end >= start else None
    factor = 1.0 if start < cutoff and not {"startTime", "endTime", "traceId"} & row.keys() else 1000.0
    if latency and took:
        factor = min((1.0, 1000.0), key=lambda unit: abs(latency * unit - took))
    if latency is None:
        return took, None if first is None else round(first * factor, 6)
    return round(latency * factor, 6), None if first is None else round(first * factor, 6)


def _score(row: Row, config: LangfuseConfig) -> Row:
    return {
        "interaction_id": _get(row, "observation_id", "observationId"),
        "trace_id": _get(row, "trace_id", "traceId"),
        "conversation_id": _get(row, "session_id", "sessionId"),
        "user_id": _user(row),
        "feedback_at": _get(row, "timestamp", "updated_at", "updatedAt", "created_at", "createdAt"),
        **feedback_fields(_annotation(row), config.scores, SCORES),
    }


def _annotation(row: Row) -> Annotation:
    """A score; the number of a category is its place in a list, and says nothing by itself."""
    value, kind = row.get("value"), str(_get(row, "data_type", "dataType") or "").upper()
    word = _get(row, "string_value", "stringValue")
    if kind == "BOOLEAN" and not isinstance(value, bool):
        value = _truth(value if value is not None else word)
    elif kind in ("CATEGORICAL", "TEXT") or (not kind and word is not None and isinstance(value, (int, float))):
        value = None if word is not None or isinstance(value, (int, float)) else value
    return Annotation(
        name=str(_get(row, "name") or ""),
        score=value,
        label=word,
        explanation=_get(row, "comment"),
        annotator=str(_get(row, "source") or "").upper(),
    )


def _truth(value: Any) -> bool:
    """What a BOOLEAN score says, written as a number or a word. Raises RowError."""
    thumb = parse_thumb(value, "value", BINARY)
    if not thumb:
        raise RowError("bad_value", "expected 0 or 1 of a BOOLEAN score")
    return thumb > 0


def _lay_scores(result: Row, row: Row, config: LangfuseConfig) -> None:
    """Feedback out of the scores that stand in a row: a list of them, or an object of values by name."""
    held = parsed_json(row.get("scores"))
    if isinstance(held, dict):
        _lay_score_columns(result, held, config)
    for score in held if isinstance(held, list) else ():
        if not isinstance(score, dict):
            continue
        try:
            said = feedback_fields(_annotation(score), config.scores, SCORES)
        except RowError as error:
            note(result, f"score {str(score.get('name'))[:40]}: {error.reason}")
            continue
        result.update(said)
        if at := _get(score, "timestamp", "updatedAt", "updated_at", "createdAt", "created_at"):
            result["feedback_at"] = at


def _lay_score_columns(result: Row, row: Row, config: LangfuseConfig) -> None:
    """Feedback out of score columns, as the tables of the UI are exported: `rating: [5]`, `user_feedback-API-NUMERIC: 0`."""
    known = {re.sub(r"[-.]", "_", name): name for name in config.scores}
    for column, cell in row.items():
        parts = _SCORE_COLUMN.fullmatch(column)
        name = known.get(parts["name"]) if parts else column if column in config.scores else None
        values = parsed_json(cell)
        value = values if not isinstance(values, list) else values[-1] if values else None
        if name is None or value in (None, "") or isinstance(value, (dict, list)):
            continue
        kind = parts["kind"] if parts else ""
        said = {"name": name, "source": parts["source"] if parts else "", "data_type": kind}
        said |= {"string_value": value} if kind == "CATEGORICAL" else {"value": value}
        try:
            result.update(feedback_fields(_annotation(said), config.scores, SCORES))
        except RowError as error:
            note(result, f"score column {name[:40]}: {error.reason}")
