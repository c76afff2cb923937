"""The checks' own search finds every nearly equal pair, and nothing else."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.dataset.leak_search import content, everyday_words, near_pairs, nearly_equal, plain_words, wording

WORDING = st.tuples(st.text("ab", min_size=1, max_size=12), st.sampled_from(["", "1 2"]))


@given(st.lists(st.tuples(WORDING, st.integers(0, 2)), max_size=14, unique=True))
@settings(max_examples=200)
def test_all_pairs_are_found(given_texts: list[tuple[tuple[str, str], int]]):
    wordings, split = [text for text, _ in given_texts], [side for _, side in given_texts]
    expected = {
        (i, j)
        for i, j in combinations(range(len(wordings)), 2)
        if split[i] != split[j]
        and wordings[i][1] == wordings[j][1]
        and wordings[i][0] != wordings[j][0]
        and min(len(wordings[i][0]), len(wordings[j][0])) > 3
        and nearly_equal(wordings[i][0], wordings[j][0], 1)
    }
    found = set(near_pairs(wordings, [len(text) for text, _ in wordings], split))
    assert expected <= found
    assert all(nearly_equal(wordings[i][0], wordings[j][0], 1) for i, j in found)


@given(
    st.text("abcdefgh", min_size=120, max_size=300), st.integers(0, 100), st.text("xyz", max_size=4), st.integers(0, 4)
)
def test_in_a_long_text_a_stretch_may_differ(text: str, place: int, put: str, taken: int):
    changed = text[:place] + put + text[place + taken :]
    if changed != text:
        assert list(near_pairs([(text, ""), (changed, "")], [len(text), len(changed)], [0, 2])) == [(0, 1)]


def test_a_swap_is_near_and_two_typos_are_not():
    assert nearly_equal("whatisanoun", "waht"[:4] + "isanoun", 1)
    assert not nearly_equal("whatisanoun", "whotisinoun", 1)


def test_words_and_numbers_are_read_apart():
    assert wording(plain_words("Find 12x + ३४!")) == ("find0x0", "12 34")


def test_what_everybody_says_has_no_content():
    said = [["please tell me what is gravity"], *([f"please tell me what is w{n}"] for n in range(20))]
    everyday = everyday_words(said, 0.24)
    words = "please tell me what is gravity"
    assert content(words, wording(words)[0], everyday) == len("gravity")
