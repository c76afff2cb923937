"""A mapping as text, with its guesses marked and the columns that nobody asked for listed by their shape."""

from __future__ import annotations

from collections.abc import Sequence

from lyo_pipelines.interactions.drafting.guesses import Guess, guesses_of
from lyo_pipelines.interactions.drafting.messages import (
    OF_QUESTION,
    guesses_beside,
    messages_block,
    paths_of,
    with_time,
)
from lyo_pipelines.interactions.drafting.scalars import from_path, scalar
from lyo_pipelines.interactions.drafting.shapes import Column, columns_of
from lyo_pipelines.interactions.fields.mapping import MessageColumns
from lyo_pipelines.interactions.formats.detect import detect_format
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.messages.columns import lacking, message_columns, shown_columns
from lyo_pipelines.personal import EMAIL

_MISSING = {
    "occurred_at": "no column looks like a time",
    "question": "no column looks like a question, or a list of messages",
    "answer": "no column looks like an answer: without one a row is a question that the model failed to answer",
}
_WIDTH = 62


def draft_mapping(name: str, rows: Sequence[Row], subjects: Sequence[str] = ()) -> str:
    """The text of a first mapping for a file of this name with these first rows. subjects: the curriculum's names of them."""
    columns = columns_of(rows)
    told = message_columns(rows)
    joined = None if told is None else with_time(told, columns)
    guesses = guesses_of(columns, subjects) if joined is None else guesses_beside(columns, joined, rows, subjects)
    if joined is None and lacking(rows) is not None:
        guesses = [guess for guess in guesses if guess.field not in ("question", "answer")]
    used = [guess for guess in guesses if guess.used]
    fields = {guess.field for guess in used}
    lines = [
        f"# A first mapping for {_safe(name)}, from its first {len(rows):,} rows. Every `guess` is one: check it, then look with",
        "#   lyo ingest FILE --mapping THIS_FILE --dry-run",
        "# What the keys mean: data/mappings/example.yaml.",
        *_known_format(rows),
        "rows: interactions",
        "",
        *([] if joined is None else [*messages_block(joined, columns), ""]),
        "fields:" if used else "fields: {}",
    ]
    lines += [_line(guess, "  ") for guess in used]
    lines += [_line(guess, "  # ") for guess in guesses if not guess.used]
    proposed = {guess.field for guess in guesses}
    missing = {} if joined is not None else _MISSING
    lines += [f"  # missing: {field}: {why}" for field, why in missing.items() if field not in proposed]
    lines += ["", "constants:", *_constants(fields), *_metadata(columns, guesses, joined)]
    return "\n".join(lines) + "\n"


def _known_format(rows: Sequence[Row]) -> list[str]:
    """A line that says that the rows need no mapping, where they are in a format that is known."""
    if (columns := message_columns(rows)) is not None:
        return [f"# They look like {shown_columns(columns)}; read without a mapping, too."]
    if (missing := lacking(rows)) is not None:
        return [
            f"# Each row seems to be one message of a conversation, but {missing}. Say it so:",
            "#   messages:",
            "#     conversation: the column of the conversation's id",
            '#     speaker: {from: the column of the speaker, values: {"a name of the assistant": assistant}, otherwise: user}',
            "#     text: the column of the text",
            "#     time: the column of the time",
        ]
    found = detect_format(rows)
    return [f"# They look like {found.format} ({found.why}), which is read without a mapping."] if found else []


def _constants(fields: set[str]) -> list[str]:
    lines = []
    if "task" not in fields:
        lines.append("  task: tutoring  # guess: a task of yours, see lyo_pipelines/tasks")
    if "language" not in fields:
        lines.append("  # language: en  # say it where all rows have one language and no column does")
    return lines if "task" not in fields else [*lines, "  {}"]


def _metadata(columns: Sequence[Column], guesses: Sequence[Guess], joined: MessageColumns | None) -> list[str]:
    asked = {guess.column.path.removeprefix(OF_QUESTION) for guess in guesses}
    asked |= set() if joined is None else paths_of(joined)
    left = [column for column in columns if column.path not in asked]
    if not left:
        return []
    lines = [
        "",
        "# Columns that no field asks for. Those worth keeping go into the metadata:",
        "#   metadata: {name: column}",
    ]
    return lines + [f"#   {scalar(_safe(column.path))}: {column.shape}" for column in left]


def _line(guess: Guess, indent: str) -> str:
    said = f"{guess.field}: {from_path(guess.column.path, guess.keys)}"
    return f"{indent}{said:<{_WIDTH}}  # guess: {guess.why}"


def _safe(text: str) -> str:
    """Text for a comment or a name that is only shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return EMAIL.sub("…", shown)[:120]
