"""Configuration of retention; the defaults and what they mean stand in retention.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RetentionConfig(BaseModel):
    """See retention.yaml. All in days; None: for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inbox_days: int | None = Field(ge=1)
    set_aside_days: int | None = Field(ge=1)
    rejected_days: int | None = Field(ge=1)
    interactions_days: int | None = Field(ge=28)
    checkpoints_days: int | None = Field(ge=1)

    @property
    def is_off(self) -> bool:
        """Whether everything is kept for ever."""
        return all(value is None for value in self.model_dump().values())
