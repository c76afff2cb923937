"""Clusters of near-duplicate texts: MinHash bands propose pairs, the true Jaccard similarity decides, union-find joins.

Character 5-grams, because word n-grams miss short Tamil questions. Signatures by rensa (R-MinHash, after Dahlgaard, Knudsen
and Thorup 2017, "Fast Similarity Sketching"); banding after Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4.
With 16 bands of 8 a pair of similarity 0.8 is proposed with probability 0.95, one of 0.9 with 0.9999.

From `mapped_from_bytes` on, texts and signatures lie on disk. In memory are the union-find, one band at a time, and a chunk of pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.ngrams import fold_texts, hashed_ngrams, pair_similarities
from lyo_pipelines.curation.text_sets import (
    CHUNK,
    as_texts,
    bounded,
    distinct_texts,
    find,
    join,
    roots,
    singletons,
    slices,
    taken,
    text_sizes,
)
from lyo_pipelines.storage.working_space import working_array, working_texts

# Each text is compared with the 16 before it in its bucket (a bucket of templates can hold thousands): with its neighbour
# first, because that joins most of them and what is joined need not be compared again.
_DISTANCES = ((1,), (2, 3, 4), tuple(range(5, 17)))
_PIECE = 100_000
"""Places of a sorted band whose pairs are listed at once."""


def near_duplicate_clusters(texts: Sequence[str] | Any, config: CurationConfig) -> np.ndarray:
    """Cluster label of each text: int64, the same for near duplicates; the label is the position of the cluster's first text.

    texts: strings, or an Arrow array of them. Similarity is transitive here (a ~ b ~ c are one cluster). docs/scale.md has its memory.
    """
    if not len(texts):
        return np.zeros(0, np.int64)
    mapped_from = config.mapped_from_bytes
    folded = working_texts((fold_texts(part).to_arrow() for part in slices(as_texts(texts))), mapped_from)
    used, codes = distinct_texts(folded, mapped_from)
    return used[_cluster_distinct(folded, used, config)[codes]]


def _cluster_distinct(texts: Any, used: np.ndarray, config: CurationConfig) -> np.ndarray:
    """Root of each of the distinct texts, which stand at the positions `used`."""
    parents = singletons(len(used))
    bands, slots = signatures(texts, used, config)
    permutations, minimum = config.near_duplicate_permutations, config.near_duplicate_similarity
    # a pair this far below the expected number of equal slots (five deviations) is not similar
    spread = 5 * np.sqrt(permutations * minimum * (1 - minimum))
    for band in bands:
        for a, b in likely(proposed(band, parents), slots, permutations * minimum - spread):
            left, right = used[a], used[b]
            for some in bounded(text_sizes(texts, left) + text_sizes(texts, right)):
                similar = pair_similarities(texts, left[some], right[some], config.near_duplicate_ngram) >= minimum
                join(parents, a[some][similar], b[some][similar])
    return roots(parents)


def proposed(band: np.ndarray, parents: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs that share a band key and are not joined yet: those next to each other in their bucket first, then farther ones."""
    order = np.argsort(band, kind="stable")
    keys = band[order]
    shared = np.zeros(len(keys), bool)
    same = keys[1:] == keys[:-1]
    shared[1:] |= same
    shared[:-1] |= same
    order, keys = order[shared], keys[shared]
    for distances in _DISTANCES:
        for begin in range(0, len(keys), _PIECE):
            end = min(begin + _PIECE, len(keys))
            left, right = [order[:0]], [order[:0]]
            for distance in distances:
                behind = keys[begin + distance : end + distance]
                places = begin + np.flatnonzero(behind == keys[begin : begin + len(behind)])
                left.append(order[places])
                right.append(order[places + distance])
            one, two = np.concatenate(left), np.concatenate(right)
            apart = find(parents, one) != find(parents, two)
            if apart.any():
                # neighbours in the list share texts, whose n-grams are then made once
                by_text = np.argsort(one[apart], kind="stable")
                yield one[apart][by_text], two[apart][by_text]


def likely(
    pairs: Iterator[tuple[np.ndarray, np.ndarray]], slots: np.ndarray, enough: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of the pairs those that have `enough` equal slots in their signatures, some at a time."""
    for left, right in pairs:
        for begin in range(0, len(left), CHUNK):
            a, b = left[begin : begin + CHUNK], right[begin : begin + CHUNK]
            alike = (slots[a] == slots[b]).sum(axis=1) >= enough
            if alike.any():
                yield a[alike], b[alike]


def signatures(texts: Any, used: np.ndarray, config: CurationConfig) -> tuple[np.ndarray, np.ndarray]:
    """(bands, N) uint64 keys (texts with an equal one are a pair), (N, slots) uint8: the lowest byte of each of a signature's slots.

    used: (N,) positions of the texts.
    """
    from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module without stubs)

    permutations, bands, seed = (
        config.near_duplicate_permutations,
        config.near_duplicate_bands,
        config.near_duplicate_seed,
    )
    rows = permutations // bands
    # odd multipliers mix the rows of a band into one key
    mixers = np.random.default_rng(seed).integers(1, 2**63, rows, dtype=np.uint64) | np.uint64(1)
    keys = working_array((bands, len(used)), np.uint64, config.mapped_from_bytes)
    slots = working_array((len(used), permutations), np.uint8, config.mapped_from_bytes)
    for some in bounded(text_sizes(texts, used)):
        part = taken(texts, used[some])
        hashes, offsets = hashed_ngrams(part, config.near_duplicate_ngram)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, permutations, seed)
        signature = np.asarray(matrix.to_rows(), dtype=np.uint32)
        slots[some] = signature.astype(np.uint8)
        with np.errstate(over="ignore"):
            mixed = (signature.reshape(len(part), bands, rows) + np.uint64(0x9E3779B97F4A7C15)) * mixers
            mixed ^= mixed >> np.uint64(29)
            keys[:, some] = (mixed * np.uint64(0xBF58476D1CE4E5B9)).sum(axis=2, dtype=np.uint64).T
    return keys, slots
