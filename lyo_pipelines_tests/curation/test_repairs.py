from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.repairs import repair_texts
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.hypothesis_profile import draws

LISTS = load_wordlists()


def mended(text: str, *, answers: bool = True) -> str:
    return repair_texts(pl.Series([text]), LISTS, answers=answers)[0][0]


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("CafÃ© and naÃ¯ve", "Café and naïve"),
        ("3 Ã— 4 = 12", "3 × 4 = 12"),
        ("मैं समझाती हूँ".encode().decode("latin-1"), "मैं समझाती हूँ"),
        ("நன்றி".encode().decode("latin-1"), "நன்றி"),
        ("itâ€™s right", "it’s right"),
        ("e\u0301cole", "école"),
        ("a\x00b\x07c", "abc"),
        ("a\u200bb\ufeff", "ab"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("  padded \n", "padded"),
        ("one\x0btwo\x0cthree\x85four", "one\ntwo\nthree\nfour"),
        ("\n    if x:\n        y()\n    z()\n", "if x:\n    y()\nz()"),
        ("résumé and cafÃ©", "résumé and café"),
        ("As an AI language model, we subtract 5.", "We subtract 5."),
        ("Good. As a large language model, i think so.", "Good. I think so."),
        ("एक एआई मॉडल के रूप में, पहले पाँच घटाइए।", "पहले पाँच घटाइए।"),
        ("AI மொழி மாதிரியாக, முதலில் ஐந்தைக் கழிக்கவும்.", "முதலில் ஐந்தைக் கழிக்கவும்."),
        ("x is seven. I hope this helps! Let me know if you have any other questions.", "x is seven."),
        ("x = 7 है। मुझे उम्मीद है कि इससे आपकी मदद होगी।", "x = 7 है।"),
    ],
)
def test_what_is_repaired(broken, whole):
    assert mended(broken) == whole


@pytest.mark.parametrize(
    "text",
    [
        "x² + ½ ≠ ﬁve",
        "“quoted” — don’t",
        "क्‍ष और र्‌य",
        "<b>bold</b> &amp; more",
        "à la carte, château",
        "f(x) = x³\n\ty = 2",
        "Ã is a letter",
        "A cell of 7 Å² by 2 Å³",
        "The letter é looks like Ã© there",
        "Read as UTF-8, â€™ is one sign",
        "    while x:\n        y()\n\nThat is all.",
    ],
)
def test_what_must_survive(text):
    assert mended(text) == text


def test_boilerplate_is_cut_from_answers_only():
    text = "As an AI language model, what can you do?"
    assert mended(text, answers=False) == text


def test_nulls_stay_and_changes_are_counted():
    texts, changed = repair_texts(pl.Series(["a\x00", None, "b"]), LISTS, answers=False)
    assert texts.to_list() == ["a", None, "b"]
    assert changed == {"remove_control_characters": 1}


def test_the_input_column_is_not_changed():
    texts = pl.Series(["a\x00b", "e\u0301"])
    repair_texts(texts, LISTS, answers=True)
    assert texts.to_list() == ["a\x00b", "e\u0301"]


alphabet = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from(list("ÃÂâà©¤®€™’\u200d\u200b\x00\r\n ।.")),
    st.sampled_from(["As an AI model, ", " I hope this helps!"]),
)


@settings(max_examples=draws(200))
@given(st.lists(alphabet, max_size=30).map("".join))
def test_repairing_twice_is_repairing_once(text):
    once = mended(text)
    assert mended(once) == once


@settings(max_examples=draws(100))
@given(st.text(max_size=40))
def test_text_comes_out_in_nfc(text):
    assert unicodedata.is_normalized("NFC", mended(text))
