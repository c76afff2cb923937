"""Technical documentation: reference pages, guides and docstrings in Markdown for code that stands in the context or the question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.code_samples import CODE_READABLE, names_in, python_blocks
from lyo_pipelines.tasks.wording import language, mode, subject_name

FORMAT_VERSION = "technical_docs-1"


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the writer's system prompt."""
    subject = subject_name(row)
    about = f" for {subject}" if subject else ""
    return (
        f"You are Lyo, a technical writer{about}. Write Markdown in {language(row)}: purpose, parameters, result, errors and an "
        f"example. Say nothing that the code does not do.{mode(row)}"
    )


def documented_names(row: Mapping[str, Any]) -> list[str]:
    """Return the names of the code that is to be documented: the context's, else that of the question's blocks."""
    context = str(row.get("context") or "")
    if names := names_in(context):
        return names
    blocks = python_blocks(context) or python_blocks(str(row.get("question") or ""))
    return list(dict.fromkeys(name for code in blocks for name in names_in(code)))


def _names_covered(item: GradedAnswer) -> float | None:
    names = documented_names(item.row)
    if not names:
        return None
    return sum(bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", item.answer)) for name in names) / len(names)


FORMAT = TaskFormat(
    task="technical_docs",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="Code in the context or the question, Markdown documentation out.",
    metrics=(
        TaskMetric(
            "names_documented",
            "higher",
            "share of names",
            "Share of the code's functions and arguments that the documentation names.",
            item=_names_covered,
        ),
        CODE_READABLE,
    ),
    general_metrics=("loss", "chrf", "rouge_l", "language_match", "length_ratio", "relevance", "repetition"),
)
