"""Figures of the interactions stage; the defaults and what they mean stand in interactions.yaml."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FeedbackField = Literal["rating", "thumbs", "complaint_category", "complaint_text", "relevance_score", "retries"]


class LangfuseFigures(BaseModel):
    """How a Langfuse export is understood."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None
    language: str | None
    milliseconds_before: date
    metadata_fields: dict[str, tuple[str, ...]]
    scores: dict[str, FeedbackField]


class OpenAIMessagesFigures(BaseModel):
    """What an OpenAI `messages` row gets where it says nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None
    language: str | None
    time_from_file: bool


class InteractionsFigures(BaseModel):
    """See interactions.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    earliest: date
    clock_skew_hours: float = Field(ge=0)
    reach_days: int = Field(ge=0)
    max_row_bytes: int = Field(ge=1024)
    max_rejected_characters: int = Field(ge=0)
    block_bytes: int = Field(ge=1024)
    buffer_bytes: int = Field(ge=1024)
    max_open_days: int = Field(ge=1)
    workers: int = Field(ge=1)
    parallel_from_bytes: int = Field(ge=0)
    identifier_keys: tuple[str, ...]
    langfuse: LangfuseFigures
    openai_messages: OpenAIMessagesFigures
