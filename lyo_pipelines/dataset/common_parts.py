"""What stands in very many conversations of a dataset, and what is left of a text without it.

An application may put one instruction before every question, and learners greet: such words say nothing about which exercise a text
is. They are found by frequency: three words in a row that at least `common_share` of the conversations hold. What is asked
stands behind them. Groups and ties belong to grouping.py.
"""

from __future__ import annotations

import zlib
from functools import partial

import numpy as np
import pyarrow as pa

from lyo_pipelines.curation.text_sets import changed_texts
from lyo_pipelines.storage.arrow import offsets_and_values, pc

WINDOW = 3
"""Words in a row that are counted; a text with fewer words is counted as a whole."""
SAMPLE = 10_000
"""Conversations that are counted: the share of a common part is known to one in a hundred by then."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def without_common_parts(
    words: pa.Array,
    unit: np.ndarray,
    text: np.ndarray,
    segment: np.ndarray,
    *,
    share: float,
    least: int,
    mapped_from: int,
) -> pa.Array:
    """Return each text without its common parts: "" where nothing else stands in it.

    words: M distinct texts as comparable words. unit, text: which conversation (uint64) holds which text (position in words), any
    number of pairs; segment: code of its segment. A part is common when `share` of the conversations, of all or of one segment,
    and at least `least` of them hold it: so a parent and its children look behind the same instructions. mapped_from: bytes of texts
    from which on they lie on disk.
    """
    counted = [np.ones(len(segment), bool), *(segment == one for one in np.unique(segment) if (segment != one).any())]
    found = [_common_windows(words, unit[one], text[one], share=share, least=least) for one in counted]
    common = np.unique(np.concatenate(found))
    if not len(common):
        return words
    return changed_texts(words, partial(_stripped, common=common), mapped_from)


def _common_windows(words: pa.Array, unit: np.ndarray, text: np.ndarray, *, share: float, least: int) -> np.ndarray:
    """Sorted hashes of the windows that enough conversations hold."""
    units = np.unique(unit)
    enough = max(least, int(np.ceil(share * min(len(units), SAMPLE))))
    if len(units) < enough:
        return np.zeros(0, np.uint64)
    if len(units) > SAMPLE:  # keys are hashes: the smallest ones are a random sample, the same in every order
        counted = unit <= units[SAMPLE - 1]
        unit, text = unit[counted], text[counted]
    used, where = np.unique(text, return_inverse=True)
    hashes, begin = _windows(words.take(pa.array(used)))[:2]
    count = np.diff(begin)[where]
    position = np.repeat(begin[:-1][where] - np.concatenate([[0], np.cumsum(count)[:-1]]), count) + np.arange(
        count.sum()
    )
    owner = np.repeat(np.unique(unit, return_inverse=True)[1], count)
    hashes = hashes[position]
    order = np.lexsort((owner, hashes))
    hashes, owner = hashes[order], owner[order]
    new = np.ones(len(hashes), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])  # a conversation counts once
    found, holders = np.unique(hashes[new], return_counts=True)
    return found[holders >= enough]


def _windows(words: pa.Array) -> tuple[np.ndarray, np.ndarray, pa.Array, np.ndarray]:
    """(hash of each window, where each text's windows begin, all words, where each text's words begin)."""
    lists = pc.split_pattern(pc.fill_null(words, ""), " ")
    offsets, flat = offsets_and_values(lists)
    encoded = flat.dictionary_encode()
    spelled = np.fromiter(
        (_word_hash(word) for word in encoded.dictionary.to_pylist()), np.uint64, len(encoded.dictionary)
    )
    hashed = spelled[encoded.indices.to_numpy()] if len(flat) else np.zeros(0, np.uint64)
    length = np.diff(offsets)
    count = np.maximum(length - WINDOW + 1, 1)
    begin = np.concatenate([[0], np.cumsum(count)])
    row = np.repeat(np.arange(len(length)), count)
    start = offsets[:-1][row] + np.arange(begin[-1]) - begin[:-1][row]
    total = np.zeros(len(start), np.uint64)
    with np.errstate(over="ignore"):
        for step in range(WINDOW):
            inside = start + step < offsets[1:][row]
            word = np.where(inside, hashed[np.minimum(start + step, max(len(hashed) - 1, 0))] if len(hashed) else 0, 0)
            total = (total * _PRIME) + word.astype(np.uint64) + np.uint64(1)
            total ^= total >> np.uint64(29)
    return total, begin, flat, offsets


def _word_hash(word: str | None) -> int:
    """A hash that is the same in every process."""
    data = (word or "").encode("utf-8", "surrogatepass")
    return zlib.crc32(data) | (zlib.adler32(data) << 32)


def _stripped(words: pa.Array, common: np.ndarray) -> pa.Array:
    hashes, begin, flat, offsets = _windows(words)
    place = np.minimum(np.searchsorted(common, hashes), len(common) - 1)
    hit = common[place] == hashes
    row = np.repeat(np.arange(len(words)), np.diff(begin))
    start = offsets[:-1][row] + np.arange(begin[-1]) - begin[:-1][row]
    covered = np.zeros(len(flat) + WINDOW, bool)
    for step in range(WINDOW):
        inside = hit & (start + step < offsets[1:][row])
        covered[start[inside] + step] = True
    left = ~covered[: len(flat)]
    sizes = np.concatenate([[0], np.cumsum(left)])[offsets]
    kept = pa.ListArray.from_arrays(pa.array(sizes.astype(np.int32)), flat.filter(pa.array(left)))
    return pc.binary_join(kept, " ")


def held_by(unit: np.ndarray, text: np.ndarray, texts: int) -> np.ndarray:
    """Return how many conversations hold each of `texts` texts; unit and text as above."""
    names, owner = np.unique(unit, return_inverse=True)
    pairs = np.sort(text.astype(np.int64) * max(len(names), 1) + owner)
    pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])] if len(pairs) else pairs
    return np.bincount(pairs // max(len(names), 1), minlength=texts)
