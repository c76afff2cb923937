"""Keys and values of a batch, row by row from its first token: a row ends, another takes its place, and no other row moves."""

from __future__ import annotations

import torch


class KeyValueCache:
    """Keys and values [rows, key heads, length, head size] for each layer, written in place."""

    def __init__(
        self, *, layers: int, rows: int, heads: int, length: int, size: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (layers, rows, heads, length, size)
        self._keys = torch.zeros(shape, dtype=dtype, device=device)  # what is masked is multiplied by zero: no rubbish
        self._values = torch.zeros(shape, dtype=dtype, device=device)

    @property
    def rows(self) -> int:
        """Rows that there is room for."""
        return self._keys.shape[1]

    @property
    def length(self) -> int:
        """Tokens of a row that there is room for."""
        return self._keys.shape[3]

    @property
    def nbytes(self) -> int:
        """Memory of the whole."""
        return self._keys.nbytes + self._values.nbytes

    def part(self, first: int, end: int) -> KeyValueCache:
        """Some of the rows, in the same memory."""
        part = object.__new__(KeyValueCache)
        part._keys, part._values = self._keys[:, first:end], self._values[:, first:end]
        return part

    def copied(self, rows: int, length: int, *, kept_rows: int, kept_length: int) -> KeyValueCache:
        """Another cache for so many rows and tokens, with the first of them as they are here."""
        copy = object.__new__(KeyValueCache)
        layers, _, heads, _, size = self._keys.shape
        for name in ("_keys", "_values"):
            old = getattr(self, name)
            new = old.new_zeros((layers, rows, heads, length, size))
            new[:, :kept_rows, :, :kept_length] = old[:, :kept_rows, :, :kept_length]
            setattr(copy, name, new)
        return copy

    def put_prompt(self, layer: int, k: torch.Tensor, v: torch.Tensor, past: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep the keys of whole prompts behind `past` tokens; returns all keys and values up to their end."""
        end = past + k.shape[2]
        self._keys[layer, :, :, past:end] = k
        self._values[layer, :, :, past:end] = v
        return self._keys[layer, :, :, :end], self._values[layer, :, :, :end]

    def places(self, positions: torch.Tensor) -> torch.Tensor:
        """Where the tokens at positions [rows, tokens] of the first rows lie, for `put_tokens`: int64 [rows x heads x tokens]."""
        rows, heads, length = positions.shape[0], self._keys.shape[2], self.length
        lanes = torch.arange(rows * heads, device=positions.device).view(rows, heads, 1)
        return (lanes * length + positions[:, None]).view(-1)

    def put_tokens(
        self, layer: int, k: torch.Tensor, v: torch.Tensor, places: torch.Tensor, longest: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep some tokens a row, k and v [rows, heads, tokens, size]; returns the keys and values of these rows up to the longest."""
        rows, _, _, size = k.shape
        for kept, new in ((self._keys[layer], k), (self._values[layer], v)):
            kept.view(-1, size).index_copy_(0, places, new.reshape(-1, size))
        return self._keys[layer, :rows, :, :longest], self._values[layer, :rows, :, :longest]

    def start(self, prefix: KeyValueCache, length: int) -> None:
        """Begin every row with the tokens of a prefix that was read once (a cache of one row)."""
        self._keys[:, :, :, :length] = prefix._keys[:, :, :, :length]
        self._values[:, :, :, :length] = prefix._values[:, :, :, :length]

    def move(self, source: int, target: int, length: int) -> None:
        """Move one row's first tokens to another row."""
        self._keys[:, target, :, :length] = self._keys[:, source, :, :length]
        self._values[:, target, :, :length] = self._values[:, source, :, :length]
