"""Character n-grams of texts, hashed and compared many at a time. What similarity means for clusters belongs to near_duplicates.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from lyo_pipelines.curation.text_sets import taken


def fold_texts(texts: list[str] | Any) -> pl.Series:
    """Texts (a list, or an Arrow array) as they are compared: lower case, white space as one space."""
    series = pl.Series("text", texts, dtype=pl.String).fill_null("")
    return series.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def shingles(text: str, ngram: int) -> frozenset[str]:
    """Character n-grams of a text; a shorter text is its own only n-gram."""
    return frozenset(text[i : i + ngram] for i in range(len(text) - ngram + 1)) or frozenset((text,))


def jaccard(a: str, b: str, ngram: int = 5) -> float:
    """True Jaccard similarity of the sets of character n-grams of two folded texts."""
    mine, theirs = shingles(a, ngram), shingles(b, ngram)
    both = len(mine & theirs)
    return both / (len(mine) + len(theirs) - both)


def hashed_ngrams(texts: pl.Series, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """64-bit hashes of all character n-grams of all texts in one flat array, and where each text's begin (n + 1 offsets).

    A text shorter than n gives one hash of the whole of it.
    """
    lengths = texts.str.len_chars().to_numpy().astype(np.int64)
    short = lengths < ngram
    if short.any():
        # pad with a character that no cleaned text has, so that each text has at least one n-gram
        padded = [text.ljust(ngram, "\x00") if is_short else text for text, is_short in zip(texts, short, strict=True)]
        texts, lengths = pl.Series(padded, dtype=pl.String), np.maximum(lengths, ngram)
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    windows = max(0, len(points) - ngram + 1)
    with np.errstate(over="ignore"):
        total = np.zeros(windows, np.uint64)
        for place in range(ngram):  # polynomial hash, then finalised so that all bits depend on all characters
            total = total * np.uint64(0x100000001B3) + (points[place : windows + place] + np.uint64(1))
        total ^= total >> np.uint64(33)
        total *= np.uint64(0xFF51AFD7ED558CCD)
        total ^= total >> np.uint64(33)
    counts = lengths - ngram + 1
    ends = np.cumsum(lengths) - lengths + counts
    # windows that begin in a text's last n-1 characters would reach into the next text
    inside = np.ones(windows, bool)
    for place in range(ngram - 1):
        beyond = ends + place
        inside[beyond[beyond < windows]] = False
    return total[inside], np.concatenate(([0], np.cumsum(counts))).astype(np.uint64)


def pair_similarities(texts: Any, left: np.ndarray, right: np.ndarray, ngram: int) -> np.ndarray:
    """True Jaccard similarity of many pairs, given as positions in an Arrow array of folded texts.

    Sets of 31-bit hashes stand for the sets of n-grams: two different n-grams of a pair collide once in about 10^6 pairs of
    100 characters, which moves its similarity by one hundredth.
    """
    from scipy.sparse import csr_matrix

    used, places = np.unique(np.concatenate((left, right)), return_inverse=True)
    hashes, offsets = hashed_ngrams(taken(texts, used), ngram)
    rows = np.repeat(np.arange(len(used), dtype=np.uint64), np.diff(offsets).astype(np.int64))
    keys = np.sort(
        (rows << np.uint64(31)) | (hashes >> np.uint64(33))
    )  # np.unique would hash them, a hundred times slower
    keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))]
    starts = np.searchsorted(keys, np.arange(len(used) + 1, dtype=np.uint64) << np.uint64(31))
    columns = (keys & np.uint64(0x7FFFFFFF)).astype(np.int32)
    sets = csr_matrix((np.ones(len(keys), np.int32), columns, starts.astype(np.int32)), shape=(len(used), 2**31 - 1))
    sets.has_canonical_format = True
    a, b = places[: len(left)], places[len(left) :]
    both = np.diff(
        csr_matrix(sets[a].multiply(sets[b])).indptr
    )  # all values are ones, so entries are counted, not summed
    sizes = np.diff(starts)
    return both / (sizes[a] + sizes[b] - both)
