"""Clusters of question wordings that are nearly the same, long ones and short ones. Numbers and groups belong to grouping.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters
from lyo_pipelines.curation.short_duplicates import SHORT, short_duplicate_clusters
from lyo_pipelines.curation.text_sets import distinct_texts, join, roots, slices
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.working_space import working_texts


def wording_clusters(wordings: pa.Array, config: CurationConfig) -> np.ndarray:
    """Return the cluster label (int64) of each of M wordings: comparable words with 0 for every number.

    A label is a position in `wordings`. Long wordings are near duplicates by their character 5-grams, short ones by edits (spaces
    aside); a wording of middle length can be joined by either. The same words in another order are one wording, too.
    """
    if not len(wordings):
        return np.zeros(0, np.int64)
    parents = near_duplicate_clusters(wordings, config)  # a cluster's first text is its root
    short, solid = _short(wordings, config.mapped_from_bytes)
    join(parents, short, short[short_duplicate_clusters(solid, config)])
    rows, bags = _reordered(wordings, config.mapped_from_bytes)
    used, codes = distinct_texts(bags, config.mapped_from_bytes)
    join(parents, rows, rows[used[codes]])
    return roots(parents)


def _short(wordings: pa.Array, mapped_from: int) -> tuple[np.ndarray, pa.Array]:
    """(positions of the wordings of at most SHORT characters, spaces aside; these without spaces)."""
    short = list[np.ndarray]()

    def solid() -> Iterator[pa.Array]:
        begin = 0
        for part in slices(wordings):
            letters = pc.replace_substring(part, " ", "")
            here = np.flatnonzero(pc.less_equal(pc.utf8_length(letters), SHORT).to_numpy(zero_copy_only=False))
            short.append(begin + here)
            begin += len(part)
            yield letters.take(pa.array(here))

    texts = working_texts(solid(), mapped_from)
    return np.concatenate(short), texts


_SAME_WORDS = 4
"""Different words that two wordings must share to be one question in another order."""
_FUNCTION_WORDS = [
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "by", "with", "and", "or", "that", "which",
    "who", "what", "when", "where", "how", "its", "it", "is", "are", "was", "were", "be", "do", "does", "did", "has",
    "have", "if", "then", "this", "these", "his", "her", "their", "there", "than", "as", "find", "will", "would",
]  # fmt: skip


def _reordered(wordings: pa.Array, mapped_from: int) -> tuple[np.ndarray, pa.Array]:
    """(positions of the wordings of enough words; the words of each in order): two with the same words differ in their order alone.

    Function words of English are left aside.
    """
    rows = list[np.ndarray]()

    def bags() -> Iterator[pa.Array]:
        begin = 0
        for part in slices(wordings):
            words = pl.Series(pl.from_arrow(part), dtype=pl.String).str.split(" ").list.unique()
            words = words.list.set_difference(_FUNCTION_WORDS).list.sort()
            here = (words.list.len() >= _SAME_WORDS).arg_true().to_numpy().astype(np.int64)
            rows.append(begin + here)
            begin += len(part)
            yield words.gather(here).list.join(" ").to_arrow()

    texts = working_texts(bags(), mapped_from)
    return np.concatenate(rows), texts
