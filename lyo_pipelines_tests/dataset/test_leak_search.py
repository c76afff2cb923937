"""The checks' own search finds every nearly equal pair, and nothing else."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.dataset.leak_search import (
    Letters,
    content,
    everyday_words,
    near_pairs,
    nearly_equal,
    plain_words,
    wording,
)
from lyo_pipelines.storage.working_space import IN_MEMORY
from lyo_pipelines_tests.hypothesis_profile import draws


def near(a: str, b: str, most: int = 1) -> bool:
    return nearly_equal(Letters(a), Letters(b), most)


WORDING = st.tuples(st.text("ab", min_size=1, max_size=12), st.sampled_from(["", "1 2"]))


@given(st.lists(st.tuples(WORDING, st.integers(0, 2)), max_size=14, unique=True), st.sampled_from([200, IN_MEMORY]))
@settings(max_examples=draws(200))
def test_all_pairs_are_found(given_texts: list[tuple[tuple[str, str], int]], mapped_from: int):
    wordings, split = [text for text, _ in given_texts], [side for _, side in given_texts]
    expected = {
        (i, j)
        for i, j in combinations(range(len(wordings)), 2)
        if split[i] != split[j]
        and wordings[i][1] == wordings[j][1]
        and wordings[i][0] != wordings[j][0]
        and min(len(wordings[i][0]), len(wordings[j][0])) > 3
        and near(wordings[i][0], wordings[j][0])
    }
    found = set(near_pairs(wordings, [len(text) for text, _ in wordings], split, mapped_from))
    assert expected <= found
    assert all(near(wordings[i][0], wordings[j][0]) for i, j in found)


@given(
    st.text("abcdefgh", min_size=120, max_size=300), st.integers(0, 100), st.text("xyz", max_size=4), st.integers(0, 4)
)
def test_in_a_long_text_a_stretch_may_differ(text: str, place: int, put: str, taken: int):
    changed = text[:place] + put + text[place + taken :]
    if changed != text:
        assert list(near_pairs([(text, ""), (changed, "")], [len(text), len(changed)], [0, 2])) == [(0, 1)]


@given(st.text("abक", max_size=9), st.text("abक", max_size=9), st.integers(0, 3))
def test_nearness_is_that_of_its_definition(a: str, b: str, most: int):
    cuts = [
        (a[i : len(a) - k], b[i : len(b) - k])
        for i in range(min(len(a), len(b)) + 1)
        for k in range(min(len(a), len(b)) - i + 1)
        if a[:i] == b[:i] and a[len(a) - k :] == b[len(b) - k :]
    ]
    stretch = any(max(len(x), len(y)) <= most for x, y in cuts)
    swap = abs(len(a) - len(b)) <= most and any(len(x) == 2 and x == y[::-1] for x, y in cuts)
    assert near(a, b, most) == (stretch or swap)


def test_a_swap_is_near_and_two_typos_are_not():
    assert near("whatisanoun", "wahtisanoun")
    assert not near("whatisanoun", "whotisinoun")


def test_words_and_numbers_are_read_apart():
    assert wording(plain_words("Find 12x + ३४!")) == ("find0x0", "12 34")


def test_what_everybody_says_has_no_content():
    said = [["please tell me what is gravity"], *([f"please tell me what is w{n}"] for n in range(20))]
    everyday = everyday_words(said, 0.24)
    words = "please tell me what is gravity"
    assert content(words, wording(words)[0], everyday) == len("gravity")
