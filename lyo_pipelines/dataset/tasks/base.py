"""What a task format is. The wording of each task stands in its own file beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lyo_pipelines.dataset import messages
from lyo_pipelines.dataset.messages import SystemPrompt

LANGUAGE_NAMES = {
    "as": "Assamese", "bn": "Bengali", "en": "English", "gu": "Gujarati", "hi": "Hindi", "kn": "Kannada", "ml": "Malayalam",
    "mr": "Marathi", "ne": "Nepali", "or": "Odia", "pa": "Punjabi", "sa": "Sanskrit", "ta": "Tamil", "te": "Telugu", "ur": "Urdu",
    "hi_latn": "Hindi in Latin letters", "ta_latn": "Tamil in Latin letters",
}  # fmt: skip


def language_name(code: str | None) -> str:
    """Return the English name of a language code, or the code itself where the list has none."""
    return LANGUAGE_NAMES.get(code or "", code or "the student's language")


@dataclass(frozen=True)
class TaskFormat:
    """How one task becomes chat messages.

    version: part of the dataset fingerprint; raise it whenever the same example would give other messages.
    system_prompt: pure function of the fields in messages.PROMPT_FIELDS.
    """

    task: str
    version: str
    system_prompt: SystemPrompt

    def to_messages(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the chat messages of one example, the assistant's answer last."""
        return messages.to_messages(row, self.system_prompt)

    def messages_column(self, table: pa.Table) -> pa.ListArray:
        """Return the chat messages of all rows of a table."""
        return messages.messages_column(table, self.system_prompt)
