"""Engagement prediction: how much a piece of content (the question) will hold one learner (the profile in the context)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lyo_pipelines.tasks.answers import Answer, Share, Text
from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.measures import label_metrics, score_metrics
from lyo_pipelines.tasks.wording import as_json, language

FORMAT_VERSION = "engagement-1"
MEDIUM_FROM, HIGH_FROM = 0.35, 0.7
"""From these scores on a level is medium, and high."""


class Engagement(Answer):
    """The answer: a score, its level, and why."""

    score: Share
    level: Literal["low", "medium", "high"]
    reason: Text


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the predictor's system prompt."""
    keys = f'score (0 to 1), level ("low", "medium" from {MEDIUM_FROM}, "high" from {HIGH_FROM}), reason (in {language(row)})'
    return f"You are Lyo. Predict how much the content will engage the learner of the profile.{as_json(keys)}"


def level_of(score: float) -> str:
    """Return the level that a score belongs to."""
    return "high" if score >= HIGH_FROM else "medium" if score >= MEDIUM_FROM else "low"


def check(answer: Engagement, _: Mapping[str, Any]) -> str | None:
    """The level must be the score's."""
    right = level_of(answer.score)
    return None if answer.level == right else f"level {answer.level} does not fit the score {answer.score:g} ({right})"


FORMAT = TaskFormat(
    task="engagement",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="Content in the question, a learner's profile in the context, a score out.",
    answer=Engagement,
    check=check,
    needs=("context",),
    prose=("reason",),
    metrics=(
        *score_metrics("predicted_engagement", lambda answer: answer.score, "predicted engagement"),
        *label_metrics("engagement_level", lambda answer: answer.level, "engagement level"),
    ),
    general_metrics=("loss", "length_ratio"),
)
