"""What llama.cpp calls a base model's architecture, its sizes, and which rows of its weights it keeps in another order.

The names are those of the `gguf` package's tensor maps; what is not known to come out right is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lyo_pipelines.export.errors import CannotExportError

KNOWN = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma2": "gemma2"}
"""`config.model_type` -> architecture in GGUF."""
_PERMUTED = frozenset({"llama"})
"""Architectures whose rotary positions llama.cpp turns pair by pair, so that the rows of q and k lie interleaved."""
_ACTIVATIONS = {"llama": {"silu"}, "qwen2": {"silu"}, "qwen3": {"silu"}, "gemma2": {"gelu_pytorch_tanh", "gelu_tanh"}}
_ELSEWHERE = "Use `lyo merge` (or --to merged) and a server that reads transformers folders, such as vLLM."

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Architecture:
    """A base model as llama.cpp knows it. name: of the architecture; values: metadata by GGUF key, without that name before it."""

    name: str
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool
    values: Mapping[str, int | float | str]
    rope_factors: Weights | None = None

    def arranged(self, name: str, weights: Weights) -> Weights:
        """A tensor of transformers (its name without .weight or .bias) as llama.cpp keeps it. weights: [out, ...].

        Rows of q and k: from two halves of a head to pairs, as the rotary embedding reads them; the same for lora_B, whose rows are
        those of the weight. Gemma's norms are kept with their one added.
        """
        heads = {"q_proj": self.heads, "k_proj": self.kv_heads}.get(name.rpartition(".")[2])
        if self.name in _PERMUTED and heads:
            size = weights.shape[0] // heads
            return weights.reshape(heads, 2, size // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)
        if self.name == "gemma2" and name.endswith("norm"):
            return weights + np.float32(1)
        return weights


def architecture_of(config: Mapping[str, Any]) -> Architecture:
    """Read a model's configuration (config.json as transformers understands it). Raises CannotExportError."""
    kind = str(config.get("model_type"))
    name = KNOWN.get(kind)
    if name is None:
        raise CannotExportError(
            f"a base model of the architecture {kind!r} is not written as GGUF here (known: {', '.join(KNOWN)})",
            hint=_ELSEWHERE,
        )
    if (activation := config.get("hidden_act") or config.get("hidden_activation")) not in _ACTIVATIONS[name]:
        raise CannotExportError(f"llama.cpp has no {name} with the activation {activation!r}", hint=_ELSEWHERE)
    heads = int(config["num_attention_heads"])
    kv_heads = int(config.get("num_key_value_heads") or heads)
    head_size = int(config.get("head_dim") or config["hidden_size"] // heads)
    values: dict[str, int | float | str] = {
        "block_count": int(config["num_hidden_layers"]),
        "context_length": _context(kind, config),
        "embedding_length": int(config["hidden_size"]),
        "feed_forward_length": int(config["intermediate_size"]),
        "attention.head_count": heads,
        "attention.head_count_kv": kv_heads,
        "attention.key_length": head_size,
        "attention.value_length": head_size,
        "attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "vocab_size": int(config["vocab_size"]),
        "rope.dimension_count": head_size,
    }
    rope = config.get("rope_parameters") or {}
    values["rope.freq_base"] = float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    factors = _scaled(rope, head_size, values)
    if name == "gemma2":
        _gemma2(config, head_size, values)
    return Architecture(
        name, int(config["num_hidden_layers"]), heads, kv_heads, int(config["vocab_size"]),
        bool(config.get("tie_word_embeddings")), values, factors,
    )  # fmt: skip


def _context(kind: str, config: Mapping[str, Any]) -> int:
    """Tokens that the model may read: where llama.cpp knows no sliding window, as many as are read alike without one."""
    positions = int(config["max_position_embeddings"])
    window = config.get("sliding_window")
    if kind == "gemma2" or not window or config.get("use_sliding_window") is False:
        return positions
    return min(positions, int(window))


def _scaled(rope: Mapping[str, Any], head_size: int, values: dict[str, int | float | str]) -> Weights | None:
    """Write how rotary positions are stretched; returns the factors of each frequency where that is how they are."""
    kind = rope.get("rope_type") or "default"
    if kind == "default":
        return None
    if kind == "linear":
        values |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(rope["factor"])}
        return None
    if kind == "yarn" and rope.get("original_max_position_embeddings"):
        values |= {
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": float(rope["factor"]),
            "rope.scaling.original_context_length": int(rope["original_max_position_embeddings"]),
        }
        return None
    if kind == "llama3":
        return _llama3_factors(rope, head_size)
    raise CannotExportError(f"rotary positions of type {kind!r} are not written as GGUF here", hint=_ELSEWHERE)


def _llama3_factors(rope: Mapping[str, Any], head_size: int) -> Weights:
    """What each frequency is divided by: long waves by `factor`, short ones by nothing, those between by something between.

    Source: Llama 3.1's own scaling (Grattafiori et al. 2024, https://arxiv.org/abs/2407.21783), as transformers computes it.
    """
    base, factor = float(rope.get("rope_theta") or 500_000.0), float(rope["factor"])
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    trained = float(rope["original_max_position_embeddings"])
    waves = 2 * math.pi * base ** (np.arange(0, head_size, 2, dtype=np.float64) / head_size)
    smooth = np.clip((trained / waves - low) / (high - low), 0.0, 1.0)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


def _gemma2(config: Mapping[str, Any], head_size: int, values: dict[str, int | float | str]) -> None:
    if int(config.get("query_pre_attn_scalar") or head_size) != head_size:
        raise CannotExportError(
            f"llama.cpp scales Gemma-2's attention by the size of a head ({head_size}), this model by "
            f"{config['query_pre_attn_scalar']}",
            hint=_ELSEWHERE,
        )
    values |= {
        "attn_logit_softcapping": float(config["attn_logit_softcapping"]),
        "final_logit_softcapping": float(config["final_logit_softcapping"]),
        "attention.sliding_window": int(config["sliding_window"]),
    }
