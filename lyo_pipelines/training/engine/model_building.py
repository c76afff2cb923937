"""The model that a recipe trains: on its device, in its number format, with its adapter or with all weights free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.flex_attention import flex_attention_forward

from lyo_pipelines.training.base_models import MissingBaseModelError
from lyo_pipelines.training.batches import TrainingPlan
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.chat import Tokens
from lyo_pipelines.training.engine.fused_lora import fuse_lora
from lyo_pipelines.training.engine.lora import add_lora
from lyo_pipelines.training.engine.loss import plain_model
from lyo_pipelines.training.memory import SHORT_ROWS_TOKENS, LargestBatch
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD, Recipe

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def build_model(recipe: Recipe, source: str, device: str, *, longest: int) -> Any:
    """Load the base model and make it ready to be trained. longest: tokens of the longest row."""
    full = recipe.method == "full"
    try:
        model = base.load_model(
            source,
            dtype=torch.float32 if full else DTYPES[training_dtype(recipe, device)],
            attention=recipe.speed.attention,
            short_rows=device == "cpu" and longest <= SHORT_ROWS_TOKENS,
            four_bit_on=device if recipe.method == FOUR_BIT_METHOD else None,
            seeing=recipe.images == "learn",
        )
    except ImportError as error:
        raise MissingBaseModelError(
            f"speed.attention {recipe.speed.attention!r} is not available here: {error}"
        ) from error
    if not full:
        model = add_lora(model, recipe.lora, recipe.seed)
        if recipe.speed.fused_lora:
            fuse_lora(model)
    # 4-bit weights were made where they stay, and a model that will be split goes onto its device part by part
    if recipe.method != FOUR_BIT_METHOD and recipe.sharding != "fsdp":
        model = model.to(device)
    if recipe.speed.compile:
        compile_blocks(model)
    return model


def compile_blocks(model: Any) -> int:
    """Compile each transformer block by itself; returns how many.

    Blocks are equal but for their weights, so one compilation serves them all; what stands around them (embeddings, the head's
    selection of positions) changes its shape at each step and stays as it is. Rows differ in length: shapes are dynamic. Flex
    attention is compiled by itself (transformers does): inside a block its mask would be a part of what is compiled.
    """
    AttentionInterface.register("flex_attention", torch.compiler.disable(flex_attention_forward))
    torch._dynamo.config.recompile_limit = 64  # full and sliding attention, training and validation, the first shapes
    names = plain_model(model)._no_split_modules or ()
    blocks = [module for module in model.modules() if type(module).__name__ in names]
    for block in blocks:
        block.compile(dynamic=True)
    return len(blocks)


def largest_batch(
    plan: TrainingPlan, tokens: Sequence[Tokens], recipe: Recipe, *, encoder_decoder: bool
) -> LargestBatch:
    """The micro-batch of a plan that needs most memory."""
    found = []
    for batch in set(plan.micro_batches):
        rows = [tokens[index] for index in batch]
        prompts, answers = [len(row.prompt) for row in rows], [len(row.answer) for row in rows]
        longest = max(map(len, rows))
        if encoder_decoder:
            width = max(*prompts, *answers)
            found.append(LargestBatch(len(rows) * max(prompts), len(rows) * max(answers), width, longest))
        else:
            row = sum(map(len, rows)) if recipe.batch.padding_free else longest
            count = 1 if recipe.batch.padding_free else len(rows)
            found.append(LargestBatch(count * row, sum(answers), row, longest))
    return max(found, key=lambda batch: (batch.tokens, batch.in_loss))
