"""Keys and values of a batch, row by row from its first token: a row ends, another takes its place, and no other row moves."""

from __future__ import annotations

import torch


class KeyValueCache:
    """Keys and values [rows, key heads, length, head size] for each layer, written in place."""

    def __init__(
        self, *, layers: int, rows: int, heads: int, length: int, size: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (layers, rows, heads, length, size)
        self._keys = torch.zeros(shape, dtype=dtype, device=device)
        self._values = torch.zeros(shape, dtype=dtype, device=device)

    def part(self, first: int, end: int) -> KeyValueCache:
        """Some of the rows, in the same memory."""
        part = object.__new__(KeyValueCache)
        part._keys, part._values = self._keys[:, first:end], self._values[:, first:end]
        return part

    def put_prompt(self, layer: int, k: torch.Tensor, v: torch.Tensor, past: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep the keys of whole prompts behind `past` tokens; returns all keys and values up to their end."""
        end = past + k.shape[2]
        self._keys[layer, :, :, past:end] = k
        self._values[layer, :, :, past:end] = v
        return self._keys[layer, :, :, :end], self._values[layer, :, :, :end]

    def put_token(
        self, layer: int, k: torch.Tensor, v: torch.Tensor, lengths: torch.Tensor, longest: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep one token a row behind what the row holds; returns the keys and values of the first rows up to the longest."""
        rows = k.shape[0]
        numbers = torch.arange(rows, device=k.device)
        self._keys[layer][numbers, :, lengths] = k[:, :, 0]
        self._values[layer][numbers, :, lengths] = v[:, :, 0]
        return self._keys[layer, :rows, :, :longest], self._values[layer, :rows, :, :longest]

    def start(self, prefix: KeyValueCache, length: int) -> None:
        """Begin every row with the tokens of a prefix that was read once (a cache of one row)."""
        self._keys[:, :, :, :length] = prefix._keys[:, :, :, :length]
        self._values[:, :, :, :length] = prefix._values[:, :, :, :length]

    def move(self, source: int, target: int, length: int) -> None:
        """Move one row's first tokens to another row."""
        self._keys[:, target, :, :length] = self._keys[:, source, :, :length]
        self._values[:, target, :, :length] = self._values[:, source, :, :length]
