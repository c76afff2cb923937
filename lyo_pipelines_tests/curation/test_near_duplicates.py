from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters
from lyo_pipelines.curation.ngrams import fold_texts, hashed_ngrams, jaccard, pair_similarities, shingles
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, config
from lyo_pipelines_tests.hypothesis_profile import draws


def brute_force(texts: list[str], minimum: float) -> list[int]:
    """Connected components of all truly similar pairs, labelled by their first text."""
    labels = list(range(len(texts)))
    series = fold_texts(texts).to_list()
    for a, b in combinations(range(len(texts)), 2):
        if jaccard(series[a], series[b]) >= minimum and labels[a] != labels[b]:
            old, new = max(labels[a], labels[b]), min(labels[a], labels[b])
            labels = [new if label == old else label for label in labels]
    return labels


@pytest.mark.parametrize(
    "texts",
    [
        ["What is the derivative of x squared plus three x?", "what is the  derivative of x squared plus three x"],
        ["இந்த முக்கோணத்தின் பரப்பளவு என்ன?", "இந்த முக்கோணத்தின் பரப்பளவு என்ன"],
        ["इस समीकरण में x का मान निकालिए और जाँचिए", "इस समीकरण में x का मान निकालिए और जाँचिए।"],
        ["x=7", "X=7 "],
        ["", " "],
    ],
)
def test_near_duplicates_are_one_cluster(texts):
    assert near_duplicate_clusters(texts, CONFIG).tolist() == [0, 0]


def test_different_questions_are_clusters_of_their_own():
    texts = ["What is the area of a circle?", "Why does the moon have phases?", "2 + 2", "2 + 3", ""]
    assert near_duplicate_clusters(texts, CONFIG).tolist() == [0, 1, 2, 3, 4]
    assert near_duplicate_clusters([], CONFIG).tolist() == []


def test_clusters_agree_with_brute_force():
    r = random.Random(5)
    words = ["".join(r.choices("abcdefghij", k=r.randint(3, 8))) for _ in range(400)]
    texts = [" ".join(r.choices(words, k=r.randint(6, 20))) for _ in range(100)]
    for _ in range(100):
        original = r.choice(texts)
        cut = r.randrange(len(original))
        texts.append(
            r.choice(
                (
                    original[:cut] + r.choice("xyz") + original[cut:],
                    original.upper(),
                    original + " now",
                    original[: int(len(original) * 0.93)],
                )
            )
        )
    r.shuffle(texts)
    ours, truth = near_duplicate_clusters(texts, CONFIG).tolist(), brute_force(texts, CONFIG.near_duplicate_similarity)
    pairs = list(combinations(range(len(texts)), 2))
    joined = {(a, b) for a, b in pairs if ours[a] == ours[b]}
    true = {(a, b) for a, b in pairs if truth[a] == truth[b]}
    assert joined <= true, "a pair was joined that is not similar"
    assert len(joined) >= 0.97 * len(true) > 100


@settings(max_examples=draws(40))
@given(
    st.lists(
        st.sampled_from(
            [
                "What is 3 + 4 in all?",
                "what is 3 + 4  in all",
                "Why is the sky blue today?",
                "Why is the sky blue today",
                "π",
            ]
        ),
        max_size=8,
    )
)
def test_labels_are_the_first_member_and_do_not_depend_on_order(texts):
    labels = near_duplicate_clusters(texts, CONFIG)
    assert labels.dtype == np.int64
    assert all(labels[label] == label <= place for place, label in enumerate(labels))
    backwards = near_duplicate_clusters(texts[::-1], CONFIG)[::-1]
    assert [a == b for a, b in combinations(labels, 2)] == [a == b for a, b in combinations(backwards, 2)]


def test_a_higher_similarity_joins_less():
    texts = ["find the area of the green triangle with base 8", "find the area of the brown triangle with base 8"]
    assert near_duplicate_clusters(texts, config(near_duplicate_similarity=0.5, near_duplicate_bands=64)).tolist() == [
        0,
        0,
    ]
    assert near_duplicate_clusters(texts, CONFIG).tolist() == [0, 1]


@settings(max_examples=draws(100))
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_hashed_ngrams_are_those_of_each_text(texts):
    hashes, offsets = hashed_ngrams(pl.Series(texts, dtype=pl.String), 5)
    assert offsets[0] == 0
    assert offsets[-1] == len(hashes)
    for place, text in enumerate(texts):
        own = set(hashes[int(offsets[place]) : int(offsets[place + 1])].tolist())
        assert len(own) == len(shingles(text, 5))
    alone = {text: hashed_ngrams(pl.Series([text], dtype=pl.String), 5)[0].tolist() for text in texts}
    assert hashes.tolist() == [value for text in texts for value in alone[text]]


@settings(max_examples=draws(60))
@given(st.lists(st.text(alphabet="abcde ", max_size=30), min_size=2, max_size=5))
def test_similarities_of_many_pairs_are_those_of_each_pair(texts):
    series = fold_texts(texts)
    left, right = np.triu_indices(len(texts), 1)
    found = pair_similarities(series.to_arrow().cast(pa.large_string()), left, right, 5)
    assert found.tolist() == pytest.approx(
        [jaccard(series[int(a)], series[int(b)]) for a, b in zip(left, right, strict=True)]
    )


def test_a_bucket_full_of_templates_stays_fast_and_right():
    texts = [
        f"How do I solve {a}x + {b} = 26 for x? I tried moving terms and failed again."
        for a in range(30)
        for b in range(30)
    ]
    labels = near_duplicate_clusters(texts, CONFIG)
    assert len(set(labels.tolist())) < 60
