"""Annotations of spans exported by themselves (Phoenix): feedback for the span, trace or session they name.

`{span_id, name, annotator_kind, result: {score, label, explanation}, updated_at}`; the three of `result` may stand beside it.
Which name sets which field is interactions.spans.scores.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import SpanConfig
from lyo_pipelines.interactions.formats.annotations import feedback_fields
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.formats.span import first_of, span_id
from lyo_pipelines.interactions.formats.spans import SCORES, annotation_of


def span_annotations(config: SpanConfig) -> RowFormat:
    """The format of a file of annotations."""

    def convert(row: Row) -> Row:
        annotation = annotation_of(row)
        return {
            "interaction_id": span_id(row),
            "trace_id": first_of(row, "trace_id", "traceId"),
            "conversation_id": first_of(row, "session_id", "sessionId"),
            "user_id": _user(row),
            "feedback_at": annotation.at,
            **feedback_fields(annotation, config.scores, SCORES),
        }

    return RowFormat("span_annotations", "feedback", convert, _user)


def _user(row: Row) -> Any:
    return first_of(row, "user_id", "userId")
