"""Examples that somebody uploaded to fine-tune on (/v1/files): any chat, so nothing is asked of it and nobody plays a part.

A task of its own keeps them apart: no other segment learns from an upload, no trigger trains on one, and no question is routed to what
came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.wording import language

TASK = "fine_tuning"
FORMAT_VERSION = "fine_tuning-1"


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the system prompt of a chat that has none."""
    return f"You are a helpful assistant. Answer in {language(row)}."


FORMAT = TaskFormat(task=TASK, version=FORMAT_VERSION, system_prompt=system_prompt)


def is_fine_tuned(segment: str) -> bool:
    """Whether a segment consists of uploads: what is trained on it answers only whoever names it and has the right to."""
    return segment.partition(".")[0] == TASK
