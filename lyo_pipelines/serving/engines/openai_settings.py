"""Which server answers, what it may be asked, and how long it is waited for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.probes import Quantisation


class MissingKeyError(LyoError):
    """The variable that holds the server's key is not set."""


@dataclass(frozen=True)
class OpenAISettings:
    """base_url: of the server, with or without /v1. base: our name or folder of the base model; served_base: the server's name for it
    ("": the same). kind: vllm loads and unloads adapters from here; plain has those that it was started with.

    key_variable: environment variable with the key; "" for none. adapters_at: where the lake's adapters lie for the server, when it
    runs in a container of its own; lake_adapters: where they lie here. adapters: loaded at once; max_lora_rank: as the server was
    started. quantisation: of the base there. connect, first_token, between_tokens: seconds. at_once: answers asked for at once.
    unproved: serve adapters whose log-probabilities the server does not tell.
    """

    base_url: str
    base: str
    models_dir: Path = field(default_factory=Path)
    served_base: str = ""
    kind: Literal["vllm", "plain"] = "vllm"
    key_variable: str = ""
    lake_adapters: Path | None = None
    adapters_at: str = ""
    adapters: int = 16
    max_lora_rank: int = 16
    quantisation: Quantisation = "bfloat16"
    context: int = 8192
    connect: float = 5.0
    first_token: float = 60.0
    between_tokens: float = 30.0
    at_once: int = 256
    retry_after: float = 2.0
    unproved: bool = False

    def __post_init__(self) -> None:
        if not self.served_base:
            object.__setattr__(self, "served_base", self.base)

    @property
    def root(self) -> str:
        """The address without /v1."""
        return self.base_url.rstrip("/").removesuffix("/v1").rstrip("/")

    @property
    def loads(self) -> bool:
        """Whether adapters are loaded from here."""
        return self.kind == "vllm"

    @property
    def tokens(self) -> bool:
        """Whether prompts are sent as token ids."""
        return self.kind == "vllm"


def key_from_environment(settings: OpenAISettings) -> str:
    """The server's key; "" where none is wanted. Raises MissingKeyError."""
    if not settings.key_variable:
        return ""
    key = os.environ.get(settings.key_variable, "").strip()
    if not key:
        raise MissingKeyError(
            f"{settings.root} wants a key, and {settings.key_variable} is not set",
            hint=f"Set the environment variable {settings.key_variable}.",
        )
    return key
