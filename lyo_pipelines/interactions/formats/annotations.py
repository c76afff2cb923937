"""Named judgements (scores, evaluations, annotations) to feedback fields. Which name sets which field is a figure of the owner's.

A judgement of a language model may set relevance_score only: ratings, thumbs and complaints are a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parse_number
from lyo_pipelines.interactions.formats.row_format import Row

_LOW_RATING = 3
_WORDS = ("complaint_category", "complaint_text")
_UP = {
    "up",
    "thumbsup",
    "thumbup",
    "positive",
    "like",
    "liked",
    "good",
    "helpful",
    "correct",
    "yes",
    "true",
    "pass",
    "👍",
}
_DOWN = {
    *("down", "thumbsdown", "thumbdown", "negative", "dislike", "disliked", "bad", "unhelpful", "incorrect", "wrong"),
    *("no", "false", "fail", "👎"),
}


@dataclass(frozen=True)
class Annotation:
    """One result. judge: HUMAN, LLM, CODE or what else the source says, upper case; empty when it does not say."""

    name: str
    score: Any = None
    label: Any = None
    explanation: Any = None
    annotator: str = ""
    at: Any = None


def feedback_fields(annotation: Annotation, scores: Mapping[str, str], where: str) -> Row:
    """The feedback fields a judgement sets. `where`: the figure that names them. Raises RowError when it sets none."""
    field = scores.get(annotation.name)
    if field is None:
        raise RowError(
            "score_not_configured", f"score {annotation.name[:60]!r} sets no feedback field: name it in {where}"
        )
    if annotation.annotator == "LLM" and field != "relevance_score":
        raise RowError("judged_by_a_model", f"a model's judgement is no user's {field}; it may be relevance_score")
    result: Row = {field: _value(field, annotation)}
    if annotation.explanation and field != "complaint_text" and speaks_against(field, result[field]):
        result["complaint_text"] = annotation.explanation
    return result


def _value(field: str, annotation: Annotation) -> Any:
    score, label = annotation.score, annotation.label
    if field in _WORDS:
        first, second = (
            (label, annotation.explanation) if field == "complaint_category" else (annotation.explanation, label)
        )
        return first or second or (score if isinstance(score, str) else None)
    if field == "thumbs":
        return _thumbs(score, label)
    if isinstance(score, bool):
        raise RowError("boolean_score", f"a BOOLEAN score is 0 or 1 and cannot be {field}; it may be thumbs")
    return label if score is None else score


def _thumbs(score: Any, label: Any) -> int | None:
    word = str(label or "").lower().replace("_", "").replace("-", "").replace(" ", "")
    if word in _UP or word in _DOWN:
        return 1 if word in _UP else -1
    value = int(score) if isinstance(score, bool) else parse_number(score if score is not None else label, "thumbs")
    return None if value is None else 1 if value >= 0.5 else -1


def speaks_against(field: str, value: Any) -> bool:
    """Whether the comment beside a score is a complaint: beside a complaint, thumbs down or a low rating."""
    if field == "complaint_category":
        return True
    low = {"rating": _LOW_RATING, "thumbs": 0}.get(field)
    return low is not None and isinstance(value, (int, float)) and value < low
