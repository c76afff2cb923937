"""What was read before: keys and values of the beginnings of prompts, so that a conversation that goes on is not read again.

Each belongs to one adapter, for another one reads the same tokens differently. Memory is bounded: what was used longest ago goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.inference.kv_cache import KeyValueCache
from lyo_pipelines.inference.lora_rows import RowLora
from lyo_pipelines.inference.row_batch import common


@dataclass(frozen=True, eq=False)
class _Beginning:
    tokens: tuple[int, ...]
    adapter: RowLora | None
    cache: KeyValueCache


class Prefixes:
    """Beginnings that were read, the last used at the end. most_bytes: of all of them together."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: list[_Beginning] = []

    @property
    def nbytes(self) -> int:
        """Memory of all beginnings."""
        return sum(one.cache.nbytes for one in self._kept)

    def longest(self, tokens: Sequence[int], adapter: RowLora | None) -> tuple[KeyValueCache, int] | None:
        """(cache of one row, how many of its first tokens these begin with) of the beginning that has most of them; None: nothing."""
        found = [(common(tokens, one.tokens), place) for place, one in enumerate(self._kept) if one.adapter is adapter]
        same, place = max(found, default=(0, 0))
        if not same:
            return None
        one = self._kept.pop(place)
        self._kept.append(one)
        return one.cache, same

    def keep(self, tokens: Sequence[int], adapter: RowLora | None, cache: KeyValueCache) -> None:
        """Copy the first tokens of a cache of one row, unless there is a beginning that goes further; shorter ones of it go."""
        key = tuple(tokens)
        own = [one for one in self._kept if one.adapter is adapter]
        if not key or any(one.tokens[: len(key)] == key for one in own):
            return
        if cache.nbytes // (cache.rows * cache.length) * len(key) > self._most:
            return
        shorter = [one for one in own if key[: len(one.tokens)] == one.tokens]
        self._kept = [one for one in self._kept if one not in shorter]
        self._kept.append(_Beginning(key, adapter, cache.copied(1, len(key), kept_rows=1, kept_length=len(key))))
        while self.nbytes > self._most:
            self._kept.pop(0)

    def forget(self, adapter: RowLora | None) -> None:
        """Drop what belongs to an adapter that is no longer there."""
        self._kept = [one for one in self._kept if one.adapter is not adapter]
