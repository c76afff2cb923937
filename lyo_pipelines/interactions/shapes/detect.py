"""Which known shape rows have, by the names of their fields. What the shapes mean stands beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lyo_pipelines.interactions.contract import FEEDBACK_COLUMNS
from lyo_pipelines.interactions.shapes.shape import Row

_SAMPLE = 500
_TARGETS = {"interaction_id", "trace_id", "conversation_id"}


def format_of(row: Row) -> str | None:
    """Name of the format one row seems to have, or None."""
    keys = row.keys()
    if "messages" in keys and "question" not in keys:
        return "openai_messages"
    if ({"start_time"} & keys or {"startTime"} & keys) and {"input", "output"} & keys:
        return "langfuse_observations"
    if {"name", "value"} <= keys and {
        "trace_id",
        "traceId",
        "observation_id",
        "observationId",
        "session_id",
        "sessionId",
    } & keys:
        return "langfuse_scores"
    if "question" in keys and {"occurred_at", "task", "language"} & keys:
        return "canonical"
    if _TARGETS & keys and set(FEEDBACK_COLUMNS) & keys:
        return "feedback"
    return None


def detect(rows: Sequence[Row]) -> str | None:
    """The format most of the first rows seem to have, or None when no row looks like a known one."""
    votes = Counter(name for row in rows[:_SAMPLE] if (name := format_of(row)))
    return votes.most_common(1)[0][0] if votes else None
