"""How much memory a training takes, part by part, from the base model's dimensions and the recipe; and how much is free.

Light: no torch but for asking a GPU what is free. The bytes per token follow from which tensors PyTorch keeps for the way
back; benchmarks/training_memory.py holds them against what real trainings used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.dimensions import LLAMA_LIKE, ModelDimensions
from lyo_pipelines.training.dtypes import Dtype
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD, Recipe

PROCESS_BYTES = {"cpu": 780_000_000, "cuda": 900_000_000}
"""Python and the libraries on a CPU; the context and the kernels' work space on a GPU."""
SHORT_ROWS_TOKENS = 1024
"""Longest row for which training on a CPU takes the attention kernel that keeps its scores (engine/attention.py)."""
KEEPS_SCORES = LLAMA_LIKE
"""The families that have it."""
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of one weight in 4 bits: 64 of them share a scale of 8 bits, 256 scales one of 32."""
SLACK = 0.12
"""Share of the activations that the allocator holds beside them: blocks of sizes that do not fit together."""
SPLIT = ("weights", "adapter", "gradients", "optimizer")
"""The parts of which each process holds its share under FSDP; of the weights also one whole block at a time."""
CHUNK_ROWS = 1024
"""Rows of logits worked on at a time on a GPU (engine/chunked_loss.py)."""
GB = 1e9


class TooLittleMemoryError(LyoError):
    """A training would not fit; the message says what it needs and what to do."""


@dataclass(frozen=True)
class LargestBatch:
    """The micro-batch that needs most: tokens with padding, tokens in the loss, how long its rows are, and its longest example.

    Of an encoder-decoder, `tokens` are the encoder's and `in_loss` the decoder's.
    """

    tokens: int
    in_loss: int
    width: int
    longest: int


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by part."""

    parts: dict[str, int]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        inside = ", ".join(f"{name} {size / GB:.2f}" for name, size in self.parts.items())
        return f"{self.total / GB:.1f} GB ({inside})"


def largest_batch(recipe: Recipe, task: str) -> LargestBatch:
    """What a recipe allows at most for a task, when the rows are not known yet: every example full, half of it an answer."""
    width = recipe.batch.max_length_of(task)
    tokens = recipe.batch.size * width
    row = tokens if recipe.batch.padding_free else width
    return LargestBatch(tokens=tokens, in_loss=tokens // 2, width=row, longest=width)


def estimate_memory(
    dimensions: ModelDimensions,
    recipe: Recipe,
    batch: LargestBatch,
    device: str,
    *,
    dtype: Dtype | None = None,
    processes: int = 1,
) -> MemoryEstimate:
    """What a training will need at its peak, of one GPU or of the machine. device: "cpu" or "cuda"; dtype: of its products there
    (default: the recipe's); processes: that train on this machine, a GPU each, or on a CPU sharing the memory.
    """
    size = 4 if (dtype or recipe.dtype) == "float32" else 2
    full = recipe.method == "full"
    learnt = dimensions.parameters if full else dimensions.lora(recipe.lora.r)
    weights = base_weights(dimensions, 4 if full else size, four_bit=recipe.method == FOUR_BIT_METHOD)
    if full and size == 2:
        weights += 2 * (dimensions.linear + dimensions.head)  # autocast keeps a bfloat16 copy of what it multiplies
    activations = _activations(dimensions, recipe, batch, size, device)
    overhead = PROCESS_BYTES[device] + SLACK * activations
    parts = {
        "weights": weights,
        "adapter": 0 if full else 4 * learnt,
        "gradients": 4 * learnt,
        "optimizer": 8 * learnt,
        "activations": activations,
        "logits": _logits(dimensions, recipe, batch, size, device),
        "overhead": overhead,
    }
    if recipe.sharding == "fsdp":
        whole_block = (weights + 4 * learnt) / max(dimensions.layers + dimensions.decoder_layers, 1)
        parts |= {name: parts[name] / (processes * recipe.nodes) for name in SPLIT}
        parts["weights"] += whole_block
    times = processes if device == "cpu" else 1
    return MemoryEstimate({name: round(value * times) for name, value in parts.items()})


def base_weights(dimensions: ModelDimensions, size: int, *, four_bit: bool) -> float:
    """Bytes of a base model's weights, in numbers of `size` bytes; four_bit: but for those of its linear layers."""
    packed = dimensions.linear if four_bit else 0
    return float((dimensions.parameters - packed) * size + packed * NF4_BYTES)


def _logits(dimensions: ModelDimensions, recipe: Recipe, batch: LargestBatch, size: int, device: str) -> float:
    head_input = size * batch.in_loss * dimensions.hidden
    chunked = device == "cuda" and recipe.method != "full" and dimensions.family in LLAMA_LIKE
    if (
        chunked and recipe.speed.loss_positions_only
    ):  # engine/chunked_loss.py: a thousand rows at a time, partly in float32
        return min(batch.in_loss, CHUNK_ROWS) * dimensions.vocab * (8 + 3 * size) + 2 * head_input
    # logits, their gradient, and the product of it with what comes back; Gemma-2's soft cap keeps one more
    copies = 4 if dimensions.family == "gemma2" else 3
    others = 0 if recipe.speed.loss_positions_only else 2 * size * (batch.tokens - batch.in_loss) * dimensions.vocab
    return copies * size * batch.in_loss * dimensions.vocab + others + head_input


def _activations(dimensions: ModelDimensions, recipe: Recipe, batch: LargestBatch, size: int, device: str) -> float:
    block = _per_token(dimensions, recipe, batch, size, device) * batch.tokens
    between = size * dimensions.hidden * batch.tokens
    encoder = (
        (between * dimensions.layers + block) if recipe.speed.gradient_checkpointing else block * dimensions.layers
    )
    if not dimensions.decoder_layers:
        return encoder
    # a decoder's block attends twice; its rows are the answers
    decoder_block = 1.5 * _per_token(dimensions, recipe, batch, size, device) * batch.in_loss
    if recipe.speed.gradient_checkpointing:
        return encoder + size * dimensions.hidden * batch.in_loss * dimensions.decoder_layers + decoder_block
    return encoder + decoder_block * dimensions.decoder_layers


def _per_token(dimensions: ModelDimensions, recipe: Recipe, batch: LargestBatch, size: int, device: str) -> float:
    """Bytes that one token leaves in one block for the way back."""
    hidden, wide, queries, keys = dimensions.hidden, dimensions.intermediate, dimensions.queries, dimensions.keys
    norms = 4 if dimensions.family == "gemma2" else 2
    kept = 0.0 if recipe.speed.compile else norms * 4 * hidden  # normalised in float32; a compiled block makes it anew
    kept += size * (queries + 2 * keys + queries)  # queries, keys, values and what attention gives
    kept += _scores(dimensions, recipe, batch, size, device)
    # both branches of the MLP and the activation; GPT-2's and T5's gelu is written out in six operations
    kept += size * wide * ((3 if dimensions.gated else 2) + (5 if dimensions.family in {"gpt2", "t5"} else 0))
    inputs = (
        (hidden, 1 if dimensions.family == "gpt2" else 3),
        (queries, 1),
        (hidden, 2 if dimensions.gated else 1),
        (wide, 1),
    )
    for inside, layers in inputs:
        kept += _linear_input(inside, layers, recipe, size, device, fused=dimensions.family != "gpt2")
    return kept


def _linear_input(inside: int, layers: int, recipe: Recipe, size: int, device: str, *, fused: bool) -> float:
    """Bytes kept of an input that `layers` linear layers share: the input once where it is shared, a dropout mask for each."""
    dropout = recipe.lora.dropout > 0
    if recipe.method == "full":
        copies = layers if size == 2 else 1  # autocast casts the input for each layer anew
        return float(size * inside * copies)
    if recipe.method == "lora" and recipe.speed.fused_lora and fused:
        return float(size * inside + (layers * inside * (size if device == "cpu" else 1) if dropout else 0))
    # peft works in the adapter's float32: for each layer the dropped-out input and its mask, which is float32 too on a CPU
    mask = 0 if not dropout else 4 if device == "cpu" else 1
    return float(layers * inside * (4 + mask))


def _scores(dimensions: ModelDimensions, recipe: Recipe, batch: LargestBatch, size: int, device: str) -> float:
    """Bytes of attention scores kept for one token; the fused kernels keep none."""
    wanted, width = recipe.speed.attention, batch.width
    short = device == "cpu" and batch.longest <= SHORT_ROWS_TOKENS and dimensions.family in KEEPS_SCORES
    softcapped = dimensions.family == "gemma2"
    if dimensions.family == "gpt2" and device == "cpu" and wanted == "auto":
        return float(
            12 * dimensions.heads * width
        )  # its dropout on scores takes PyTorch's plain path there, in float32
    if wanted == "eager" or dimensions.family == "t5" or (wanted == "auto" and softcapped and not short):
        return float((4 + size + (size if softcapped else 0)) * dimensions.heads * width)
    if wanted == "auto" and short:
        return float(size * dimensions.heads * width * (2 if softcapped else 1))
    return 0.0


def free_bytes(device: str) -> int:
    """What is free now: of the GPU, or of the machine and of the container that this process runs in."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    free = psutil.virtual_memory().available
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    return min(free, max(0, limit - used)) if limit is not None and used is not None else free


def require_memory(
    needed: MemoryEstimate, recipe: Recipe, device: str, free: Callable[[str], int] = free_bytes
) -> None:
    """Raise TooLittleMemoryError when the estimate is far beyond what is free; `memory.refuse_above` says how far."""
    limit, there = recipe.memory.refuse_above, free(device)
    if limit is None or needed.total <= limit * there:
        return
    where = "GPU memory" if device == "cuda" else "memory"
    raise TooLittleMemoryError(
        f"this training needs about {needed} and {there / GB:.1f} GB of {where} are free. {_advice(recipe)} "
        "If the estimate is wrong for you: --set memory.refuse_above=null."
    )


def _advice(recipe: Recipe) -> str:
    ways = []
    if recipe.batch.size > 1:
        ways.append("lower batch.size and raise batch.accumulation")
    if not recipe.speed.gradient_checkpointing:
        ways.append("set speed.gradient_checkpointing=true")
    ways.append("lower batch.max_length")
    ways.append({"full": "train an adapter (method=lora)", "lora": "hold the base model in 4 bits (method=qlora)"}
                .get(recipe.method, "take a smaller base_model"))  # fmt: skip
    return f"Either {', or '.join(ways)}."


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max" stands for no limit
        return None
