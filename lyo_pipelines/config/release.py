"""Configuration of beginning and rehearsing releases; the defaults and what they mean stand in release.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RehearsalConfig(BaseModel):
    """What the rollback target is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = Field(min_length=1)
    max_new_tokens: int = Field(ge=1, le=512)
    seconds: float = Field(gt=0)


class AfterErasureConfig(BaseModel):
    """What becomes of an adapter that serves and learnt from somebody who was erased."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_days: float | None = Field(ge=0)
    skip_stages: bool


class ReleaseConfig(BaseModel):
    """See release.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    automatic: bool
    rehearsal: RehearsalConfig
    after_erasure: AfterErasureConfig
    shown_events: int = Field(ge=1)
