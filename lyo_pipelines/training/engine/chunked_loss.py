"""Output head and loss together, a thousand rows at a time, for a frozen head: the logits of a batch never stand in memory.

Gemma-2's head has 256,000 words: the logits of 8,000 answer tokens, their soft cap and their gradient are 17 GB, and each is read
and written several times. Here the gradient of the head's input is made in the same pass, and nothing else is kept.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from lyo_pipelines.training.dimensions import LLAMA_LIKE
from lyo_pipelines.training.memory import CHUNK_ROWS

ROWS = CHUNK_ROWS
"""Enough to fill a GPU."""


def can_be_chunked(model: Any, head: nn.Module) -> bool:
    """Whether logits are head(x), soft-capped at most, of a frozen head without bias: true of the families known here."""
    return (
        model.config.model_type in LLAMA_LIKE
        and type(head) is nn.Linear
        and head.bias is None
        and not head.weight.requires_grad
    )


def chunked_losses(model: Any, head: nn.Module, hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """float32[n]: negative log-likelihood of each target. hidden: [n, size], what the head would see."""
    cap = getattr(model.config, "final_logit_softcapping", None)
    return _HeadAndLosses.apply(hidden, head.weight, targets, cap)


class _HeadAndLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> torch.Tensor:
        hidden, weight, targets, cap = inputs
        losses = torch.empty(hidden.shape[0], dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for start in range(0, hidden.shape[0], ROWS):
            part = slice(start, start + ROWS)
            target = targets[part].unsqueeze(1)
            logits = hidden[part] @ weight.t()
            capped = torch.tanh(logits / cap) if cap else None  # in the model's own dtype, as the model does it
            shares = torch.log_softmax((logits if capped is None else capped * cap).float(), dim=-1)
            losses[part] = -shares.gather(1, target).squeeze(1)
            if gradient is None:
                continue
            shares.exp_().scatter_add_(1, target, torch.full_like(target, -1, dtype=shares.dtype))
            if capped is not None:
                shares.mul_(1 - capped.float().square_())
            gradient[part] = shares.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[Any, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0].unsqueeze(1).to(gradient.dtype), None, None, None
