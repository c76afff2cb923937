"""The wording varies enough: clusters of near-duplicate questions stay small, counted exactly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.sample.duplicates import THRESHOLD, jaccard, shingles
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.sample.question_clusters import cluster_sizes, clusters, share_in_small


def _by_hand(texts):
    """All pairs, no MinHash."""
    parent = list(range(len(texts)))

    def root(at):
        while parent[at] != at:
            at = parent[at]
        return at

    sets = [shingles(text) for text in texts]
    for a in range(len(texts)):
        for b in range(a):
            if jaccard(sets[a], sets[b]) >= THRESHOLD:
                parent[root(a)] = root(b)
    return [root(at) for at in range(len(texts))]


def _same(a, b):
    return len(set(a)) == len(set(zip(a, b, strict=True))) == len(set(b))


@settings(max_examples=draws(40))
@given(st.lists(st.text(alphabet="ab ", min_size=5, max_size=30), max_size=12))
def test_clusters_hold_only_near_duplicates_and_all_equal_texts(texts):
    found = clusters(texts)
    for a, text in enumerate(texts):
        assert all(found[a] == found[b] for b in range(a) if texts[b] == text)
    assert len(set(found)) >= len(set(_by_hand(texts)))


def test_clusters_of_one_topic_are_those_that_all_pairs_give(sample):
    texts = [
        row["question"] for row in sample.interactions if row["language"] == "en" and row["topic"] == "percentages"
    ][:400]
    assert _same(clusters(texts), _by_hand(texts))


def test_sizes_and_shares():
    sizes = cluster_sizes(["one two three four", "one two three four", "something else altogether"])
    assert sizes == {1: 1, 2: 1}
    assert share_in_small(sizes, largest=1) == pytest.approx(1 / 3)
    assert share_in_small({}) == 1.0


@pytest.mark.parametrize("language", ["en", "hi", "ta", "hi_latn"])
def test_near_duplicate_clusters_stay_small(sample, labels, language):
    copies = {id_ for id_, label in labels.items() if "duplicate" in label["planted"][0]}
    questions = [
        row["question"]
        for row in sample.interactions
        if row["language"] == language and row["interaction_id"] not in copies
    ]
    sizes = cluster_sizes(questions)
    assert max(sizes) <= 8
    assert share_in_small(sizes) >= 0.9
