"""The fields of a canonical row by kind, and a block of them as columns that are not judged yet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.contract import INTERACTION

NUMBERS: dict[str, dict[str, Any]] = {
    "rating": {"low": 1, "high": 5},
    "thumbs": {"low": -1, "high": 1, "whole": True},
    "relevance_score": {"low": 0, "high": 1},
    "turn": {"low": 0, "high": 1_000_000, "whole": True},
    "response_time_ms": {"low": 0, "high": math.inf},
    "time_to_first_token_ms": {"low": 0, "high": math.inf},
    "retries": {"low": 0, "high": 1_000_000, "whole": True},
}
"""What a number in an interaction or its feedback may be."""

REQUIRED = ("occurred_at", "task", "language", "question")
_TIMES = ("occurred_at", "feedback_at")

TIMES = ("occurred_at", "feedback_at")
FREE_TEXTS = (
    "question",
    "answer",
    "edited_answer",
    "system_prompt",
    "context",
    "error",
    "complaint_text",
    "reference_answer",
)
"""Texts in which people write; the others are names and ids."""

_SPECIAL = {*NUMBERS, *TIMES, "history", "metadata", "user_pseudonym", "source", "source_file", "source_line"}
TEXTS = tuple(name for name in INTERACTION.names if name not in _SPECIAL)


@dataclass
class Gathered:
    """Canonical rows as columns.

    data: every text, number (float64), time (timestamp) and the history, by name. trace_ids, user_ids: raw, as text.
    metadata: one Python value a row. ids_inside: whether a user's own id may stand in another field of the row.
    """

    data: dict[str, pa.Array]
    trace_ids: pa.Array
    user_ids: pa.Array
    metadata: list[Any]
    ids_inside: bool = True
