"""Phrases: slots, alternatives, and the memory of what was drawn."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.sample.phrase import Phrase

WORDS = {"girl": ("Meena", "Kavya"), "fruit": ("mangoes",)}


def test_a_slot_takes_the_value_of_the_problem_before_the_word_list():
    assert Phrase("{n} {fruit}").say(Random(1), {"n": 3}, WORDS) == "3 mangoes"


def test_a_drawn_word_is_remembered_so_that_the_answer_speaks_of_the_same_girl():
    values: dict = {}
    said = Phrase("{girl} and again {girl}").say(Random(1), values, WORDS)
    assert said == f"{values['girl']} and again {values['girl']}"


@given(st.integers())
def test_a_second_slot_of_a_list_never_repeats_the_first(seed):
    first, second = Phrase("{girl} {girl2}").say(Random(seed), {}, WORDS).split()
    assert first != second


@given(st.integers())
def test_alternatives_may_be_empty_and_nested(seed):
    assert Phrase("a[|b|c[d|{n}]]e").say(Random(seed), {"n": 1}, WORDS) in {"ae", "abe", "acde", "ac1e"}


@pytest.mark.parametrize("text", ["a[b", "a]b", "[a|[b]"])
def test_unbalanced_alternatives_are_refused_when_compiled(text):
    with pytest.raises(ValueError, match=r"closed|unbalanced"):
        Phrase(text)


def test_a_slot_without_value_and_word_list_is_an_error_that_names_it():
    with pytest.raises(KeyError, match="unknown"):
        Phrase("{unknown}").say(Random(1), {}, WORDS)
