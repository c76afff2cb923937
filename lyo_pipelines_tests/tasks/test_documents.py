"""A chunk is one assistant message, a pair an ordinary chat; the column gives the same as the rows."""

from __future__ import annotations

import pyarrow as pa

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.tasks.documents import FORMAT


def example(**fields: object) -> dict[str, object]:
    return {**dict.fromkeys(EXAMPLE.names), "language": "hi", "question": "", "answer": "", **fields}


ROWS = [
    example(answer="# Soil\n\nSand and clay. "),
    example(question="Humus", answer="remains of plants", subject="study_notes"),
    example(answer="Second chunk"),
    example(question="  ", answer="Third chunk"),
    example(question="Why?", answer="So.", context="Material", history=[{"role": "user", "content": "Hello"}]),
]


def table(rows: list[dict[str, object]]) -> pa.Table:
    schema = pa.schema([field.with_nullable(True) for field in EXAMPLE])
    return pa.Table.from_pylist(rows, schema=schema)


def test_a_chunk_is_plain_text():
    assert FORMAT.to_messages(ROWS[0]) == [{"role": "assistant", "content": "# Soil\n\nSand and clay."}]


def test_a_pair_is_a_chat():
    system, user, assistant = FORMAT.to_messages(ROWS[1])
    assert "Hindi" in system["content"] and "study notes" in system["content"]
    assert (user["content"], assistant["content"]) == ("Humus", "remains of plants")


def test_the_column_is_the_rows():
    for rows in (ROWS, ROWS[:1], ROWS[1:2], ROWS[::-1]):
        assert FORMAT.messages_column(table(rows)).to_pylist() == [FORMAT.to_messages(row) for row in rows]
    assert len(FORMAT.messages_column(table([]))) == 0
