"""Content classification: is a text educational or entertainment, what is it worth to a learner, how engaging is it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lyo_pipelines.tasks.answers import Answer, Share
from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.measures import label_metrics, score_metrics
from lyo_pipelines.tasks.wording import about, as_json, language, learner

FORMAT_VERSION = "classification-1"


class Classification(Answer):
    """The answer: the content's kind, its value for learning, and how much it holds attention."""

    content_type: Literal["educational", "entertainment"]
    educational_value: Share
    engagement_score: Share


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the classifier's system prompt."""
    keys = 'content_type ("educational" or "entertainment"), educational_value and engagement_score (0 to 1)'
    return f"You are Lyo, who rates {language(row)} content{about(row)}{learner(row)}.{as_json(keys)}"


FORMAT = TaskFormat(
    task="classification",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="The content in the question is sorted into educational or entertainment and scored.",
    answer=Classification,
    prose=(),
    metrics=(
        *label_metrics("content_type", lambda answer: answer.content_type, "kind of content"),
        *score_metrics("educational_value", lambda answer: answer.educational_value, "educational value"),
        *score_metrics("engagement_score", lambda answer: answer.engagement_score, "engagement score"),
    ),
    general_metrics=("loss", "length_ratio"),
)
