"""Traces of Langfuse: with their observations inside, as one trace is downloaded, or as rows of the table of traces.

A trace with generations is its observations, each a row, with the user, the session and the tags of the trace; what the trace was
rated counts for the generation that gave the trace's output, where one did, else for its last one that is no title maker's or judge's.
A trace without any is one row: what went into it and what
came out is what the user saw.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import LangfuseConfig
from lyo_pipelines.interactions.chats.pairing import answer_in
from lyo_pipelines.interactions.chats.replies import reply_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.calls_about_chats import is_about_a_chat
from lyo_pipelines.interactions.formats.langfuse import observation_converter, unquoted
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

_OF_TRACE = ("userId", "user_id", "sessionId", "session_id", "environment", "release", "version", "tags")
_ONLY_OF_TRACES = {"bookmarked", "public", "htmlPath"}


def traces(config: LangfuseConfig) -> RowFormat:
    """The format of a file of traces."""
    convert = observation_converter(config)
    return RowFormat("langfuse_traces", "interactions", convert, _user, _rows_of, config.language)


def is_trace(row: Row) -> bool:
    """Whether a row has what traces have and nothing else of Langfuse."""
    told = {"id", "timestamp"} <= row.keys() and bool({"input", "output"} & row.keys())
    return told and bool(_ONLY_OF_TRACES & row.keys() or _observations(row))


def _user(row: Row) -> Any:
    return row.get("userId") or row.get("user_id")


def _observations(row: Row) -> list[Row]:
    found = parsed_json(row.get("observations"))
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _rows_of(line: Row) -> list[Row]:
    trace = unquoted(line)
    observations = _observations(trace)
    given = [item for item in observations if str(item.get("type")).upper() == "GENERATION"]
    if not given:
        # an observation of its own in all but the names; its scores and score columns are where they were
        return [{**trace, "type": "GENERATION", "traceId": trace.get("id"), "startTime": trace.get("timestamp")}]
    whole = {name: trace[name] for name in _OF_TRACE if trace.get(name) not in (None, "")}
    metadata = parsed_json(trace.get("metadata"))
    answers = [item for item in given if not is_about_a_chat(item.get("name"), item.get("environment"))]
    shown = _said(trace.get("output"))
    answers = [item for item in answers if shown is not None and _said(item.get("output")) == shown] or answers
    last = max(answers or given, key=lambda item: str(item.get("startTime") or item.get("start_time") or ""))
    rows = []
    for item in observations:
        own = parsed_json(item.get("metadata"))
        row = {"traceId": trace.get("id"), **whole, **{name: cell for name, cell in item.items() if cell is not None}}
        if isinstance(metadata, dict) and (own is None or isinstance(own, dict)):
            row["metadata"] = {**metadata, **(own or {})}
        row["scores"] = _scores_of(trace, item, is_last=item is last)
        rows.append(row)
    return rows


def _said(output: Any) -> str | None:
    """The text of an output, to compare it; None where there is none or it is not understood."""
    try:
        return answer_in(reply_of(output))
    except RowError:
        return None


def _scores_of(trace: Row, observation: Row, *, is_last: bool) -> list[Row]:
    """The scores of an observation; the last generation has those of its trace as well, earlier ones first."""
    held = parsed_json(trace.get("scores"))
    found = [item for item in held if isinstance(item, dict)] if isinstance(held, list) else []
    own = parsed_json(observation.get("scores"))
    found += [item for item in own if isinstance(item, dict)] if isinstance(own, list) else []
    about = [(item, item.get("observationId") or item.get("observation_id")) for item in found]
    mine = [item for item, target in about if target == observation.get("id") or (target is None and is_last)]
    return sorted(mine, key=lambda item: str(item.get("timestamp") or ""))
