"""The loss of an answer: weighted negative log-likelihood of its tokens, projecting only those positions through the output head.

A head of 49,000 words costs a fifth of a small model's work; a prompt's positions are not in the loss and need none of it.
The selection is a hook before the head, so that scaling and soft-capping stay the model's own code, for every architecture.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.parallel import DistributedDataParallel

from lyo_pipelines.training.engine.chunked_loss import can_be_chunked, chunked_losses
from lyo_pipelines.training.engine.data import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU_ROWS, GPU_ROWS = 32, 1024
"""Rows of logits that are worked on at a time."""
MODEL_INPUTS = (
    *("input_ids", "attention_mask", "position_ids", "decoder_input_ids"),
    *("pixel_values", "pixel_attention_mask", "image_sizes", "image_grid_thw"),
)


def token_losses(
    model: Any,
    batch: dict[str, torch.Tensor],
    *,
    encoder_decoder: bool,
    loss_positions_only: bool = True,
    chunked: bool | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (losses, weights), float32[answer tokens]: each answer token's negative log-likelihood and its example's weight.

    chunked: head and loss together, see chunked_loss.py; None: on a GPU, where the head allows it.
    """
    labels, weights = batch["labels"], batch["weights"]
    inputs = {name: batch[name] for name in MODEL_INPUTS if name in batch}
    if encoder_decoder:
        inputs["decoder_input_ids"] = shifted_right(model, labels)
        shift = 0
    else:
        # padding stands on the right, so a causal model never sees it from a real token: no mask, and the faster attention kernel
        inputs.pop("attention_mask", None)
        shift = 1
    targets = labels[:, shift:]
    in_loss = targets != IGNORED
    length = targets.shape[1]
    head = head_of(model)
    if chunked is None:
        chunked = loss_positions_only and labels.is_cuda and can_be_chunked(plain_model(model), head)
    if chunked:
        with _caught(head, in_loss, length) as caught:
            model(**inputs, use_cache=False)
        return chunked_losses(plain_model(model), head, caught[0], targets[in_loss]), weights[:, shift:][in_loss]
    if loss_positions_only:
        with _only(head, in_loss, length):
            logits = model(**inputs, use_cache=False).logits[0]
    else:
        logits = model(**inputs, use_cache=False).logits[:, :length][in_loss]
    return _TokenLosses.apply(logits, targets[in_loss]), weights[:, shift:][in_loss]


class _TokenLosses(torch.autograd.Function):
    """Cross entropy of each row, float32[n], for logits [n, words]; its gradient is made in the same pass, a few rows at a time.

    The usual way makes three float32 copies of the logits (cast, log-softmax, gradient), larger than anything else in a
    small model; here the float32 part is one block that stays in the cache.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: torch.Tensor) -> torch.Tensor:
        logits, targets = inputs
        losses = torch.empty(logits.shape[0], dtype=torch.float32, device=logits.device)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        rows = CPU_ROWS if logits.device.type == "cpu" else GPU_ROWS
        for start in range(0, logits.shape[0], rows):
            part = slice(start, start + rows)
            target = targets[part].unsqueeze(1)
            shares = torch.log_softmax(logits[part].float(), dim=-1)
            losses[part] = -shares.gather(1, target).squeeze(1)
            if gradient is not None:
                shares.exp_().scatter_add_(1, target, torch.full_like(target, -1, dtype=shares.dtype))
                gradient[part] = shares
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[Any, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0].unsqueeze(1).to(gradient.dtype), None


def plain_model(model: Any) -> Any:
    """The transformers model inside one that is wrapped for several processes, for peft, or both; or the model itself."""
    model = model.module if isinstance(model, DistributedDataParallel) else model
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def shifted_right(model: Any, labels: torch.Tensor) -> torch.Tensor:
    """What the decoder of an encoder-decoder reads while it writes these labels."""
    return plain_model(model)._shift_right(labels.masked_fill(labels == IGNORED, 0))


def head_of(model: Any) -> torch.nn.Module:
    """The output head of a peft-wrapped or plain model."""
    return plain_model(model).get_output_embeddings()


@contextmanager
def _only(head: torch.nn.Module, chosen: torch.Tensor, length: int) -> Iterator[None]:
    """Let the head see only the chosen positions: [batch, length, hidden] becomes [1, chosen, hidden]."""

    def select(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (args[0][:, :length][chosen].unsqueeze(0), *args[1:])

    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _caught(head: torch.nn.Module, chosen: torch.Tensor, length: int) -> Iterator[list[torch.Tensor]]:
    """Yield a list that gets the head's input at the chosen positions; the head itself works on one position and is not used."""
    caught: list[torch.Tensor] = []

    def catch(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        caught.append(args[0][:, :length][chosen])
        return (args[0][:, :1].detach(), *args[1:])

    handle = head.register_forward_pre_hook(catch)
    try:
        yield caught
    finally:
        handle.remove()
