"""Words beside a value are found as fast as may be, and where they would be found one by one."""

from __future__ import annotations

import re

import regex
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.curation.privacy.context import _lists, any_of, context_words
from lyo_pipelines.curation.privacy.spans import Upcoming

_PARTS = ["tel", "call", " me", "our", "phone", "phones", "smart", "मेरा", " ", "नंबर", "ab", "1", "(", "|", "."]
WORDS = [
    r"\btel\b",
    r"\bcall(?:ing)? (?:me|our)\b",
    r"(?:smart)?phones?",
    "(?:मेरा|हमारा) नंबर",
    r"ab?c|\btel(?=1)",
    r"[(|]\.",
    r"\Gour",
]


@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join), st.integers(0, 20), st.integers(0, 40))
def test_sorting_words_by_their_first_letter_changes_no_finding(text, start, width):
    plain = regex.compile("|".join(WORDS), regex.IGNORECASE).search(text, start, start + width)
    found = any_of(WORDS).search(text, start, start + width)
    assert (plain and plain.start()) == (found and found.start())


def test_the_words_of_the_lists_are_found():
    assert context_words("phone").search("please CALL me")
    assert context_words("own_number").search("मेरा नंबर")
    assert not context_words("phone").search("a recall")


@given(st.sampled_from(sorted(_lists())), st.text("0123456789 .,-+()/%:;=\n#@*", max_size=30))
def test_no_context_word_is_without_letters(kind, signs):
    assert context_words(kind).search(signs) is None


@given(st.text("ab "), st.lists(st.integers(0, 12), max_size=8), st.integers(0, 6))
def test_what_comes_next_is_what_a_search_finds(text, places, window):
    upcoming, pattern = Upcoming(regex.compile("ab+"), text), re.compile("ab+")
    for place in places:
        assert upcoming.within(place, window) == (pattern.search(text, place, place + window) is not None)
