"""Near duplicates among short texts, where n-grams fail: one typo in ten letters spoils half of the 5-grams.

Two short texts are near duplicates when few edits (insert, delete, replace, swap of neighbours) make one into the other: one for each
EDIT_PER letters of the shorter one. Pairs are proposed by deletion: texts one edit apart are equal after one letter is left out
of each (Garbe's symmetric delete; Bocek et al. 2007, "Fast similarity search in large dictionaries"), which finds all of them; and by
MinHash bands over 3-grams, which find pairs of more edits. Longer texts belong to near_duplicates.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.near_duplicates import likely, proposed, signatures
from lyo_pipelines.curation.text_sets import (
    CHUNK,
    as_texts,
    bounded,
    distinct_texts,
    find,
    join,
    roots,
    singletons,
    taken,
    text_sizes,
)
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.working_space import EqualHashes

SHORT = 80
"""Longest text, in characters, that is compared here."""
EDIT_PER = 10
"""Characters of a text for each edit that it may be away. A text needs LEAST characters for its first."""
LEAST = 5
_NGRAM, _BANDS = 3, 32
_NEXT = 16
_BASE = np.uint64(0x9E3779B97F4A7C15)


def short_duplicate_clusters(texts: Sequence[str] | Any, config: CurationConfig) -> np.ndarray:
    """Cluster label of each text (at most SHORT characters): int64, the position of the cluster's first text.

    texts: strings, or an Arrow array of them. What is large lies on disk, as in near_duplicates.py.
    """
    if not len(texts):
        return np.zeros(0, np.int64)
    texts = as_texts(texts)
    used, codes = distinct_texts(texts, config.mapped_from_bytes)
    length = pc.utf8_length(texts).to_numpy(zero_copy_only=False)[used].astype(np.int16)
    parents = singletons(len(used))
    for left, right in _one_letter_less(texts, used, length, config.mapped_from_bytes):
        apart = np.flatnonzero(find(parents, left) != find(parents, right))
        pairs = np.unique(left[apart] * len(used) + right[apart])
        _join_near(parents, pairs // len(used), pairs % len(used), texts, used)
    several = np.flatnonzero(allowed_edits(length) > 1)
    fine = config.model_copy(update={"near_duplicate_ngram": _NGRAM, "near_duplicate_bands": _BANDS})
    bands, slots = signatures(texts, used[several], fine)
    inner = singletons(len(several))
    for band in bands:
        for a, b in likely(proposed(band, inner), slots, slots.shape[1] // 5):
            near = _join_near(inner, a, b, texts, used[several])
            join(parents, several[a[near]], several[b[near]])
    return used[roots(parents)[codes]]


def allowed_edits(length: np.ndarray) -> np.ndarray:
    """Edits that a text of so many characters may be away from another one."""
    return np.where(length < LEAST, 0, np.maximum(length // EDIT_PER, 1))


def within_edits(
    a: np.ndarray, b: np.ndarray, length_a: np.ndarray, length_b: np.ndarray, most: np.ndarray
) -> np.ndarray:
    """Whether texts are at most so many edits apart (optimal string alignment distance).

    a, b: (P, W) code points, 0 behind a text's end; length_a, length_b, most: (P,). Only the diagonals within the largest `most` are
    computed (Ukkonen 1985), for all pairs at once.
    """
    near = np.abs(length_a - length_b) <= most
    result = np.zeros(len(near), bool)
    rows = np.flatnonzero(near)
    if not len(rows):
        return result
    a, b, length_a, length_b, most = a[rows], b[rows], length_a[rows], length_b[rows], most[rows]
    band, width = int(most.max()), int(max(length_a.max(), length_b.max()))
    far = np.int16(band + 1)
    span = 2 * band + 1
    padded = np.zeros((len(rows), width + span + 1), a.dtype)
    padded[:, band + 1 : band + 1 + width] = b[:, :width]  # padded[:, j + band] is b's j-th character, counted from 1
    before2 = np.full((len(rows), span + 2), far, np.int16)
    before = before2.copy()
    before[:, 1 : span + 1] = np.where(np.arange(-band, band + 1) >= 0, np.abs(np.arange(-band, band + 1)), far)
    distance = np.where(length_a == 0, length_b, far).astype(np.int16)
    for i in range(1, width + 1):
        row = np.full_like(before, far)
        for k in range(span):  # the cell of a's i-th and b's j-th character
            j = i + k - band
            if j < 0 or j > width:
                continue
            if j == 0:
                row[:, k + 1] = min(i, far)
                continue
            mine, theirs = a[:, i - 1], padded[:, j + band]
            best = np.minimum(before[:, k + 1] + (mine != theirs), np.minimum(before[:, k + 2], row[:, k]) + 1)
            if i > 1 and j > 1:
                swapped = (mine == padded[:, j + band - 1]) & (a[:, i - 2] == theirs)
                best = np.where(swapped, np.minimum(best, before2[:, k + 1] + 1), best)
            row[:, k + 1] = np.minimum(best, far)
        ends = np.flatnonzero(length_a == i)
        distance[ends] = row[ends, length_b[ends] - i + band + 1]
        before2, before = before, row
    result[rows] = distance <= most
    return result


def _join_near(parents: np.ndarray, left: np.ndarray, right: np.ndarray, texts: Any, used: np.ndarray) -> np.ndarray:
    """Join the pairs that are near; return which they are. left, right: places in `used`, the positions of the distinct texts."""
    near = np.zeros(len(left), bool)
    for start in range(0, len(left), CHUNK):
        a, b = left[start : start + CHUNK], right[start : start + CHUNK]
        both, places = np.unique(np.concatenate([a, b]), return_inverse=True)
        signs, length = _as_matrix(taken(texts, used[both]))
        a, b = places[: len(a)], places[len(a) :]
        most = allowed_edits(np.minimum(length[a], length[b]))
        near[start : start + CHUNK] = within_edits(signs[a], signs[b], length[a], length[b], most)
    join(parents, left[near], right[near])
    return near


def _as_matrix(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """(n, longest) code points, 0 behind a text's end; (n,) lengths."""
    length = texts.str.len_chars().to_numpy().astype(np.int64)
    signs = np.zeros((len(texts), int(length.max(initial=0))), np.uint32)
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    signs[np.arange(signs.shape[1]) < length[:, None]] = points
    return signs, length


def _one_letter_less(
    texts: Any, used: np.ndarray, length: np.ndarray, mapped_from: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of texts that are equal, or one of them equal to the other, after one character is left out; a pair may come again.

    Each text and each of its shortenings has a polynomial hash; texts with equal hashes are paired with the next ones
    in the sorted list. The list takes 16 bytes a character.
    """
    entries = int(np.where(length >= LEAST, length.astype(np.int64) + 1, 0).sum())
    shortened = EqualHashes(entries, mapped_from)
    for some in bounded(text_sizes(texts, used)):
        for size in np.unique(length[some][length[some] >= LEAST]).tolist():
            rows = some.start + np.flatnonzero(length[some] == size)
            shortened.add(*_shortenings(_as_matrix(taken(texts, used[rows]))[0], rows))
    for hashes, owners in shortened.parts():
        yield from _neighbours(hashes, owners)


def _shortenings(signs: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(hashes of the texts and of what one character less leaves of them, whose they are). signs: (n, size) code points."""
    size = signs.shape[1]
    points = signs.astype(np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):
        powers = np.ones(size, np.uint64)
        powers[1:] = np.cumprod(np.full(size - 1, _BASE, np.uint64))
        weighted, shifted = points * powers, np.zeros_like(points)
        shifted[:, 1:] = points[:, 1:] * powers[:-1]
        before = np.cumsum(weighted, axis=1) - weighted
        behind = shifted.sum(axis=1, keepdims=True, dtype=np.uint64) - np.cumsum(shifted, axis=1)
        # the suffix moves one place to the front when a character before it goes
        shorter = before + behind
        whole = weighted.sum(axis=1, dtype=np.uint64)
        hashes = np.concatenate(
            [shorter.ravel() * np.uint64(31) + np.uint64(size - 1), whole * np.uint64(31) + np.uint64(size)]
        )
    return hashes, np.concatenate([np.repeat(rows, size), rows])


def _neighbours(joined: np.ndarray, owner: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of owners of equal hashes, which stand at most _NEXT apart in the sorted list."""
    new = np.ones(len(joined), bool)
    new[1:] = (joined[1:] != joined[:-1]) | (owner[1:] != owner[:-1])  # "aab" gives "ab" twice
    joined, owner = joined[new], owner[new]
    for distance in range(1, _NEXT + 1):
        same = joined[distance:] == joined[:-distance]
        if same.any():
            yield owner[:-distance][same], owner[distance:][same]
