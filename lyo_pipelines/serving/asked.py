"""What is known of a question beside its words: task, language, subject, who asks; and the canonical row that it becomes.

A request says it in `metadata`, or in headers `x-lyo-<name>` (percent-encoded where it is not ASCII); what it does not say follows
from the name of the model. No raw user id leaves this module: rows hold the pseudonym, and texts have it in the id's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import polars as pl

from lyo_pipelines.config.gateway import UnsaidConfig
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.languages.written import LanguageThresholds, written_language
from lyo_pipelines.rollout.selection import Query
from lyo_pipelines.segments import SegmentKeyError, parse_parent
from lyo_pipelines.serving.contract import ChatRequest

_NAMES = {
    "task": ("task",), "language": ("language", "lang", "locale"), "subject": ("subject",), "topic": ("topic",), "grade": ("grade",),
    "reasoning_mode": ("reasoning_mode", "mode"), "team": ("team", "tenant"), "context": ("context",), "turn": ("turn",),
    "conversation_id": ("conversation_id", "conversation", "session_id", "chat_id"), "question_id": ("question_id",),
    "retries": ("retries",), "user_id": ("user_id", "user"),
}  # fmt: skip
"""Field of a row -> names in metadata and headers, the first found wins."""
HEADER = "x-lyo-"


@dataclass(frozen=True)
class Asked:
    """Facts of one question. user: raw, for the assignment alone. said: fields of the row that the request gave."""

    query: Query
    language: str
    user: str | None
    said: Mapping[str, str]
    other: Mapping[str, str]


def read_asked(
    request: ChatRequest, headers: Mapping[str, str], unsaid: UnsaidConfig, thresholds: LanguageThresholds
) -> Asked:
    """Metadata before headers before the model's name; a language that nobody says is told from the question."""
    metadata = dict(request.metadata)
    said: dict[str, str] = {}
    for field, names in _NAMES.items():
        for name in names:
            value = metadata.pop(name, None) or unquote(headers.get(HEADER + name.replace("_", "-"), ""))
            if value.strip():
                said.setdefault(field, value.strip())
    user = request.user or said.pop("user_id", None)
    said.pop("user_id", None)
    task, language, facet = _of_model(request.model)
    task = said.setdefault("task", task or unsaid.task)
    if facet and facet not in (said.get("team"), said.get("reasoning_mode")):
        said.setdefault("subject", facet)
    declared = language_code(said.get("language", "")) or language
    language = declared or told_language(question_of(request), thresholds) or unsaid.language
    query = Query(task, language, said.get("subject"), said.get("reasoning_mode"), said.get("team"))
    return Asked(query, language, user, said, metadata)


def question_of(request: ChatRequest) -> str:
    """What the user says last."""
    return next(
        (turn.content for turn in reversed(request.messages) if turn.role == "user"), request.messages[-1].content
    )


@dataclass(frozen=True)
class RowMaker:
    """Makes rows of requests, with the pseudonyms that ingest would give."""

    pseudonyms: Pseudonyms
    scrubber: Scrubber

    def row(self, interaction: str, request: ChatRequest, asked: Asked, at: float) -> RawRow:
        """The canonical row as far as it is known before the answer. at: seconds since 1970."""
        last = next(
            (n for n in range(len(request.messages) - 1, -1, -1) if request.messages[n].role == "user"),
            len(request.messages) - 1,
        )
        earlier = [turn for turn in request.messages[:last] if turn.role not in ("system", "developer")]
        system = [turn.content for turn in request.messages if turn.role in ("system", "developer")]
        user, text = asked.user, self.text
        row: RawRow = {
            "interaction_id": interaction,
            "occurred_at": moment(at),
            **{name: text(value, user) for name, value in asked.said.items()},
            "language": asked.language,
            "system_prompt": text("\n\n".join(system), user) or None,
            "history": [{"role": turn.role, "content": text(turn.content, user)} for turn in earlier] or None,
            "question": text(request.messages[last].content, user),
            "metadata": self.scrubber.value(dict(asked.other), user) or None,
            "user_pseudonym": self.pseudonyms.of(user),
        }
        return {name: value for name, value in row.items() if value is not None}

    def text(self, text: str, user: str | None) -> str:
        """A text without the user's raw id."""
        return self.scrubber.text(text, user)


def moment(at: float) -> str:
    """Seconds since 1970 as the time of a row."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def _of_model(model: str) -> tuple[str, str, str]:
    """Task, language and facet that the name of a model says."""
    try:
        segment = parse_parent(model.partition("@")[0])
    except SegmentKeyError:
        return "", "", ""
    return (segment.task if segment.language else ""), segment.language or "", segment.facet or ""


def told_language(text: str, thresholds: LanguageThresholds) -> str:
    """The language that a text is written in; "" where it does not tell."""
    return written_language(pl.Series([text], dtype=pl.String), pl.Series([""], dtype=pl.String), thresholds)[0] or ""
