"""LoRA by peft on the right layers of each architecture: all linear layers of attention and MLP."""

from __future__ import annotations

import re
from typing import Any

import peft
import torch

from lyo_pipelines.training.recipes import Lora

_LLAMA_LIKE = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TARGET_MODULES = {
    "llama": _LLAMA_LIKE,
    "mistral": _LLAMA_LIKE,
    "gemma": _LLAMA_LIKE,
    "gemma2": _LLAMA_LIKE,
    "qwen2": _LLAMA_LIKE,
    "qwen3": _LLAMA_LIKE,
    "gpt2": ["c_attn", "c_proj", "c_fc"],
    "t5": ["q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"],
}
"""By `config.model_type`. Another architecture gets peft's own rule "all-linear" (every linear layer but the output head)."""


def add_lora(model: Any, lora: Lora, seed: int) -> Any:
    """Freeze the model and put LoRA on it; the adapter's weights are float32 whatever the base model's dtype is.

    A is drawn from the seed, B is zero: before the first step the adapted model is the base model.
    """
    torch.manual_seed(seed)
    family = model.config.model_type
    config = peft.LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,  # pyright: ignore[reportArgumentType] - typed int, used as a factor
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules or words_alone(model) or TARGET_MODULES.get(family, "all-linear"),
        fan_in_fan_out=family == "gpt2",  # GPT-2 keeps its linear layers transposed (Conv1D)
        task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
    )
    adapted = peft.get_peft_model(model, config, autocast_adapter_dtype=True)
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return adapted


def words_alone(model: Any) -> str | None:
    """The linear layers of the part that reads words, as a pattern, for a model that sees: its eyes stay as they are. None for others.

    The layers of both have the same names in most models (q_proj …), so names alone would adapt both.
    """
    if not hasattr(model.config, "vision_config"):
        return None
    words = model.get_decoder()
    place = next(name for name, module in model.named_modules() if module is words)
    layers = {name.rpartition(".")[2] for name, module in words.named_modules() if isinstance(module, torch.nn.Linear)}
    return rf"(?:.*\.)?{re.escape(place)}\..*\.(?:{'|'.join(sorted(layers))})"


def trainable_parameters(model: Any) -> int:
    """How many weights are learnt."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
