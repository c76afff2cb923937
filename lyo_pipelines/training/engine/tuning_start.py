"""The adapter that a tuning starts from: whether it fits the recipe, and how it is loaded to be learnt further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft

from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.fused_lora import fuse_lora
from lyo_pipelines.training.engine.model_building import DTYPES
from lyo_pipelines.training.engine.session import Session
from lyo_pipelines.training.hub import is_same_base
from lyo_pipelines.training.plan import TrainingResult, UnfitStartError, read_adapter
from lyo_pipelines.training.recipes import Recipe


def fit_to_start_from(start: Path, recipe: Recipe) -> TrainingResult:
    """The adapter that training starts from. Raises UnfitStartError when it is another kind of model or another base."""
    adapter = read_adapter(start)
    if adapter.manifest.is_whole_model:
        raise UnfitStartError(f"{adapter.version} is a whole model: {recipe.method} starts from a LoRA adapter.")
    if not is_same_base(adapter.base_model, recipe.base_model):
        raise UnfitStartError(
            f"{adapter.version} is an adapter of {adapter.base_model}, the recipe's base model is {recipe.base_model}: "
            f"--set base_model={adapter.base_model}"
        )
    return adapter


def load_to_tune(session: Session, start: Path, *, short_rows: bool, four_bit: bool) -> Any:
    """The base model with the adapter to tune; its weights are float32, and its base in 4 bits, as in the training that made it.

    short_rows: attention may be the kernel for short rows on a CPU.
    """
    recipe = session.recipe
    model = base.load_model(
        session.source,
        dtype=DTYPES[training_dtype(recipe, session.device)],
        attention=recipe.speed.attention,
        short_rows=short_rows and session.device == "cpu",
        four_bit_on=session.device if four_bit else None,
    )
    if model.config.is_encoder_decoder:
        raise UnfitStartError(f"{recipe.method} needs a causal base model; {recipe.base_model} is an encoder-decoder.")
    adapted = peft.PeftModel.from_pretrained(model, str(start), is_trainable=True)
    learn_in_float32(adapted)
    if recipe.speed.fused_lora:
        fuse_lora(adapted)  # whichever adapter is active, the tuned one or its reference
    return adapted if four_bit else adapted.to(session.device)  # 4-bit weights were made where they stay


def learn_in_float32(model: Any) -> None:
    """What is learnt, in float32: small steps are lost in bfloat16."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
