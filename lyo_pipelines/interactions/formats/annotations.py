"""Named judgements (scores, evaluations, annotations) to feedback fields. Which name sets which field is a figure of the owner's.

A judgement of a language model or of a program may set relevance_score only: ratings, thumbs and complaints are a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.config.interactions import ScoreConfig
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.scales import SCALE, Scale
from lyo_pipelines.interactions.fields.thumbs import BINARY, parse_thumb, word_of_thumb
from lyo_pipelines.interactions.formats.row_format import Row

_MIDDLE = 0.5
MODELS = ("LLM", "EVAL", "MODEL", "AI", "LLM_JUDGE", "AI_JUDGE", "CODE", "ONLINE_SCORING")
"""Annotators that are models or rules of a program: their scores are no user's."""
_WORDS = ("complaint_category", "complaint_text")


@dataclass(frozen=True)
class Annotation:
    """One result. annotator: HUMAN, LLM, CODE or what else the source says, upper case; empty when it does not say."""

    name: str
    score: Any = None
    label: Any = None
    explanation: Any = None
    annotator: str = ""
    at: Any = None


def feedback_fields(annotation: Annotation, scores: Mapping[str, ScoreConfig], where: str) -> Row:
    """The feedback fields a judgement sets, a rating with its scale. `where`: the configuration that names them.

    Raises RowError when it sets none.
    """
    score = scores.get(annotation.name)
    if score is None:
        raise RowError(
            "score_not_configured", f"score {annotation.name[:60]!r} sets no feedback field: name it in {where}"
        )
    field = score.field
    if annotation.annotator in MODELS and field != "relevance_score":
        raise RowError(
            "judged_by_a_model", f"what a model or a program judged is no user's {field}; it may be relevance_score"
        )
    result: Row = {field: _value(score, annotation)}
    if field == "rating" and score.scale is not None:
        result[SCALE] = Scale(*score.scale, name=annotation.name)
    if annotation.explanation and field != "complaint_text" and _speaks_against(field, result[field], score.scale):
        result["complaint_text"] = annotation.explanation
    return result


def _value(score: ScoreConfig, annotation: Annotation) -> Any:
    said, label = annotation.score, annotation.label
    values = score.values or {}
    if isinstance(label, str) and label in values:
        return values[label]
    if str(said) in values:
        return values[str(said)]
    if score.field in _WORDS:
        first, second = (
            (label, annotation.explanation) if score.field == "complaint_category" else (annotation.explanation, label)
        )
        return first or second or (said if isinstance(said, str) else None)
    if score.field == "thumbs":
        return _thumb(said, label, score.scale or BINARY)
    if isinstance(said, bool):
        raise RowError("boolean_score", f"a BOOLEAN score is 0 or 1 and cannot be {score.field}; it may be thumbs")
    return label if said is None else said


def _thumb(said: Any, label: Any, scale: tuple[float, float]) -> int | None:
    """A label that is a word counts before the number beside it, which may be that of a category."""
    word = word_of_thumb(label)
    return word if word else parse_thumb(label if said is None else said, "thumbs", scale)


def _speaks_against(field: str, value: Any, scale: tuple[float, float] | None) -> bool:
    """Whether the comment beside a score is a complaint: beside a complaint, thumbs down or a low rating."""
    if field == "complaint_category":
        return True
    if field not in ("rating", "thumbs"):
        return False
    place = _place(value, (scale or (1, 5)) if field == "rating" else (-1, 1))
    return place is not None and place < _MIDDLE


def speaks_for(rating: Any, scale: Scale | None) -> bool:
    """Whether a rating lies on the better side of its scale (1 to 5 where none is declared for it)."""
    place = _place(rating, (1, 5) if scale is None else (scale.low, scale.high))
    return place is not None and place > _MIDDLE


def _place(value: Any, scale: tuple[float, float]) -> float | None:
    """Where a number lies on its scale, 0 the worst and 1 the best; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return (value - scale[0]) / (scale[1] - scale[0])
