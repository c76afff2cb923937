"""What a task format is. The wording, the schema and the metrics of each task stand in its own file beside this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from lyo_pipelines.errors import LyoError
from lyo_pipelines.tasks import messages
from lyo_pipelines.tasks.messages import SystemPrompt

LANGUAGE_NAMES = {
    "as": "Assamese", "bn": "Bengali", "en": "English", "gu": "Gujarati", "hi": "Hindi", "kn": "Kannada", "ml": "Malayalam",
    "mr": "Marathi", "ne": "Nepali", "or": "Odia", "pa": "Punjabi", "sa": "Sanskrit", "ta": "Tamil", "te": "Telugu", "ur": "Urdu",
    "hi_latn": "Hindi in Latin letters", "ta_latn": "Tamil in Latin letters",
}  # fmt: skip


class UnknownTaskFormatError(LyoError):
    """No file in tasks/ says how this task becomes chat messages."""


def language_name(code: str | None) -> str:
    """Return the English name of a language code, or the code itself where the list has none."""
    return LANGUAGE_NAMES.get(code or "", code or "the student's language")


@dataclass(frozen=True)
class GradedAnswer:
    """One test item as a task's own metric sees it. `answer`, `reference`: a schema's instance where the task has a schema
    (`answer` is None when what the model wrote does not fit it; one that only fails `check` is there), else the texts.
    `row`: language, subject, grade, topic, question, context and reference_answer of the item.
    """

    answer: Any
    reference: Any
    row: Mapping[str, Any]


@dataclass(frozen=True)
class TaskMetric:
    """A metric of one task: `item` judges one answer, or `whole` judges all of them at once (macro-F1, Spearman).

    invalid: what an item whose answer does not fit the schema is worth; None leaves it out. A whole metric sees such answers as None
    and decides itself.
    """

    name: str
    direction: Literal["higher", "lower", "neutral"]
    unit: str
    sentence: str
    item: Callable[[GradedAnswer], float | None] | None = None
    whole: Callable[[Sequence[GradedAnswer]], float | None] | None = None
    invalid: float | None = None

    def __post_init__(self) -> None:
        if (self.item is None) == (self.whole is None):
            raise ValueError(f"metric {self.name}: give either item or whole")


@dataclass(frozen=True)
class TaskFormat:
    """How one task becomes chat messages, and how its answers are judged.

    version: part of the dataset fingerprint; raise it whenever the same example would give other messages.
    system_prompt: pure function of the fields in messages.PROMPT_FIELDS.
    answer: schema of the answer (one JSON object) where it is structured. check: what the schema cannot say about a valid answer and
    its row (an order, a list of allowed labels); returns a short reason or None; a task without a schema may have one about its text.
    needs: further columns a row must fill. prose: keys of the answer, at any depth, whose texts are in the row's language (None: all).
    metrics: the task's own. general_metrics: names of the general metrics that mean something here; None: all of them.
    """

    task: str
    version: str
    system_prompt: SystemPrompt
    description: str = ""
    answer: type[BaseModel] | None = None
    check: Callable[[Any, Mapping[str, Any]], str | None] | None = None
    needs: tuple[str, ...] = ()
    prose: tuple[str, ...] | None = None
    metrics: tuple[TaskMetric, ...] = ()
    general_metrics: tuple[str, ...] | None = None

    def to_messages(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the chat messages of one example, the assistant's answer last."""
        return messages.to_messages(row, self.system_prompt)

    def messages_column(self, table: pa.Table) -> pa.ListArray:
        """Return the chat messages of all rows of a table."""
        return messages.messages_column(table, self.system_prompt)

    def parse(self, text: str) -> Any | None:
        """Return the answer's schema instance, or None when the text is not one valid JSON object of it."""
        if self.answer is None:
            return text
        try:
            return self.answer.model_validate_json(text)
        except ValidationError:
            return None
