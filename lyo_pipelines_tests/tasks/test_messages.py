"""Chat messages: every template takes them, and the fast way gives what the plain way gives."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.tasks import task_format, task_formats, tutoring
from lyo_pipelines.tasks.base import UnknownTaskFormatError
from lyo_pipelines_tests.dataset.example_lake import example

TEXT = st.text(st.sampled_from("ab \n।"), max_size=5)
ROWS = st.fixed_dictionaries(
    {
        "question": TEXT,
        "answer": TEXT,
        "context": st.none() | TEXT,
        "system_prompt": st.none() | TEXT,
        "subject": st.none() | st.sampled_from(["math", "physics"]),
        "grade": st.none() | st.sampled_from(["7", "adult"]),
        "language": st.sampled_from(["en", "hi", "xx"]),
        "history": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": st.none() | TEXT}
            ),
            max_size=5,
        )
        | st.integers(1, 3).map(
            lambda n: [{"role": r, "content": "x"} for _ in range(n) for r in ("user", "assistant")]
        ),
    }
)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([example(n, **row) for n, row in enumerate(rows)], schema=EXAMPLE)


@given(st.lists(ROWS, max_size=6))
def test_the_column_is_the_row_by_row_result(rows: list[dict[str, Any]]):
    table = table_of(rows)
    assert tutoring.FORMAT.messages_column(table).to_pylist() == [
        tutoring.to_messages(row) for row in table.to_pylist()
    ]


@given(ROWS)
def test_system_first_then_user_and_assistant_in_turn_and_the_answer_last(row: dict[str, Any]):
    messages = tutoring.to_messages(row)
    assert [m["role"] for m in messages] == ["system", *(["user", "assistant"] * (len(messages) // 2))]
    assert messages[-1]["content"] == row["answer"].strip()


def test_the_prompt_names_persona_subject_grade_and_language():
    prompt = tutoring.system_prompt({"subject": "math", "grade": "7", "language": "hi"})
    assert prompt == (
        "You are Lyo, a patient mathematics tutor for a student in grade 7. Explain step by step and answer in Hindi. "
        "Speak of yourself in feminine forms."
    )
    assert (
        tutoring.system_prompt({"language": "ta"})
        == "You are Lyo, a patient tutor. Explain step by step and answer in Tamil."
    )


def test_an_own_system_prompt_wins_and_context_follows_it():
    messages = tutoring.to_messages(example(1, system_prompt="Be kind.", context="Page 3"))
    assert messages[0]["content"] == "Be kind.\n\nMaterial given with the question:\nPage 3"


def test_an_opening_of_the_assistant_is_kept_as_context():
    row = example(1, history=[{"role": "assistant", "content": "Hello!"}])
    messages = tutoring.to_messages(row)
    assert [m["role"] for m in messages] == ["system", "user", "assistant"]
    assert messages[0]["content"].endswith("opened the conversation with:\nHello!")


def test_neighbours_of_one_role_become_one_message():
    row = example(1, question="why?", history=[{"role": "user", "content": "x = 3"}])
    assert tutoring.to_messages(row)[1] == {"role": "user", "content": "x = 3\n\nwhy?"}


def test_formats_are_found_by_their_files():
    assert {"tutoring", "programming"} <= set(task_formats())
    assert len({task.version for task in task_formats().values()}) == len(task_formats())
    programming = task_format("programming").system_prompt
    assert programming({"language": "en", "subject": "python", "reasoning_mode": "multi_step"}).startswith(
        "You are Lyo, a precise"
    )
    assert "for programming" not in programming({"language": "en", "subject": "programming"})


def test_a_task_without_a_format_says_how_to_add_one():
    with pytest.raises(UnknownTaskFormatError, match=r"tasks/chess\.py"):
        task_format("chess")
