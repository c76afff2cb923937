"""Clusters of question wordings that are nearly the same, long ones and short ones. Numbers and groups belong to grouping.py."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters
from lyo_pipelines.curation.short_duplicates import SHORT, short_duplicate_clusters
from lyo_pipelines.storage.arrow import pc


def wording_clusters(wordings: pa.Array, config: CurationConfig) -> np.ndarray:
    """Return the cluster label (int64) of each of M wordings: comparable words with 0 for every number.

    A label is a position in `wordings`. Long wordings are near duplicates by their character 5-grams, short ones by edits (spaces
    aside); a wording of middle length can be joined by either. The same words in another order are one wording, too.
    """
    if not len(wordings):
        return np.zeros(0, np.int64)
    long = near_duplicate_clusters(wordings.to_pylist(), config)
    solid = pc.replace_substring(wordings, " ", "")
    short = np.flatnonzero(pc.less_equal(pc.utf8_length(solid), SHORT).to_numpy(zero_copy_only=False))
    labels = short_duplicate_clusters(solid.take(pa.array(short)).to_pylist(), config)
    return _united(_united(long, short, short[labels]), *_reordered(wordings))


_SAME_WORDS = 4
"""Different words that two wordings must share to be one question in another order."""
_FUNCTION_WORDS = [
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "by", "with", "and", "or", "that", "which",
    "who", "what", "when", "where", "how", "its", "it", "is", "are", "was", "were", "be", "do", "does", "did", "has",
    "have", "if", "then", "this", "these", "his", "her", "their", "there", "than", "as", "find", "will", "would",
]  # fmt: skip


def _reordered(wordings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of wordings (positions) that hold the same words in another order, function words of English aside."""
    words = pl.Series(pl.from_arrow(wordings), dtype=pl.String).str.split(" ").list.unique()
    words = words.list.set_difference(_FUNCTION_WORDS).list.sort()
    rows = (words.list.len() >= _SAME_WORDS).arg_true()
    bags = words.gather(rows).list.join(" ")
    first = pl.DataFrame({"bag": bags, "row": rows}).select(pl.col("row").first().over("bag")).to_series()
    return rows.to_numpy().astype(np.int64), first.to_numpy().astype(np.int64)


def _united(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Labels of the union of two clusterings: every item is with `labels[item]`, and first[k] is with second[k]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(labels)
    left, right = np.concatenate([np.arange(n), first]), np.concatenate([labels, second])
    graph = coo_matrix((np.ones(len(left), np.bool_), (left, right)), shape=(n, n))
    component = connected_components(graph, directed=False)[1]
    smallest = np.full(n, n, np.int64)
    np.minimum.at(smallest, component, np.arange(n))
    return smallest[component]
