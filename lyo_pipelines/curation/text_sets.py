"""Many texts that may lie on disk: which of them are the same, and which clusters they form. Judging similarity is done elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.storage.working_space import working_array, working_texts

CHUNK = 20_000
"""Texts, or pairs of them, that are in memory at once,"""
CHARACTERS = 2_000_000
"""and bytes of them: what is made of one character takes up to 60 bytes."""
_SEEDS = (11, 13)


def as_texts(texts: Any) -> Any:
    """Texts (strings, or an Arrow array) as one Arrow array with offsets of 64 bits."""
    if not isinstance(texts, pa.Array):
        return pa.array(texts, pa.large_string())
    return texts if texts.type == pa.large_string() else texts.cast(pa.large_string())


def slices(texts: Any) -> Iterator[Any]:
    """The texts of an array, some at a time: at most CHUNK, of CHARACTERS bytes together; one that is larger comes alone."""
    texts = as_texts(texts)
    borders, begin = _borders(texts), 0
    while begin < len(texts):
        end = int(np.searchsorted(borders, borders[begin] + CHARACTERS, side="right")) - 1
        end = max(min(end, begin + CHUNK), begin + 1)
        yield texts.slice(begin, end - begin)
        begin = end


def changed_texts(texts: Any, change: Callable[[Any], Any], mapped_from: int) -> Any:
    """The texts after a function of Arrow arrays, which sees some at a time; mapped_from: as in working_texts."""
    return working_texts((change(part.cast(pa.string())) for part in slices(texts)), mapped_from)


def picked_texts(texts: Any, positions: np.ndarray, mapped_from: int) -> Any:
    """The texts at these positions; mapped_from: as in working_texts."""
    texts = as_texts(texts)
    some = bounded(text_sizes(texts, positions))
    return working_texts((texts.take(pa.array(positions[here])) for here in some), mapped_from)


def bounded(sizes: np.ndarray) -> Iterator[slice]:
    """Slices of neighbours: at most CHUNK, whose sizes together are CHARACTERS at most; one that is larger stands alone."""
    begin = 0
    while begin < len(sizes):
        total = np.cumsum(sizes[begin : begin + CHUNK])
        end = begin + max(int(np.searchsorted(total, CHARACTERS, side="right")), 1)
        yield slice(begin, end)
        begin = end


def text_sizes(texts: Any, positions: np.ndarray) -> np.ndarray:
    """Bytes of the texts at these positions of an array that as_texts made."""
    borders = _borders(texts)
    return borders[positions + 1] - borders[positions]


def _borders(texts: Any) -> np.ndarray:
    """Where the bytes of each text begin, and where those of the last one end."""
    if not len(texts):
        return np.zeros(1, np.int64)
    return np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]


def taken(texts: Any, positions: np.ndarray) -> pl.Series:
    """The texts at these positions, in memory."""
    return pl.Series(pl.from_arrow(texts.take(pa.array(positions))), dtype=pl.String)


def distinct_texts(texts: Any, mapped_from: int) -> tuple[np.ndarray, np.ndarray]:
    """(position of the first of each distinct text, ascending; of each text, which of those it is), both int64.

    Equal digests of 128 bits are equal texts: no chance collision is to be expected. mapped_from: as in working_array.
    """
    digests = working_array((len(_SEEDS), len(texts)), np.uint64, mapped_from)
    begin = 0
    for part in slices(texts):
        series = pl.Series(pl.from_arrow(part), dtype=pl.String)
        for digest, seed in zip(digests, _SEEDS, strict=True):
            digest[begin : begin + len(part)] = series.hash(seed).to_numpy()
        begin += len(part)
    order = np.lexsort(tuple(digests))
    new = np.ones(len(order), bool)
    new[1:] = False
    for digest in digests:
        ordered = digest[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    first = order[new]
    used = np.sort(first)
    codes = np.empty(len(order), np.int64)
    codes[order] = np.searchsorted(used, first)[np.cumsum(new) - 1]
    return used, codes


def singletons(count: int) -> np.ndarray:
    """The union-find of so many items of which none are joined: each its own parent. A parent is never larger than its child."""
    return np.arange(count, dtype=np.int32 if count < 2**31 else np.int64)


def roots(parents: np.ndarray) -> np.ndarray:
    """The root of each item, by pointer jumping; shortens all paths in place."""
    while True:
        further = parents[parents]
        if np.array_equal(further, parents):
            return parents
        parents[:] = further


def find(parents: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The root of some items; shortens their paths in place."""
    root = parents[items]
    while True:
        further = parents[root]
        if np.array_equal(further, root):
            return root
        parents[items] = root = further


def join(parents: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Union of pairs, all at once; the smallest item of a set is its root."""
    one, two = find(parents, left), find(parents, right)
    while (apart := one != two).any():
        one, two = one[apart], two[apart]
        np.minimum.at(parents, np.maximum(one, two), np.minimum(one, two))
        one, two = find(parents, one), find(parents, two)
