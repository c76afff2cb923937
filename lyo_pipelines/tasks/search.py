"""Search understanding: what a query is after (intent), the query said better, and suggestions to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from lyo_pipelines.tasks.answers import Answer, Label, Material, Text, read_material
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.measures import duplicated_texts, label_metrics, ndcg, word_f1
from lyo_pipelines.tasks.wording import about, as_json, language, learner

FORMAT_VERSION = "search-1"
INTENTS = ("explanation", "practice", "worked_example", "video", "notes", "exam_papers", "comparison", "definition")
"""Intents where the context names no others."""


class SearchUnderstanding(Answer):
    """The answer: intent, enhanced query, and suggestions, the best one first."""

    intent: Label
    enhanced_query: Text
    suggestions: Annotated[list[Text], Field(min_length=1, max_length=8)]


class Intents(Material):
    """What the context may say: the intents of this application."""

    intents: Annotated[tuple[str, ...], Field(min_length=1)]


def intents(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the intents that are allowed in this row."""
    named = read_material(row, Intents)
    return named.intents if named else INTENTS


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the system prompt of search understanding."""
    keys = f"intent ({', '.join(INTENTS)}, or one of the material's), enhanced_query, suggestions (1 to 8, best first)"
    who = f"You are Lyo. Understand a learner's search query{about(row)}{learner(row)}, written in {language(row)}."
    return who + as_json(keys)


def check(answer: SearchUnderstanding, row: Mapping[str, Any]) -> str | None:
    """The intent must be a known one, and no suggestion may stand there twice or be the query again."""
    allowed = intents(row)
    if answer.intent not in allowed:
        return f"intent {answer.intent} is none of {', '.join(allowed)}"
    if duplicated_texts([*answer.suggestions, str(row.get("question") or "")]):
        return "a suggestion says the same as another one or as the query"
    return None


def _suggestions(item: GradedAnswer) -> float | None:
    return ndcg(item.answer.suggestions, item.reference.suggestions)


def _enhanced(item: GradedAnswer) -> float:
    return word_f1(item.answer.enhanced_query, item.reference.enhanced_query)


FORMAT = TaskFormat(
    task="search",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="A query in the question; intent, enhanced query and suggestions out.",
    answer=SearchUnderstanding,
    check=check,
    prose=("enhanced_query", "suggestions"),
    metrics=(
        *label_metrics("intent", lambda answer: answer.intent, "intent"),
        TaskMetric(
            "suggestions_ndcg",
            "higher",
            "nDCG",
            "How well the suggestions match the reference's, which are worth n, n - 1, … 1 (times the likeness of the words).",
            item=_suggestions,
            invalid=0.0,
        ),
        TaskMetric(
            "enhanced_query_f1", "higher", "F1", "Words shared with the reference's enhanced query.", item=_enhanced, invalid=0.0
        ),
    ),
    general_metrics=("loss", "length_ratio"),
)  # fmt: skip
