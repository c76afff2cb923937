"""How hard English is to read, against published values, and where sentences end in any script."""

from __future__ import annotations

import pytest

from lyo_pipelines.evaluation.answers.readability import flesch_kincaid, sentences, syllables


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("the", 1), ("cat", 1), ("table", 2), ("make", 1), ("solved", 1), ("wanted", 2), ("added", 2), ("people", 2), ("because", 2),
        ("photosynthesis", 5), ("triangle", 3),
        ("numerator", 4), ("tree", 1), ("hypotenuse", 4), ("rhythm", 1), ("radius", 3), ("action", 2), ("special", 2), ("pupil's", 2),
    ],
)  # fmt: skip
def test_syllables_of_words_as_a_dictionary_has_them(word, count):
    assert syllables(word) == count


def test_the_grade_level_is_the_published_formula():
    # 36 words in 4 sentences of one-syllable words: 0.39 * 9 + 11.8 - 15.59
    assert flesch_kincaid("We add all six to the two we had. " * 4) == pytest.approx(0.39 * 9 + 11.8 - 15.59)


def test_gettysburg_is_read_at_about_the_grade_that_is_published_for_it():
    # Kincaid levels between 9 and 12 are published for this speech's opening, by how syllables are counted
    text = (
        "Four score and seven years ago our fathers brought forth, upon this continent, a new nation, conceived in Liberty, and "
        "dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that "
        "nation, or any nation so conceived, and so dedicated, can long endure. We are met on a great battle-field of that war."
    )
    found = flesch_kincaid(text)
    assert found is not None
    assert 8 < found < 12


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("First multiply: 3 x 4 = 12.\nThen add 0.5 to it. So it is 12.5.", 3),
        ("पहले गुणा करें। फिर जोड़ें।", 2),
        ("முதலில் பெருக்கு. பிறகு கூட்டு.", 2),
        ("```\nprint(1)\n```", 0),
        ("", 0),
    ],
)
def test_sentences_end_with_the_signs_of_their_script_and_not_inside_numbers(text, count):
    assert len(sentences(text)) == count
