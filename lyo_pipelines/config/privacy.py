"""Configuration of privacy audits; the defaults and what they mean stand in privacy.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PrivacyConfig(BaseModel):
    """See privacy.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repetitions: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(min_length=1)
    canaries: int = Field(ge=2)
    controls: int = Field(ge=100)
    words: int = Field(ge=3, le=20)
    seed: int = Field(ge=0)
    false_positives: float = Field(gt=0, le=0.1)
    confidence: float = Field(gt=0.5, lt=1)
    tolerable_share: float = Field(gt=0, lt=1)
    usual_rows: int = Field(ge=1)
    guess_planted: float = Field(gt=0, le=0.5)
    guess_left_out: float = Field(gt=0, le=0.5)
    scoring_batch: int = Field(ge=1)

    @field_validator("repetitions")
    @classmethod
    def _each_once_and_rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    def changed(self, figures: Mapping[str, object]) -> PrivacyConfig:
        """The same with other figures, validated anew."""
        return PrivacyConfig.model_validate({**self.model_dump(), **figures})

    @property
    def allowed_rank(self) -> int:
        """The worst rank among a canary and its controls that counts as found: chance reaches it as often as is allowed, or less."""
        return int(self.false_positives * (self.controls + 1) + 1e-9)

    @property
    def kept_false_positives(self) -> float:
        """The share of false positives that this rank has exactly."""
        return self.allowed_rank / (self.controls + 1)
