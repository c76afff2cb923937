"""Configuration of the gateway; the defaults and what they mean stand in gateway.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lyo_pipelines.config.addresses import WithoutCredentials


class _GatewaySection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeLimits(_GatewaySection):
    """Seconds after which the gateway waits no longer."""

    headers: float = Field(gt=0)
    idle: float = Field(gt=0)
    answer: float = Field(gt=0)
    drain: float = Field(gt=0)
    proof_again: float = Field(gt=0)


class JournalConfig(_GatewaySection):
    """When rows go to the inbox, and what is kept free for answers that were begun."""

    inbox_rows: int = Field(ge=1)
    inbox_seconds: float = Field(gt=0)
    reserve_bytes: int = Field(ge=0)


class KeyLimits(_GatewaySection):
    """What one API key may ask for."""

    requests_per_minute: int = Field(ge=1)
    tokens_per_day: int = Field(ge=1)


class EmbeddedConfig(_GatewaySection):
    """What the embedded engine may use."""

    rows: int = Field(ge=1)
    adapters: int = Field(ge=1)
    cache_bytes: int = Field(ge=1)
    prefix_bytes: int = Field(ge=0)


class LlamaCppConfig(_GatewaySection):
    """What llama.cpp may use."""

    quantise: Literal["f32", "f16", "bf16", "q8_0", "q4_1"]
    context: int = Field(ge=64)
    slots: int = Field(ge=1)
    adapters: int = Field(ge=1)


class ServerConfig(_GatewaySection):
    """Which server elsewhere answers, and how it was started."""

    base_url: WithoutCredentials
    kind: Literal["vllm", "plain"]
    served_base: str
    key_variable: str
    adapters_at: str
    adapters: int = Field(ge=1)
    max_lora_rank: int = Field(ge=1)
    quantisation: Literal["float32", "float16", "bfloat16", "8-bit", "4-bit"]
    context: int = Field(ge=64)
    first_token: float = Field(gt=0)
    between_tokens: float = Field(gt=0)
    at_once: int = Field(ge=1)
    unproved: bool


class UnsaidConfig(_GatewaySection):
    """What a request gets that does not say its task, and whose text does not tell its language."""

    task: str = Field(min_length=1)
    language: str = Field(min_length=1)


class SourcesConfig(_GatewaySection):
    """Passages of the documents that /fine-tuning/query answers from."""

    enabled: bool
    passages: int = Field(ge=1)
    minimum_match: float = Field(ge=0, le=1)
    characters: int = Field(ge=100)


class FineTuningConfig(_GatewaySection):
    """The fine-tuning calls of the OpenAI API. rating: what an uploaded answer counts as rated; None: as not rated."""

    enabled: bool
    largest_file: int = Field(ge=1024)
    largest_rows: int = Field(ge=1)
    files: int = Field(ge=1)
    keep_hours: float = Field(gt=0)
    rating: float | None = Field(ge=1, le=5)


class GatewayConfig(_GatewaySection):
    """See gateway.yaml."""

    engine: Literal["torch", "llama_cpp", "openai"]
    queue: int = Field(ge=1)
    largest_body: int = Field(ge=1024)
    largest_upload: int = Field(ge=1024)
    invited_share: float = Field(ge=0, le=1)
    seconds: TimeLimits
    journal: JournalConfig
    per_key: KeyLimits
    allowed_hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    unsaid: UnsaidConfig
    sources: SourcesConfig
    fine_tuning: FineTuningConfig
    torch: EmbeddedConfig
    llama_cpp: LlamaCppConfig
    openai: ServerConfig
