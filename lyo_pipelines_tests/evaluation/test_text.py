"""Words, scripts, stated results and numbers in English, Hindi and Tamil."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.evaluation.answers.numerals import equal, last_number, number_in, unit_in
from lyo_pipelines.evaluation.answers.text import ascii_digits, normal_form, script_counts, stated_answer, words


def test_words_keep_the_vowel_signs_of_hindi_and_tamil():
    assert words("क्या हिन्दी की बिंदी?") == ["क्या", "हिन्दी", "की", "बिंदी"]
    assert words("தமிழ் மொழி, x^2") == ["தமிழ்", "மொழி", "x", "2"]


def test_single_letters_of_formulas_say_nothing_about_the_script():
    assert script_counts("x = 4, y = 2") == {}
    assert set(script_counts("x = 4 है तो उत्तर y")) == {"devanagari"}
    assert set(script_counts("the answer விடை")) == {"latin", "tamil"}


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Steps first.\nAnswer: 42", "42"),
        ("**Answer:** 12 cm", "12 cm"),
        ("The final answer is: 5", "5"),
        ("The answer is 12.", "12."),
        ("गुणा करें।\nउत्तर: १२ सेमी", "१२ सेमी"),
        ("பெருக்கு.\nவிடை: ௧௨", "௧௨"),
        ("Answer: 3\nCheck again.\nAnswer: 4", "4"),
        ("so we get \\boxed{\\frac{3}{4}}", "\\frac{3}{4}"),
        ("work\n#### 18", "18"),
        ("no result at all", None),
        ("", None),
    ],
)
def test_the_stated_result_is_found(text, stated):
    assert stated_answer(text) == stated


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42),
        ("x = 3", 3),
        ("x = 6/2 = 3", 3),
        ("१२.५ सेमी", Fraction(25, 2)),
        ("௧௨", 12),
        ("1,00,000 rupees", 100_000),
        ("$1,250.50", Fraction("1250.5")),
        ("3/4", Fraction(3, 4)),
        ("1 1/2 m", Fraction(3, 2)),
        ("-\\frac{3}{4}", Fraction(-3, 4)),
        ("2.5 × 10⁵", 250_000),
        ("2.5*10^{-3} m", Fraction(1, 400)),
        ("1e3", 1000),
        ("12 cm^2", 12),
        ("10 m/s²", 10),
        ("25%", 25),
        ("−7", -7),
        ("x = 1, y = 3", None),
        ("2 or 3", None),
        ("5 - 3", None),
        ("H2O", None),
        ("1/0", None),
        ("five", None),
        ("", None),
    ],
)
def test_the_number_of_a_short_result_is_read_exactly(text, number):
    assert number_in(text) == number


@given(st.fractions(min_value=-10_000, max_value=10_000, max_denominator=99))
def test_every_fraction_is_read_back(value):
    assert number_in(f"Answer: {value.numerator}/{value.denominator}") == value


@given(st.integers(-(10**9), 10**9), st.sampled_from(["०१२३४५६७८९", "௦௧௨௩௪௫௬௭௮௯"]))
def test_digits_of_other_scripts_are_numbers_too(value, digits):
    written = str(value).translate(str.maketrans("0123456789", digits))
    assert number_in(written) == value
    assert ascii_digits(written) == str(value)


@given(st.text(max_size=300))
def test_no_text_can_break_the_reading(text):
    number_in(text)
    last_number(text)
    unit_in(text)
    stated_answer(text)
    words(text)
    script_counts(text)
    normal_form(text)


def test_a_model_that_repeats_a_digit_for_ever_costs_no_time():
    assert number_in("9" * 100_000) is not None


def test_whole_numbers_must_be_hit_and_decimals_may_be_rounded():
    assert equal(Fraction("3.14"), Fraction("3.14159"))
    assert not equal(Fraction("3.2"), Fraction("3.14159"))
    assert not equal(Fraction(1001), Fraction(1000))


def test_known_units_have_one_name():
    assert unit_in("12 centimetres") == unit_in("१२ सेमी") == "cm"
    assert unit_in("12 apples") is None
