"""How much memory asking a model takes, part by part, and how many items can be asked together in what is free.

Light: no torch. What a training takes stands in training/memory.py; whoever runs out all the same halves its batches
(engine/batch_halving.py).
"""

from __future__ import annotations

from collections.abc import Callable

from lyo_pipelines.training.dimensions import ModelDimensions
from lyo_pipelines.training.memory import PROCESS_BYTES, MemoryEstimate, base_weights

USABLE = 0.85
"""Share of the free memory that is planned with: blocks do not fit together without gaps."""
LONGEST_ANSWER = 512
"""Tokens that an answer may have where the configuration says nothing; the references may ask for less."""
_ADAPTER_RANK = 16


def estimate_answers(
    dimensions: ModelDimensions, *, batch: int, prompt: int, answer: int, four_bit: bool, size: int, device: str
) -> MemoryEstimate:
    """Bytes at the peak of answering. batch: rows together; prompt, answer: their longest, in tokens; size: bytes of a number.

    device: "cpu" or "cuda". The peak is the reading of the prompts or the last token, whichever is larger.
    """
    tokens = batch * prompt
    keys = 2 * dimensions.layers * dimensions.keys * size
    # one block's work at a time: its input, normalised in float32, queries, keys, values, and both branches of the MLP
    block = tokens * (
        size * (2 * dimensions.hidden + 2 * dimensions.queries + 2 * dimensions.keys) + 4 * dimensions.hidden
    )
    block += tokens * size * 3 * dimensions.intermediate
    if dimensions.family in {"gemma2", "gpt2", "t5"}:  # attention that writes its scores out, partly in float32
        block += batch * dimensions.heads * prompt * prompt * (4 + size)
    return MemoryEstimate(
        {
            "weights": round(base_weights(dimensions, size, four_bit=four_bit)),
            "adapter": size * dimensions.lora(_ADAPTER_RANK),
            "cache": batch * (prompt + answer) * keys,
            "work": round(block + (_largest_layer(dimensions) * size if four_bit else 0)),
            "logits": batch * dimensions.vocab * (2 * size + 4),
            "overhead": PROCESS_BYTES[device],
        }
    )


def largest_fitting(wanted: int, needed: Callable[[int], float], free: float) -> int:
    """The largest of wanted, wanted / 2, … rows together that fit; 1 where not even that is known to. needed: bytes of so many."""
    batch = wanted
    while batch > 1 and needed(batch) > USABLE * free:
        batch = (batch + 1) // 2
    return batch


def _largest_layer(dimensions: ModelDimensions) -> int:
    """Weights of the layer that needs most room while it is multiplied: 4-bit weights are unpacked one layer at a time."""
    return max(inside * outside for inside, outside in dimensions.block_linear)
