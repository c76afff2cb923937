"""Where a worked answer states its result, and what it says there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.tasks.results import stated_result, sure_result
from lyo_pipelines_tests.growth import faster_than_linear


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("First add, then halve.\nAnswer: 42", "42"),
        ("**Answer:** 12 cm", "12 cm"),
        ("### Final answer\n17", "17"),
        ("Answer:\n\n$$\\frac{1}{2}$$", "$$\\frac{1}{2}$$"),
        ("The final answer is: 5", "5"),
        ("The answer is 12.", "12."),
        ("So the correct answer is 31", "31"),
        ("ans. 9", "9"),
        ("Result = 3x", "3x"),
        ("गुणा करें।\nउत्तर: १२ सेमी", "१२ सेमी"),
        ("उत्तर 14 है", "14 है"),
        ("जवाबः 6", "6"),
        ("अतः सही उत्तर 7 है", "7 है"),
        ("பெருக்கு.\nவிடை: ௧௨", "௧௨"),
        ("பதில் - 3", "3"),
        ("ஆகவே விடை 19 ஆகும்", "19 ஆகும்"),
        ("సమాధానం: 4", "4"),
        ("uttar: 15", "15"),
        ("Answer: 3\nCheck again.\nAnswer: 4", "4"),
        ("so we get \\boxed{\\frac{3}{4}}", "\\frac{3}{4}"),
        ("work\n#### 18", "18"),
        ("Answer: Not equal", "Not equal"),
        ("Answer: 6\nWell done! The answer is always positive here: remember it", "6"),
    ],
)
def test_the_stated_result_is_found(text, stated):
    assert stated_result(text) == stated


@pytest.mark.parametrize(
    "text",
    [
        "no result at all",
        "",
        "Answer the question in your own words",
        "What is the answer: 5 or 6?",
        "If the answer is 5, which number was doubled?",
        "Your answer is 5, but look at the sign again.",
        "The answer is not 5",
        "The student's answer is 12",
        "#### Step one of the method",
        "Solution: we add the first three numbers and halve what comes out",
        "हल: पहले दोनों संख्याओं को जोड़िए",
    ],
)
def test_what_states_nothing_is_not_read(text):
    assert stated_result(text) is None


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Therefore, x equals 8. Do you want to try another one with 12?", "x equals 8."),
        ("3 + 4 = 7 mangoes", "7 mangoes"),
        ("He walked 4 km and then another 5, which makes nine. That is 9", "That is 9"),
    ],
)
def test_a_loose_reading_takes_a_conclusion_or_the_end(text, stated):
    assert stated_result(text) is None
    assert stated_result(text, loosely=True) == stated


def test_a_reference_is_sure_of_its_result_only_at_its_end_and_without_a_question_after_it():
    assert sure_result("Add both.\nAnswer: 30") == "30"
    assert (
        sure_result(
            "Here is an example. Answer: 30.\n\nNow think of the next one.\nDraw it.\nLabel its sides.\nTell me more."
        )
        is None
    )
    assert sure_result("The answer is 30. Can you see why?") is None


@given(st.text(max_size=400))
def test_no_text_can_break_the_reading(text):
    stated_result(text, loosely=True)
    sure_result(text)


def test_reading_takes_time_in_proportion_to_the_text():
    units = (
        "Answer ",
        "Answer. ",
        "the answer ",
        "उत्तर ",
        "ans. ",
        "#### a\n",
        "\\boxed{",
        "our my the final ",
        "? ",
        "= 1 ",
        "**",
    )
    assert not faster_than_linear(lambda text: stated_result(text, loosely=True), units, size=30_000, floor=0.02)
