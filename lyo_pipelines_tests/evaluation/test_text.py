"""Words, scripts, digits and one spelling, in English, Hindi and Tamil."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.evaluation.answers.text import ascii_digits, normal_form, script_counts, words


def test_words_keep_the_vowel_signs_of_hindi_and_tamil():
    assert words("क्या हिन्दी की बिंदी?") == ["क्या", "हिन्दी", "की", "बिंदी"]
    assert words("தமிழ் மொழி, x^2") == ["தமிழ்", "மொழி", "x", "2"]


def test_single_letters_of_formulas_say_nothing_about_the_script():
    assert script_counts("x = 4, y = 2") == {}
    assert set(script_counts("x = 4 है तो उत्तर y")) == {"devanagari"}
    assert set(script_counts("the answer விடை")) == {"latin", "tamil"}


@given(st.integers(-(10**9), 10**9), st.sampled_from(["०१२३४५६७८९", "௦௧௨௩௪௫௬௭௮௯"]))
def test_digits_of_other_scripts_are_plain_digits(value, digits):
    assert ascii_digits(str(value).translate(str.maketrans("0123456789", digits))) == str(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("पाँच", "पांच"),
        ("ज़मीन", "जमीन"),
        ("शङ्ख", "शंख"),
        ("गङ्गा", "गंगा"),
        ("The Ganga", "ganga."),
        ("**Oxygen**", "oxygen"),
        ("पाँच है", "पांच"),
    ],
)
def test_one_word_in_two_spellings_is_one_word(one, other):
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"), [("अन्न", "अंत"), ("yes", "no"), ("सत्य", "असत्य"), ("CO", "CO2"), ("जल", "जाल")]
)
def test_words_that_differ_stay_apart(one, other):
    assert normal_form(one) != normal_form(other)


def test_a_yes_is_a_yes_in_any_language():
    assert len({normal_form(word) for word in ("Yes", "हाँ", "हां।", "ஆம்")}) == 1
