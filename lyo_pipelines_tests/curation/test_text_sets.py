"""Clusters of texts that lie on disk are those of texts in memory, however small the chunks are."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation import near_duplicates, short_duplicates, text_sets
from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters
from lyo_pipelines.curation.short_duplicates import short_duplicate_clusters
from lyo_pipelines.curation.text_sets import bounded, distinct_texts, find, join, roots, singletons
from lyo_pipelines_tests.curation.interaction_rows import CONFIG
from lyo_pipelines_tests.hypothesis_profile import draws

ON_DISK = CONFIG.model_copy(update={"mapped_from_bytes": 1})
WORD = st.sampled_from(
    ["how", "do", "i", "find", "area", "of", "green", "brown", "triangle", "with", "base", "height", "x", "y"]
)
TEXT = st.lists(WORD, max_size=12).map(" ".join)


def in_small_chunks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for module in (text_sets, near_duplicates, short_duplicates):
        monkeypatch.setattr(module, "CHUNK", size)
    monkeypatch.setattr(text_sets, "CHARACTERS", 20 * size)
    monkeypatch.setattr(near_duplicates, "_PIECE", size)


@settings(max_examples=draws(12))
@given(st.lists(TEXT, min_size=1, max_size=25), st.integers(1, 7))
def test_clusters_on_disk_in_small_chunks_are_those_in_memory(texts: list[str], size: int):
    short = [text[: short_duplicates.SHORT] for text in texts]
    expected = near_duplicate_clusters(texts, CONFIG), short_duplicate_clusters(short, CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        in_small_chunks(patch, size)
        found = near_duplicate_clusters(texts, ON_DISK), short_duplicate_clusters(short, ON_DISK)
    assert [labels.tolist() for labels in found] == [labels.tolist() for labels in expected]


def test_thousands_of_texts_have_the_same_clusters_on_disk(monkeypatch: pytest.MonkeyPatch):
    r = random.Random(11)
    words = ["".join(r.choices("abcdefghij", k=r.randint(2, 8))) for _ in range(300)]
    texts = [" ".join(r.choices(words, k=r.choice((2, 4, 10, 25)))) for _ in range(1_500)]
    texts += [text[:at] + r.choice("xyz") + text[at:] for text in texts for at in [r.randrange(len(text))]]
    short = [text.replace(" ", "")[: short_duplicates.SHORT] for text in texts]
    expected = near_duplicate_clusters(texts, CONFIG), short_duplicate_clusters(short, CONFIG)
    assert all(len(set(labels.tolist())) < 2_200 for labels in expected)  # many are joined, and many are not
    in_small_chunks(monkeypatch, 700)
    assert np.array_equal(near_duplicate_clusters(texts, ON_DISK), expected[0])
    assert np.array_equal(short_duplicate_clusters(short, ON_DISK), expected[1])


@given(st.lists(st.text("ab", max_size=3), max_size=20), st.sampled_from([1, 10**6]))
def test_distinct_texts_stand_where_they_come_first(texts: list[str], mapped_from: int):
    used, codes = distinct_texts(pa.array(texts, pa.large_string()), mapped_from)
    distinct = list(dict.fromkeys(texts))
    assert used.tolist() == [texts.index(text) for text in distinct]
    assert codes.tolist() == [distinct.index(text) for text in texts]


@settings(max_examples=draws(200))
@given(st.integers(1, 30), st.data())
def test_joined_items_have_the_smallest_of_them_as_root(count: int, data: st.DataObject):
    items = st.integers(0, count - 1)
    batches = data.draw(st.lists(st.lists(st.tuples(items, items), max_size=20), max_size=3))
    parents, expected = singletons(count), list(range(count))
    for batch in batches:
        pairs = np.array(batch, np.int64).reshape(-1, 2)
        join(parents, pairs[:, 0], pairs[:, 1])
        for a, b in batch:
            one, two = expected[a], expected[b]
            expected = [min(one, two) if root in (one, two) else root for root in expected]
    assert find(parents, np.arange(count)).tolist() == roots(parents).tolist() == expected


def test_a_long_chain_is_joined_at_once():
    parents = singletons(50_000)
    join(parents, np.arange(1, 50_000), np.arange(49_999))
    assert not roots(parents).any()


@given(st.lists(st.integers(0, 3 * text_sets.CHARACTERS), max_size=12))
def test_slices_hold_everything_once_and_are_bounded(sizes: list[int]):
    found = [sizes[some] for some in bounded(np.array(sizes, np.int64))]
    assert [size for part in found for size in part] == sizes
    assert all(len(part) == 1 or sum(part) <= text_sets.CHARACTERS for part in found)
