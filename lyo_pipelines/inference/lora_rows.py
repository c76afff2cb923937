"""LoRA on a batch whose rows belong to different adapters: the base's product once for all rows, the adapters' products beside it.

The low-rank products of projections that read the same input (q, k and v; gate and up) are stacked: one product down, and one up
with a block-diagonal matrix. The method is that of S-LoRA and Punica (arXiv:2311.03285, arXiv:2310.18547), with rows for kernels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Delta = tuple[torch.Tensor, torch.Tensor]
"""down: [rank, in] and up, scaled: [out, rank] of one (stacked) projection."""


@dataclass(frozen=True, eq=False)
class RowLora:
    """One adapter's deltas: (layer, name of the stacked projection) -> Delta; projections without LoRA are left out."""

    deltas: Mapping[tuple[int, str], Delta]


class RowGroups:
    """Which rows of a batch belong to which adapter: all of them to one, to several, or to none."""

    def __init__(self, adapters: Sequence[RowLora | None], stack: AdapterStack | None = None) -> None:
        """adapters: of each row. stack: holds at least these adapters; needed only where not all rows have the same one."""
        self._one = adapters[0] if adapters and all(one is adapters[0] for one in adapters) else None
        self._stack = None if self._one is not None or all(one is None for one in adapters) else stack
        self._owners = (
            [] if self._stack is None else [-1 if one is None else self._stack.place(one) for one in adapters]
        )
        self._masks: dict[tuple[int, ...], torch.Tensor] = {}

    def add(self, result: torch.Tensor, x: torch.Tensor, layer: int, name: str) -> torch.Tensor:
        """Add each adapter's delta to the base's product, in place. x: [rows, ..., in], result: [rows, ..., out]."""
        if self._one is not None:
            delta = self._one.deltas.get((layer, name))
            if delta is not None:
                down, up = delta
                result.view(-1, result.shape[-1]).addmm_(x.reshape(-1, x.shape[-1]) @ down.t(), up.t())
        elif self._stack is not None:
            found = self._stack.deltas.get((layer, name))
            if found is not None:
                hidden = x @ found.down.t()
                hidden.masked_fill_(self._others(found.ranks, x.device), 0)
                result.view(-1, result.shape[-1]).addmm_(hidden.view(-1, hidden.shape[-1]), found.up.t())
        return result

    def _others(self, ranks: tuple[int, ...], device: torch.device) -> torch.Tensor:
        """Where a row's low-rank values belong to an adapter that is not the row's: bool [rows, 1, ranks of all]."""
        if ranks not in self._masks:
            columns = [place for place, rank in enumerate(ranks) for _ in range(rank)]
            owners = torch.tensor(self._owners, device=device)
            self._masks[ranks] = (owners[:, None] != torch.tensor(columns, device=device))[:, None]
        return self._masks[ranks]


@dataclass(frozen=True)
class _Stacked:
    """The deltas of several adapters in one: down below each other, up beside each other. ranks: of each of them, 0 without one."""

    down: torch.Tensor
    up: torch.Tensor
    ranks: tuple[int, ...]


class AdapterStack:
    """Adapters whose low-rank products are made together for all rows of a batch, each row keeping its own adapter's values only.

    One-token steps are bound by reading weights: the values that are thrown away cost less than products adapter by adapter.
    """

    def __init__(self, adapters: Sequence[RowLora]) -> None:
        self._adapters = list(adapters)
        keys = dict.fromkeys(key for adapter in adapters for key in adapter.deltas)
        self.deltas = {key: self._joined(key) for key in keys}

    def holds(self, adapters: Iterable[RowLora | None]) -> bool:
        """Whether rows of these adapters can be answered with it."""
        return all(one is None or any(one is held for held in self._adapters) for one in adapters)

    def with_others(self, adapters: Iterable[RowLora | None], most: int) -> AdapterStack:
        """A stack that holds these as well; what it held before stays while there are not more than `most`."""
        needed = list({id(one): one for one in adapters if one is not None}.values())
        kept = [held for held in self._adapters if not any(held is one for one in needed)]
        return AdapterStack([*needed, *kept[: max(most - len(needed), 0)]])

    def place(self, adapter: RowLora) -> int:
        """Its number."""
        return next(place for place, held in enumerate(self._adapters) if held is adapter)

    def _joined(self, key: tuple[int, str]) -> _Stacked:
        found = [adapter.deltas.get(key) for adapter in self._adapters]
        there = [one for one in found if one is not None]
        return _Stacked(
            torch.cat([down for down, _ in there]),
            torch.cat([up for _, up in there], dim=1),
            tuple(0 if one is None else one[0].shape[0] for one in found),
        )


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
