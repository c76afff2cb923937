"""Tutoring: the tutor's persona, the subject and the language of the answer. Message assembly belongs to messages.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.wording import is_feminine, language, learner, subject_name

FORMAT_VERSION = "tutoring-1"


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the tutor's system prompt, short because every training example pays for it."""
    who = f"You are Lyo, a patient {subject_name(row)} tutor".replace("  ", " ") + learner(row)
    return f"{who}. Explain step by step and answer in {language(row)}.{is_feminine(row)}"


FORMAT = TaskFormat(task="tutoring", version=FORMAT_VERSION, system_prompt=system_prompt)


def to_messages(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the chat messages of one tutoring example, the tutor's answer last."""
    return FORMAT.to_messages(row)
