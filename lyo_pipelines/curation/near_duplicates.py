"""Clusters of near-duplicate texts: MinHash bands propose pairs, the true Jaccard similarity decides, union-find joins.

Character 5-grams, because word n-grams miss short Tamil questions. Signatures by rensa (R-MinHash, after Dahlgaard, Knudsen
and Thorup 2017, "Fast Similarity Sketching"); banding after Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4.
With 16 bands of 8 a pair of similarity 0.8 is proposed with probability 0.95, one of 0.9 with 0.9999.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.ngrams import fold_texts, hashed_ngrams, pair_similarities

_CHUNK = 20_000  # texts or pairs whose n-grams are in memory at once
# Each text is compared with the 16 before it in its bucket (a bucket of templates can hold thousands): with its neighbour
# first, because that joins most of them and what is joined need not be compared again.
_DISTANCES = ((1,), (2, 3, 4), tuple(range(5, 17)))


def near_duplicate_clusters(texts: list[str], config: CurationConfig) -> np.ndarray:
    """Cluster label of each text: int64, the same for near duplicates; the label is the position of the cluster's first text.

    Similarity is transitive here (a ~ b ~ c are one cluster). Needs about 300 bytes a text besides the texts.
    """
    if not texts:
        return np.zeros(0, np.int64)
    series = fold_texts(texts)
    distinct = series.unique(maintain_order=True)
    codes = series.replace_strict(distinct, np.arange(len(distinct)), return_dtype=pl.Int64).to_numpy()
    labels = _cluster_distinct(distinct, config)[codes]
    first = np.full(len(distinct), len(texts), np.int64)
    np.minimum.at(first, labels, np.arange(len(texts)))
    return first[labels]


def _cluster_distinct(texts: pl.Series, config: CurationConfig) -> np.ndarray:
    parents = np.arange(len(texts), dtype=np.int64)
    bands, slots = signatures(texts, config)
    permutations, minimum = config.near_duplicate_permutations, config.near_duplicate_similarity
    # a pair this far below the expected number of equal slots (five deviations) is not similar
    spread = 5 * np.sqrt(permutations * minimum * (1 - minimum))
    enough = permutations * minimum - spread
    for band in bands.T:
        for left, right in proposed(band, parents):
            for begin in range(0, len(left), _CHUNK):
                a, b = left[begin : begin + _CHUNK], right[begin : begin + _CHUNK]
                likely = (slots[a] == slots[b]).sum(axis=1) >= enough
                a, b = a[likely], b[likely]
                if len(a):
                    similar = pair_similarities(texts, a, b, config.near_duplicate_ngram) >= minimum
                    join(parents, a[similar], b[similar])
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
        places = [np.flatnonzero(keys[distance:] == keys[:-distance]) for distance in distances if distance < len(keys)]
        left = np.concatenate([order[found] for found in places] or [order[:0]])
        right = np.concatenate(
            [order[found + distance] for found, distance in zip(places, distances, strict=False)] or [left]
        )
        root = roots(parents)
        apart = root[left] != root[right]
        if apart.any():
            # neighbours in the list share texts, whose n-grams are then made once
            by_text = np.argsort(left[apart], kind="stable")
            yield left[apart][by_text], right[apart][by_text]


def roots(parents: np.ndarray) -> np.ndarray:
    """The root of each item, by pointer jumping; shortens all paths in place."""
    while True:
        further = parents[parents]
        if np.array_equal(further, parents):
            return parents
        parents[:] = further


def join(parents: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Union of pairs; the smaller root stays."""
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        one, two = _find(parents, a), _find(parents, b)
        if one != two:
            parents[max(one, two)] = min(one, two)


def _find(parents: np.ndarray, item: int) -> int:
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = int(parents[item])
    return item


def signatures(texts: pl.Series, config: CurationConfig) -> tuple[np.ndarray, np.ndarray]:
    """Per text one 64-bit key for each band (equal keys propose a pair), and the lowest byte of each of its signature's slots."""
    from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module without stubs)

    permutations, bands, seed = (
        config.near_duplicate_permutations,
        config.near_duplicate_bands,
        config.near_duplicate_seed,
    )
    rows = permutations // bands
    # odd multipliers mix the rows of a band into one key
    mixers = np.random.default_rng(seed).integers(1, 2**63, rows, dtype=np.uint64) | np.uint64(1)
    keys = np.empty((len(texts), bands), np.uint64)
    slots = np.empty((len(texts), permutations), np.uint8)
    for begin in range(0, len(texts), _CHUNK):
        part = texts[begin : begin + _CHUNK]
        hashes, offsets = hashed_ngrams(part, config.near_duplicate_ngram)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, permutations, seed)
        signature = np.asarray(matrix.to_rows(), dtype=np.uint32)
        slots[begin : begin + len(part)] = signature.astype(np.uint8)
        with np.errstate(over="ignore"):
            mixed = (signature.reshape(len(part), bands, rows) + np.uint64(0x9E3779B97F4A7C15)) * mixers
            mixed ^= mixed >> np.uint64(29)
            keys[begin : begin + len(part)] = (mixed * np.uint64(0xBF58476D1CE4E5B9)).sum(axis=2, dtype=np.uint64)
    return keys, slots
