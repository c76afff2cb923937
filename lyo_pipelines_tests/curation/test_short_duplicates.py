"""Short texts a few edits apart are one cluster, whatever their script."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.short_duplicates import _as_matrix, allowed_edits, short_duplicate_clusters, within_edits
from lyo_pipelines_tests.hypothesis_profile import draws

CONFIG = load_config().curation
TEXT = st.text("abc", max_size=9)


def distance(a: str, b: str) -> int:
    """Optimal string alignment, by its definition."""
    table = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(st.lists(st.tuples(TEXT, TEXT, st.integers(0, 4)), min_size=1, max_size=8))
@settings(max_examples=draws(200))
def test_the_banded_distance_is_the_distance(pairs: list[tuple[str, str, int]]):
    a, b, most = zip(*pairs, strict=True)
    signs, length = _as_matrix(pl.Series([*a, *b], dtype=pl.String))
    n = len(pairs)
    found = within_edits(signs[:n], signs[n:], length[:n], length[n:], np.array(most))
    assert found.tolist() == [distance(x, y) <= limit for x, y, limit in pairs]


@given(st.lists(st.text("ab", min_size=5, max_size=8), min_size=2, max_size=12))
@settings(max_examples=draws(200))
def test_every_pair_one_edit_apart_is_one_cluster(texts: list[str]):
    labels = short_duplicate_clusters(texts, CONFIG)
    for (i, a), (j, b) in combinations(enumerate(texts), 2):
        if distance(a, b) <= 1:
            assert labels[i] == labels[j]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("whatisanoun", "waht isanoun".replace(" ", "")),
        ("संज्ञाक्याहै", "संज्ञाक्याह"),
        ("definethewordmomentumandgiveanexample", "definethewordmomentomandgivanexample"),
    ],
)
def test_a_short_text_with_a_typo_is_a_near_duplicate(left: str, right: str):
    assert short_duplicate_clusters([left, right, "somethingelse"], CONFIG).tolist() == [0, 0, 2]


def test_other_words_are_other_texts():
    assert short_duplicate_clusters(["definespeed", "definework", "findsin0", "findcos0", "ab", "ac"], CONFIG).tolist() == [
        0, 1, 2, 3, 4, 5
    ]  # fmt: skip


def test_longer_texts_may_be_more_edits_away():
    assert allowed_edits(np.array([0, 4, 5, 10, 19, 20, 80])).tolist() == [0, 0, 1, 1, 1, 2, 8]
