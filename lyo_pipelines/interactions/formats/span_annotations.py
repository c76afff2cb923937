"""Annotations of spans exported by themselves (Phoenix): feedback for the span, trace or session they name.

`{span_id, name, annotator_kind, result: {score, label, explanation}, updated_at}`; the three of `result` may stand beside it.
Which name sets which field is interactions.spans.scores.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import SpanFigures
from lyo_pipelines.interactions.formats.format import Row, Shape
from lyo_pipelines.interactions.formats.judgements import feedback_fields
from lyo_pipelines.interactions.formats.span import first, span_id
from lyo_pipelines.interactions.formats.spans import SCORES, judgement_of


def span_annotations(figures: SpanFigures) -> Shape:
    """The shape of a file of annotations."""

    def convert(row: Row) -> Row:
        judgement = judgement_of(row)
        return {
            "interaction_id": span_id(row),
            "trace_id": first(row, "trace_id", "traceId"),
            "conversation_id": first(row, "session_id", "sessionId"),
            "user_id": _user(row),
            "feedback_at": judgement.at,
            **feedback_fields(judgement, figures.scores, SCORES),
        }

    return Shape("span_annotations", "feedback", convert, _user)


def _user(row: Row) -> Any:
    return first(row, "user_id", "userId")
