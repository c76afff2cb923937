"""Tutoring: the tutor's persona, the subject and the language of the answer. Message assembly belongs to messages.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import TaskFormat, language_name

FORMAT_VERSION = "tutoring-1"
SUBJECT_NAMES = {"math": "mathematics", "maths": "mathematics", "cs": "computer science"}
FEMININE = {"hi", "mr", "hi_latn"}
"""Languages in which the persona's verbs show gender: the tutor is a woman."""


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the tutor's system prompt, short because every training example pays for it."""
    subject = str(row.get("subject") or "").replace("_", " ")
    grade = str(row.get("grade") or "").strip()
    language = row.get("language")
    parts = [f"You are Lyo, a patient {SUBJECT_NAMES.get(subject, subject)} tutor".replace("  ", " ")]
    if grade:
        parts.append(f" for a student in grade {grade}" if grade.isdigit() else f" for a student ({grade})")
    parts.append(f". Explain step by step and answer in {language_name(language)}.")
    if language in FEMININE:
        parts.append(" Speak of yourself in feminine forms.")
    return "".join(parts)


FORMAT = TaskFormat(task="tutoring", version=FORMAT_VERSION, system_prompt=system_prompt)


def to_messages(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the chat messages of one tutoring example, the tutor's answer last."""
    return FORMAT.to_messages(row)
