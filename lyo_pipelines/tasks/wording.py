"""Pieces of system prompts that tasks share. Every training example pays for them, so they are short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import language_name

SUBJECT_NAMES = {"math": "mathematics", "maths": "mathematics", "cs": "computer science"}
MODES = {
    "chain_of_thought": " Think step by step first.",
    "multi_step": " Work in numbered steps.",
    "agent": " Use a tool where one helps.",
}

FEMININE = frozenset({"hi", "mr", "hi_latn"})
"""Languages in which the persona's verbs show gender: Lyo is a woman."""


def subject_name(row: Mapping[str, Any]) -> str:
    """Return the subject in words; empty where the row names none."""
    subject = str(row.get("subject") or "").strip()
    return SUBJECT_NAMES.get(subject, subject).replace("_", " ")


def about(row: Mapping[str, Any]) -> str:
    """Return " in mathematics", or nothing."""
    subject = subject_name(row)
    return f" in {subject}" if subject else ""


def learner(row: Mapping[str, Any]) -> str:
    """Return " for a student in grade 7", or nothing."""
    grade = str(row.get("grade") or "").strip()
    if not grade:
        return ""
    return f" for a student in grade {grade}" if grade.isdigit() else f" for a student ({grade})"


def mode(row: Mapping[str, Any]) -> str:
    """Return the sentence of the reasoning mode, or nothing."""
    return MODES.get(str(row.get("reasoning_mode") or ""), "")


def is_feminine(row: Mapping[str, Any]) -> str:
    """Return the sentence about the persona's gender, where the language shows it."""
    return " Speak of yourself in feminine forms." if row.get("language") in FEMININE else ""


def language(row: Mapping[str, Any]) -> str:
    """Return the English name of the row's language."""
    return language_name(row.get("language"))


def as_json(keys: str) -> str:
    """Return the sentence that asks for one JSON object and names its keys."""
    return f" Answer with one JSON object only: {keys}."
