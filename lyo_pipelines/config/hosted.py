"""Configuration of fine-tuning by a provider; the defaults and what they mean stand in hosted.yaml."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from lyo_pipelines.config.addresses import WithoutCredentials


class HostedConfig(BaseModel):
    """See hosted.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: WithoutCredentials | None = Field(pattern=r"^https?://")
    api_key_env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    model: str
    consent: bool
    evaluate: bool
    serve: bool
    serve_tokens_per_day: int = Field(ge=0)
    serve_again: float = Field(ge=0)
    answer_tokens: int = Field(ge=1)
    n_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate_multiplier: float = Field(gt=0)
    price_per_million_tokens: float | None = Field(ge=0)
    currency: str
    spending_cap: float = Field(ge=0)
    bytes_per_token: float = Field(gt=0)
    closed_from: dict[str, date]
    timeout_seconds: float = Field(gt=0)
    attempts: int = Field(ge=1)
    wait_seconds: float = Field(ge=0)
    poll_seconds: float = Field(ge=0)
