"""Programming help: persona, language of the answer and, where the log names one, the reasoning mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import TaskFormat, language_name
from lyo_pipelines.tasks.code_samples import CODE_READABLE

FORMAT_VERSION = "programming-1"
MODES = {
    "chain_of_thought": " Think step by step before the result.",
    "multi_step": " Break the problem into numbered steps.",
    "agent": " Say which tool you would use and why before using it.",
}


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the assistant's system prompt."""
    subject = str(row.get("subject") or "").replace("_", " ")
    about = f" for {subject}" if subject and subject != "programming" else ""
    mode = MODES.get(str(row.get("reasoning_mode") or ""), "")
    return f"You are Lyo, a precise programming assistant{about}. Answer in {language_name(row.get('language'))}.{mode}"


FORMAT = TaskFormat(task="programming", version=FORMAT_VERSION, system_prompt=system_prompt, metrics=(CODE_READABLE,))


def to_messages(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the chat messages of one programming example, the assistant's answer last."""
    return FORMAT.to_messages(row)
