"""What counts as the question of an example."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.dataset.question_texts import normalise_texts, one_spaced, openings, question_texts
from lyo_pipelines.interactions.contract import MESSAGE
from lyo_pipelines.storage.arrow import offsets_and_values
from lyo_pipelines_tests.dataset.example_lake import CONFIG

PROBLEM = "A train leaves the station at nine and travels at sixty kilometres an hour until noon. How far does it go?"


def texts_of(
    question: str, history: list[tuple[str, str]] | None = None, turn: int | None = None
) -> tuple[str | None, str | None, str | None]:
    messages = None if history is None else [{"role": role, "content": content} for role, content in history]
    offsets, flat = offsets_and_values(pa.array([messages], pa.list_(MESSAGE)))
    opening = openings(offsets[:-1], offsets[1:], flat, CONFIG)
    found = question_texts(pa.array([question]), opening, pa.array([turn], pa.int32()), CONFIG)
    return found.root[0].as_py(), found.stem[0].as_py(), found.later[0].as_py()


def test_a_first_question_is_its_own_root():
    assert texts_of(PROBLEM) == (normalise_texts(pa.array([PROBLEM]))[0].as_py(), None, None)


@pytest.mark.parametrize("short", ["why?", "ok", "give me a hint", "हाँ", "a b c d e f g h i j k l", "", "   "])
def test_a_trivially_short_question_ties_nothing(short: str):
    assert texts_of(short) == (None, None, None)
    assert texts_of(
        short, [("user", "hi"), ("assistant", "Hello! What would you like to learn today, my friend?")]
    ) == (None, None, None)


def test_a_later_turn_is_tied_to_the_first_question():
    root, stem, later = texts_of(
        "And what comes then, after noon?", [("user", PROBLEM), ("assistant", "What do you think?")]
    )
    assert root == texts_of(PROBLEM)[0]
    assert stem is later is None


def test_a_whole_exercise_in_a_later_turn_is_tied_to_the_same_exercise_elsewhere():
    root, _, later = texts_of(
        PROBLEM, [("user", "Which numbers below twenty are prime?"), ("assistant", "Eight of them.")]
    )
    assert later == texts_of(PROBLEM)[0]
    assert root != later


def test_a_later_turn_whose_history_the_log_does_not_keep_is_no_first_question():
    assert texts_of("I do not understand, please explain it again", turn=3) == (None, None, None)
    assert texts_of(PROBLEM, turn=3) == (None, None, texts_of(PROBLEM)[0])
    assert texts_of(PROBLEM, turn=0) == texts_of(PROBLEM)


def test_a_greeting_is_not_the_first_question():
    assert texts_of(
        PROBLEM, [("user", "hi"), ("assistant", "Hello! What can I do for you on this fine day?")]
    ) == texts_of(PROBLEM)


def test_the_same_exercise_with_another_attempt_has_the_same_stem():
    first, second = (
        texts_of(f"{PROBLEM}\n\nMy solution:\n{attempt}") for attempt in ("60 x 3 = 180", "I do not know, sorry")
    )
    assert first[0] != second[0]
    assert first[1] == second[1] == texts_of(PROBLEM)[0]


def test_a_short_opening_paragraph_is_no_stem():
    assert texts_of(f"Hello dear tutor!\n\n{PROBLEM}")[1] is None


def test_stems_can_be_switched_off():
    config = CONFIG.model_copy(update={"stem_min_characters": 0})
    assert (
        question_texts(pa.array([f"{PROBLEM}\n\nx"]), pa.nulls(1, pa.string()), pa.array([0]), config).stem.null_count
        == 1
    )


def test_wording_is_compared_without_case_spacing_and_final_punctuation():
    left, right = normalise_texts(pa.array(["  What\u00a0IS\n\nx?? ", "what is x"])).to_pylist()
    assert left == right
    assert normalise_texts(pa.array(["x + 3 = 7", "x - 3 = 7"])).unique().__len__() == 2


@given(st.lists(st.none() | st.text(st.sampled_from("ab \t\n"), max_size=12), max_size=8))
def test_one_spaced_is_split_and_join(texts: list[str | None]):
    assert one_spaced(pa.array(texts, pa.string())).to_pylist() == [
        None if t is None else " ".join(t.split()) for t in texts
    ]


SAID = st.tuples(
    st.sampled_from(["user", "assistant", "system"]), st.none() | st.sampled_from(["", "abc d", "abcdef", "abcdefg"])
)


@given(st.lists(st.none() | st.lists(SAID, max_size=4), max_size=6), st.integers(0, 2))
def test_openings_are_the_first_user_messages_with_content(histories: list[Any], skip: int):
    rows = [None if h is None else [{"role": r, "content": c} for r, c in h] for h in histories]
    offsets, flat = offsets_and_values(pa.array(rows, pa.list_(MESSAGE)).slice(skip))  # a slice does not start at 0
    found = openings(offsets[:-1], offsets[1:], flat, CONFIG.model_copy(update={"question_min_characters": 6}))
    expected = [
        next((m["content"] for m in row or [] if m["role"] == "user" and len(m["content"] or "") >= 6), None)
        for row in rows[skip:]
    ]
    assert found.to_pylist() == expected


def test_offsets_start_at_zero_even_for_slices():
    offsets, values = offsets_and_values(pa.array([[1], None, [2, 3], []]).slice(1))
    assert offsets.tolist() == [0, 0, 2, 2]
    assert values.to_pylist() == [2, 3]
