"""One autograd step per adapted linear layer: base product, dropout and both LoRA products together.

peft's own forward runs LoRA in float32 beside a bfloat16 base model: casts, three more passes over the activations and slow
products. Here the LoRA products run in the activations' dtype and are added inside the matrix product (`addmm`), while the
adapter's weights, their gradients and the optimizer stay float32. The mathematics is that of peft.tuners.lora.Linear; the
saved adapter is a plain PEFT adapter.
"""

from __future__ import annotations

import types
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import nn


def fuse_lora(model: nn.Module) -> int:
    """Replace the training forward of every plain LoRA linear layer; returns how many. Other layers keep peft's forward."""
    fused = 0
    for module in model.modules():
        if not isinstance(module, Linear) or type(module.base_layer) is not nn.Linear or len(module.lora_A) != 1:
            continue
        if module.lora_variant or module.fan_in_fan_out or module.base_layer.weight.requires_grad:
            continue
        module.forward = types.MethodType(_forward, module)
        fused += 1
    return fused


def _forward(self: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    if self.disable_adapters or self.merged or len(self.active_adapters) != 1 or args or kwargs:
        return Linear.forward(self, x, *args, **kwargs)
    name = self.active_adapters[0]
    dropout = self.lora_dropout[name]
    rate = dropout.p if isinstance(dropout, nn.Dropout) and self.training else 0.0
    base = self.base_layer
    down, up = self.lora_A[name].weight, self.lora_B[name].weight
    return _FusedLora.apply(x, base.weight, base.bias, down, up, self.scaling[name], rate)


class _FusedLora(torch.autograd.Function):
    """y = x W' + b + s (drop(x) A') B' for a frozen W; gradients for x, A and B. x: [..., in], A: [r, in], B: [out, r].

    The mask holds 0 and 1 only; the 1/(1-rate) of inverted dropout stands in A.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> torch.Tensor:
        x, weight, bias, down, up, scaling, rate = inputs
        flat = x.reshape(-1, x.shape[-1])
        a = (down / (1 - rate)).to(x.dtype)
        b = (up * scaling).to(x.dtype)
        mask = keep_mask(flat, rate) if rate else None
        hidden = _times(flat, mask) @ a.t()
        result = nn.functional.linear(flat, weight, bias)
        result.addmm_(hidden, b.t())
        ctx.save_for_backward(flat, mask, hidden, weight, a, b)
        ctx.factors, ctx.shape = (scaling, 1 / (1 - rate)), x.shape
        return result.view(*x.shape[:-1], result.shape[-1])

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[Any, ...]:
        flat, mask, hidden, weight, a, b = ctx.saved_tensors
        gradient = grad_outputs[0].reshape(-1, grad_outputs[0].shape[-1])
        grad_hidden = gradient @ b
        grad_up = (gradient.t() @ hidden).float().mul_(ctx.factors[0])
        grad_down = (grad_hidden.t() @ _times(flat, mask)).float().mul_(ctx.factors[1])
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = gradient @ weight
            if mask is None:
                grad_x.addmm_(grad_hidden, a)
            else:
                grad_x.add_(_times(grad_hidden @ a, mask))
            grad_x = grad_x.view(ctx.shape)
        return grad_x, None, None, grad_down, grad_up, None, None


def keep_mask(x: torch.Tensor, rate: float) -> torch.Tensor:
    """0 or 1 in x's shape: 1 with probability 1 - rate (to 1/65536), in x's dtype, on a GPU as bool (half the memory, and free there).

    On the CPU, where random numbers are drawn one after the other, each 64-bit draw serves four elements: several times faster than
    bernoulli_, from the same generator, so that checkpoints restore it. Comparing into x's dtype spares a slow conversion from bool.
    """
    if x.device.type != "cpu":
        return torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - rate)
    count = x.numel()
    draws = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)[:count]
    return torch.ge(draws, round(rate * 65536) - 32768, out=torch.empty(count, dtype=x.dtype)).view(x.shape)


def _times(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return x if mask is None else x * mask
