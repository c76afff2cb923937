"""LoRA on a batch whose rows belong to different adapters: the base's product once for all rows, each adapter's for its rows only.

The low-rank products of projections that read the same input (q, k and v; gate and up) are stacked: one product down, and one up
with a block-diagonal matrix. The method is that of S-LoRA and Punica (arXiv:2311.03285, arXiv:2310.18547), with rows for kernels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Delta = tuple[torch.Tensor, torch.Tensor]
"""down: [rank, in] and up, scaled: [out, rank] of one (stacked) projection."""


@dataclass(frozen=True)
class RowLora:
    """One adapter's deltas: (layer, name of the stacked projection) -> Delta; projections without LoRA are left out."""

    deltas: Mapping[tuple[int, str], Delta]


@dataclass(frozen=True)
class RowGroups:
    """Which rows of a batch belong to which adapter. rows: their numbers, None for all of them; plain rows are in no group."""

    groups: tuple[tuple[RowLora, torch.Tensor | None], ...] = ()

    def add(self, result: torch.Tensor, x: torch.Tensor, layer: int, name: str) -> torch.Tensor:
        """Add each adapter's delta to the base's product, in place. x: [rows, ..., in], result: [rows, ..., out]."""
        for lora, rows in self.groups:
            delta = lora.deltas.get((layer, name))
            if delta is None:
                continue
            down, up = delta
            if rows is None:
                flat = result.view(-1, result.shape[-1])
                flat.addmm_(x.reshape(-1, x.shape[-1]) @ down.t(), up.t())
            else:
                result.index_add_(0, rows, (x[rows] @ down.t()) @ up.t())
        return result


def row_groups(adapters: Sequence[RowLora | None], device: torch.device) -> RowGroups:
    """The groups of a batch from the adapter of each of its rows."""
    distinct = {id(adapter): adapter for adapter in adapters if adapter is not None}
    groups = []
    for key, adapter in distinct.items():
        rows = [row for row, one in enumerate(adapters) if id(one) == key]
        every = len(rows) == len(adapters)
        groups.append((adapter, None if every else torch.tensor(rows, device=device)))
    return RowGroups(tuple(groups))


def stacked(parts: Sequence[tuple[Any, int]], name: str) -> Delta | None:
    """The delta of projections laid below each other, from peft's layers. parts: (module, its output size); None: no LoRA in any."""
    found = [_of(module, name) for module, _ in parts]
    first = next((one for one in found if one is not None), None)
    if first is None:
        return None
    rank = sum(one[0].shape[0] for one in found if one is not None)
    up = torch.zeros(sum(size for _, size in parts), rank, dtype=first[1].dtype, device=first[1].device)
    row = column = 0
    for (_, size), one in zip(parts, found, strict=True):
        if one is not None:
            up[row : row + size, column : column + one[1].shape[1]] = one[1]
            column += one[1].shape[1]
        row += size
    return torch.cat([one[0] for one in found if one is not None]), up


def _of(module: Any, name: str) -> Delta | None:
    if name not in getattr(module, "lora_A", {}):
        return None
    dtype = module.base_layer.weight.dtype
    return module.lora_A[name].weight.detach().to(dtype), (
        module.lora_B[name].weight.detach() * module.scaling[name]
    ).to(dtype)
