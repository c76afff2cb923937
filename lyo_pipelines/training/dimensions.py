"""The dimensions of a base model: how many weights of which kind, from its config.json or from the table of the registered models.

Light: no torch. What memory a training on it takes belongs to memory.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines.training.base_models import find_base_model

LLAMA_LIKE = ("llama", "mistral", "gemma", "gemma2", "qwen2", "qwen3")
_T5_BUCKETS = 32


@dataclass(frozen=True)
class ModelDimensions:
    """One transformer. `decoder_layers` is 0 but for encoder-decoders; `positions`: the longest row it knows, or None."""

    family: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied: bool
    gated: bool = True
    decoder_layers: int = 0
    positions: int | None = None

    @property
    def queries(self) -> int:
        """Width of the query, and of the attention's output."""
        return self.heads * self.head_dim

    @property
    def keys(self) -> int:
        """Width of the keys, and of the values."""
        return self.kv_heads * self.head_dim

    @property
    def block_linear(self) -> tuple[tuple[int, int], ...]:
        """(in, out) of each linear layer of one block (an encoder's block for an encoder-decoder)."""
        attention = (
            ((self.hidden, 3 * self.hidden), (self.hidden, self.hidden))
            if self.family == "gpt2"
            else (
                (self.hidden, self.queries),
                (self.hidden, self.keys),
                (self.hidden, self.keys),
                (self.queries, self.hidden),
            )
        )
        mlp = ((self.hidden, self.intermediate),) * (2 if self.gated else 1) + ((self.intermediate, self.hidden),)
        return attention + mlp

    @property
    def linear_layers(self) -> tuple[tuple[int, int], ...]:
        """(in, out) of every linear layer that LoRA sits on: all but the output head."""
        cross = self.block_linear[:4] * self.decoder_layers
        return self.block_linear * (self.layers + self.decoder_layers) + cross

    @property
    def linear(self) -> int:
        """Weights of all linear layers but the head."""
        return sum(inside * outside for inside, outside in self.linear_layers)

    @property
    def head(self) -> int:
        """Weights of the output head."""
        return self.vocab * self.hidden

    @property
    def parameters(self) -> int:
        """All weights, exactly."""
        embeddings = self.head * (1 if self.tied else 2)
        if self.family == "gpt2":
            small = self.layers * (4 * self.hidden + sum(outside for _, outside in self.block_linear)) + 2 * self.hidden
            return embeddings + (self.positions or 0) * self.hidden + self.linear + small
        if self.decoder_layers:
            norms = (2 * self.layers + 3 * self.decoder_layers + 2) * self.hidden
            return embeddings + self.linear + norms + 2 * _T5_BUCKETS * self.heads
        norms = (4 if self.family == "gemma2" else 2) * self.layers + 1
        return embeddings + self.linear + norms * self.hidden

    def lora(self, r: int) -> int:
        """Weights of a LoRA adapter of rank r on all linear layers."""
        return sum(r * (inside + outside) for inside, outside in self.linear_layers)


def dimensions_of_config(
    config: dict[str, Any],
) -> ModelDimensions | None:  # every architecture has a config.json of its own
    """The dimensions that a config.json describes, or None for an architecture that is not known here."""
    family = str(config.get("model_type"))
    if family in LLAMA_LIKE:
        hidden, heads = config["hidden_size"], config["num_attention_heads"]
        return ModelDimensions(
            family=family,
            hidden=hidden,
            intermediate=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or hidden // heads,
            vocab=config["vocab_size"],
            tied=config.get("tie_word_embeddings", family.startswith("gemma")),
            positions=config.get("max_position_embeddings"),
        )
    if family == "gpt2":
        hidden, heads = config["n_embd"], config["n_head"]
        return ModelDimensions(
            family, hidden, config.get("n_inner") or 4 * hidden, config["n_layer"], heads, heads, hidden // heads,
            config["vocab_size"], tied=True, gated=False, positions=config["n_positions"],
        )  # fmt: skip
    if family == "t5":
        heads, layers = config["num_heads"], config["num_layers"]
        gated = "gated" in config.get("feed_forward_proj", "relu")
        return ModelDimensions(
            family, config["d_model"], config["d_ff"], layers, heads, heads, config["d_kv"], config["vocab_size"],
            tied=config.get("tie_word_embeddings", True), gated=gated, decoder_layers=config.get("num_decoder_layers") or layers,
        )  # fmt: skip
    return None


REGISTERED = {
    "smollm2-135m-instruct": ModelDimensions("llama", 576, 1536, 30, 9, 3, 64, 49152, tied=True, positions=8192),
    "gemma-2-2b-it": ModelDimensions("gemma2", 2304, 9216, 26, 8, 4, 256, 256000, tied=True, positions=8192),
    "mistral-7b-instruct": ModelDimensions("mistral", 4096, 14336, 32, 32, 8, 128, 32768, tied=False, positions=32768),
    "llama-2-7b-chat": ModelDimensions("llama", 4096, 11008, 32, 32, 32, 128, 32000, tied=False, positions=4096),
    "dialogpt-medium": ModelDimensions(
        "gpt2", 1024, 4096, 24, 16, 16, 64, 50257, tied=True, gated=False, positions=1024
    ),
    "flan-t5-base": ModelDimensions("t5", 768, 2048, 12, 12, 12, 64, 32128, tied=False, decoder_layers=12),
}
"""By name in base_models.py, so that an estimate needs no download."""


def dimensions_of(name: str, folder: Path | None) -> ModelDimensions | None:
    """The dimensions of a base model from the folder that holds it, else by its registered name; None where neither is known."""
    if folder is not None and (folder / "config.json").is_file():
        return dimensions_of_config(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    known = find_base_model(name)
    return REGISTERED.get(known.name) if known else None
