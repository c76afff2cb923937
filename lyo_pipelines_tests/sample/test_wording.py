"""What is written around the numbers: every sum on paper is true, every template can be said, every answer ends with its result."""

from __future__ import annotations

import re
from fractions import Fraction
from random import Random

import pytest

from lyo_pipelines.sample.lesson import make_lesson, wrong_result
from lyo_pipelines.sample.problems import KINDS
from lyo_pipelines.sample.voices import VOICES

PAIRS = [(code, name) for code, voice in VOICES.items() for name in voice.wordings]
DRAWS = 40

# a chain such as "2 × (15 + 4) = 2 × 19 = 38", not inside a word, a formula or a call
_CHAIN = re.compile(
    r"(?<![\w(²^.×÷+−=/-])(?<![=+−×÷] )[₹\d(][\d.₹+−×÷/()^ -]*(?:=[\d.₹+−×÷/()^ -]*\d[\d.₹+−×÷/()^ -]*)+"
)


def equalities(text: str) -> list[list[Fraction]]:
    """The values of both (or more) sides of each equality of plain numbers in a text."""
    found = []
    for chain in _CHAIN.findall(text):
        found.append([_value(side) for side in chain.rstrip(" .(-").split("=")])
    return found


def _value(side: str) -> Fraction:
    plain = (
        side.replace("₹", "").strip(" .").translate(str.maketrans({"×": "*", "÷": "/", "−": "-"})).replace("^", "**")
    )
    return eval(re.sub(r"\d+(?:\.\d+)?", lambda m: f"Fraction('{m[0]}')", plain), {"Fraction": Fraction})


def test_the_reader_of_equalities_sees_true_and_false_ones():
    assert equalities("2 × (3 + 4) = 2 × 7 = 14 m.") == [[14, 14, 14]]
    assert equalities("₹100 − ₹30 = ₹71, 1/2 = 2/4") == [[70, 71], [Fraction(1, 2), Fraction(1, 2)]]
    assert equalities("f(3) = 9 and 3x = 12") == []


@pytest.mark.parametrize(("language", "name"), PAIRS)
def test_every_sum_in_a_worked_answer_is_true(language, name):
    rng, voice = Random(f"{language} {name}"), VOICES[language]
    for _ in range(DRAWS):
        lesson = make_lesson(rng, voice, KINDS[name])
        for step in lesson.steps:
            for sides in equalities(step):
                assert len(set(sides)) == 1, step


@pytest.mark.parametrize(("language", "name"), PAIRS)
def test_every_way_to_ask_can_be_said_and_names_the_given_numbers(language, name):
    rng, voice = Random(f"ask {language} {name}"), VOICES[language]
    wording = voice.wordings[name]
    for question in wording.questions:
        for _ in range(12):
            values = KINDS[name].make(rng)
            said = question.say(rng, values, voice.words)
            assert "{" not in said.replace(values.get("code", "\0"), ""), said
            assert re.search(r"\d", said) or "formula" in values or "skeleton" in values, said


def test_the_idea_of_a_kind_is_one_sentence_that_fits_every_exercise():
    for voice in VOICES.values():
        for wording in voice.wordings.values():
            assert not re.search(r"[\[{]|[.।]$", wording.rule.text), wording.rule.text


@pytest.mark.parametrize("language", VOICES)
def test_every_answer_ends_with_the_mark_and_the_result(language):
    rng, voice = Random(language), VOICES[language]
    for name in voice.wordings:
        lesson = make_lesson(rng, voice, KINDS[name])
        answer = lesson.answer(lesson.say(rng, voice.warm)).split("\n")
        assert answer[-1] == voice.answer_mark + lesson.result
        assert len(answer) == 2 + len(lesson.steps)
        assert all(line.startswith(voice.step.split("{")[0]) for line in answer[1:-1])


def test_the_result_stands_at_the_end_of_the_last_step_of_most_kinds():
    rng = Random(5)
    named = 0
    for name in VOICES["en"].wordings:
        lesson = make_lesson(rng, VOICES["en"], KINDS[name])
        named += any(number in lesson.steps[-1] for number in re.findall(r"\d+", lesson.result))
    assert named / len(VOICES["en"].wordings) > 0.85


@pytest.mark.parametrize("result", ["42", "₹8", "3/4", "9 and 17", "7 mol", "silver", "[4, 8]", "2H2 + O2 -> 2H2O"])
def test_a_wrong_result_is_never_the_right_one(result):
    rng = Random(3)
    assert all(wrong_result(rng, result) != result for _ in range(200))


def test_the_hindi_tutor_is_a_woman_and_no_language_is_disrespectful_in_its_good_lines():
    hindi, tamil = VOICES["hi"], VOICES["ta"]
    good = [
        p.text
        for p in (*hindi.warm, *hindi.right, *hindi.not_yet, *hindi.hint_answers, *hindi.why_answers, *hindi.refusals)
    ]
    assert not [text for text in good if re.search(r"(ता|ऊँगा|ूँगा) हूँ|ूँगा", text)]
    assert any("ती हूँ" in text for text in good)
    polite = [p.text for p in (*tamil.warm, *tamil.right, *tamil.not_yet, *tamil.hint_answers, *tamil.why_answers)]
    assert not [text for text in polite if re.search(r"(^|\s)(நீ|உனக்கு|உன்)(\s|$)|டா(\s|$|[!,.])", text)]
