"""Adapted layers that read the same input as one product: query, key and value; both branches of the MLP.

Of a frozen base their weights stand in one matrix (each layer's own is a view of its rows: nothing is held twice), so the input is
read once, and the narrow LoRA products are as wide as the layers are many. The mathematics is that of fused_lora.py, layer by layer;
a state is read and saved as ever.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lyo_pipelines.training.engine.fused_lora import fused_forward, is_fused, keep_mask, rate_of, takes_fused

GROUPS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Names of layers that their block gives one input, in the order in which it asks them."""


def pack_products(model: nn.Module) -> int:
    """Join the fused layers of each block that read the same input; returns how many groups. The model must stay where it is."""
    packed = 0
    for module in model.modules():
        for names in GROUPS:
            layers = [getattr(module, name, None) for name in names]
            if all(layer is not None and is_fused(layer) for layer in layers):
                _Group(layers)
                packed += 1
    return packed


class _Group:
    """Layers with one input. The first that is asked answers for all; the others give out what waits for them."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = layers
        bases = [layer.base_layer for layer in layers]
        self.sizes = [base.weight.shape[0] for base in bases]
        self.weight = torch.cat([base.weight.data for base in bases])
        self.bias = None if bases[0].bias is None else torch.cat([base.bias.data for base in bases])
        for base, rows in zip(bases, self.weight.split(self.sizes), strict=True):
            base.weight.data = rows
        self.asked: torch.Tensor | None = None
        self.waiting: list[torch.Tensor] = []
        for at, layer in enumerate(layers):
            layer.forward = types.MethodType(self._first if at == 0 else self._next, layer)

    def _first(self, layer: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if args or kwargs or not all(takes_fused(one) for one in self.layers):
            self.asked = None
            return fused_forward(layer, x, *args, **kwargs)
        name = layer.active_adapters[0]
        downs = [one.lora_A[name].weight for one in self.layers]
        ups = [one.lora_B[name].weight for one in self.layers]
        scales = [one.scaling[name] for one in self.layers]
        first, *others = _PackedLora.apply(
            x, self.weight, self.bias, self.sizes, scales, rate_of(layer, name), *downs, *ups
        )
        self.asked, self.waiting = x, others
        return first

    def _next(self, layer: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if x is not self.asked or args or kwargs:
            return fused_forward(layer, x, *args, **kwargs)
        found = self.waiting.pop(0)
        if not self.waiting:
            self.asked = None  # nothing is kept alive beyond the block
        return found


class _PackedLora(torch.autograd.Function):
    """y_i = x W_i' + b_i + s_i (drop_i(x) A_i') B_i' for each layer i of a group; gradients for x, A_i and B_i."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[torch.Tensor, ...]:
        x, weight, bias, sizes, scales, rate, *adapters = inputs
        count = len(sizes)
        flat = x.reshape(-1, x.shape[-1])
        a = torch.cat([down / (1 - rate) for down in adapters[:count]]).to(x.dtype)
        bs = [(up * scale).to(x.dtype) for up, scale in zip(adapters[count:], scales, strict=True)]
        ranks = [down.shape[0] for down in adapters[:count]]
        masks = [keep_mask(flat, rate) for _ in sizes] if rate else []
        if masks:
            hidden = torch.cat([(flat * mask) @ part.t() for mask, part in zip(masks, a.split(ranks), strict=True)], 1)
        else:
            hidden = flat @ a.t()
        result = nn.functional.linear(flat, weight, bias)
        parts = result.split(sizes, 1)
        for part, narrow, b in zip(parts, hidden.split(ranks, 1), bs, strict=True):
            part.addmm_(narrow, b.t())
        ctx.save_for_backward(flat, weight, a, hidden, *bs, *masks)
        ctx.facts = (sizes, scales, rate, ranks, x.shape)
        return tuple(part.view(*x.shape[:-1], part.shape[-1]) for part in parts)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[Any, ...]:
        sizes, scales, rate, ranks, shape = ctx.facts
        flat, weight, a, hidden, *others = ctx.saved_tensors
        bs, masks = others[: len(sizes)], others[len(sizes) :]
        gradients = [one.reshape(-1, size) for one, size in zip(grad_outputs, sizes, strict=True)]
        narrow = torch.cat([gradient @ b for gradient, b in zip(gradients, bs, strict=True)], 1)
        ups = [
            (gradient.t() @ seen).float().mul_(scale)
            for gradient, seen, scale in zip(gradients, hidden.split(ranks, 1), scales, strict=True)
        ]
        if masks:
            parts = [part.t() @ (flat * mask) for part, mask in zip(narrow.split(ranks, 1), masks, strict=True)]
        else:
            parts = list((narrow.t() @ flat).split(ranks))
        downs = [part.float().mul_(1 / (1 - rate)) for part in parts]
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.cat(gradients, 1) @ weight
            if masks:
                for part, low, mask in zip(narrow.split(ranks, 1), a.split(ranks), masks, strict=True):
                    grad_x.add_((part @ low) * mask)
            else:
                grad_x.addmm_(narrow, a)
            grad_x = grad_x.view(shape)
        return grad_x, None, None, None, None, None, *downs, *ups
