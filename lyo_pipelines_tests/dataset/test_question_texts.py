"""Which texts of an example may be its exercise."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.dataset.question_texts import (
    ASKED,
    CONTEXT,
    FORMULA,
    JOINED,
    MATERIAL,
    STEM,
    one_spaced,
    question_texts,
)
from lyo_pipelines.interactions.contract import MESSAGE
from lyo_pipelines.storage.arrow import offsets_and_values
from lyo_pipelines_tests.dataset.example_lake import CONFIG

PROBLEM = "A train leaves the station at nine and travels at sixty kilometres an hour until noon. How far does it go?"


def texts_of(*said: str, context: str | None = None, system: str | None = None, **config: int) -> set[tuple[int, str]]:
    """(kind, text) of one example in which the student says these things in turn."""
    messages = [{"role": "system", "content": "s"}]
    for text in said:
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "a"}]
    material = [(CONTEXT, pa.array([context], pa.string())), (MATERIAL, pa.array([system], pa.string()))]
    found = question_texts(pa.array([messages], pa.list_(MESSAGE)), material, CONFIG.model_copy(update=config))
    assert set(found.row.tolist()) <= {0}
    return set(zip(found.kind.tolist(), found.text.to_pylist(), strict=True))


def test_what_the_student_says_first_and_last_is_listed():
    said = [f"message {n}" for n in range(9)]
    assert texts_of(*said) == {(ASKED, said[n]) for n in (0, 1, 2, 8)}


def test_a_first_paragraph_is_listed_by_itself():
    assert (STEM, PROBLEM) in texts_of(f"{PROBLEM}\n \nMy solution: 180")
    assert texts_of(f"{PROBLEM}\n\nMy solution: 180", stem_min_characters=0) == {
        (ASKED, f"{PROBLEM}\n\nMy solution: 180")
    }


def test_material_is_listed_and_nothing_of_an_empty_one():
    assert texts_of("solve", context=PROBLEM, system="be kind") == {
        (ASKED, "solve"), (CONTEXT, PROBLEM), (MATERIAL, "be kind")
    }  # fmt: skip
    assert texts_of("solve", context="  ", system=None) == {(ASKED, "solve")}


def test_a_short_context_is_read_together_with_the_question():
    assert (JOINED, "class 8 solve it") in texts_of("hello", "solve it", context="class 8")
    assert FORMULA not in {kind for kind, _ in texts_of("solve", context="class 8")}


def test_a_short_context_that_is_a_formula_counts_alone():
    assert (FORMULA, "2x+4=10") in texts_of("solve", context="2x+4=10")


@given(st.lists(st.none() | st.text(st.sampled_from("ab \t\n"), max_size=12), max_size=8))
def test_one_spaced_is_split_and_join(texts: list[str | None]):
    assert one_spaced(pa.array(texts, pa.string())).to_pylist() == [
        None if t is None else " ".join(t.split()) for t in texts
    ]


def test_offsets_start_at_zero_even_for_slices():
    offsets, values = offsets_and_values(pa.array([[1], None, [2, 3], []]).slice(1))
    assert offsets.tolist() == [0, 0, 2, 2]
    assert values.to_pylist() == [2, 3]
