"""The part of a first mapping that says how rows of single messages are put together, and the fields beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from lyo_pipelines.interactions.drafting.guesses import Guess, guesses_of
from lyo_pipelines.interactions.drafting.scalars import scalar
from lyo_pipelines.interactions.drafting.shapes import Column
from lyo_pipelines.interactions.fields.mapping import MessageColumns, lookup
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.messages.speakers import speaker_of

OF_QUESTION = "pair.question."
_SAID = {"question", "answer", "history", "interaction_id", "conversation_id", "turn", "occurred_at", "system_prompt"}
"""What the messages themselves give."""
_OF_USERS = {"user_id", "language", "subject", "topic", "grade", "team"}
_WIDTH = 62


def paths_of(columns: MessageColumns) -> set[str]:
    """The columns that put messages together."""
    named = (columns.conversation, columns.message, columns.order, columns.id, columns.parent)
    speaker = () if columns.speaker is None else (columns.speaker.source,)
    time = () if columns.time is None else columns.time.source
    return {path for path in (*named, *speaker, *columns.text, *time) if path is not None}


def messages_block(columns: MessageColumns) -> list[str]:
    """The lines of `messages`."""
    lines = [
        "messages:  # each row is one message: those of one conversation are put together, each answered question is a row then"
    ]
    said = [("conversation", columns.conversation, "both sides stand under one value")]
    if columns.speaker is not None:
        named = columns.speaker.values
        values = ", ".join(
            f"{scalar(value) if value.isalpha() else repr(value)}: {who}" for value, who in named.items()
        )
        shown = scalar(columns.speaker.source)
        said.append(("speaker", f"{{from: {shown}, values: {{{values}}}}}" if values else shown, "by its values"))
    said += [("text", path, "by its name") for path in columns.text]
    said += [] if columns.message is None else [("message", columns.message, "it holds speaker and text")]
    said += (
        []
        if columns.time is None
        else [("time", columns.time.source[0], "by its name; see `time` and `timezone` of a field")]
    )
    for key, path, why in (
        ("order", columns.order, "numbers that count the messages"),
        ("id", columns.id, "feedback that names it reaches the answer"),
        ("parent", columns.parent, "the id of the message that one answers"),
    ):
        said += [] if path is None else [(key, path, why)]
    for key, value, why in said:
        shown = value if value.startswith("{") else scalar(value)
        lines.append(f"  {f'{key}: {shown}':<{_WIDTH}}  # guess: {why}")
    return lines


def guesses_beside(
    columns: Sequence[Column], joined: MessageColumns, rows: Sequence[Row], subjects: Sequence[str] = ()
) -> list[Guess]:
    """Guesses for the other columns: of the question's row where users have them, else of the answer's."""
    taken = paths_of(joined)
    left = [column for column in columns if column.path not in taken]
    guesses = [guess for guess in guesses_of(left, subjects) if guess.field not in _SAID]
    return [_of_a_side(guess, joined, rows) for guess in guesses]


def _of_a_side(guess: Guess, joined: MessageColumns, rows: Sequence[Row]) -> Guess:
    if joined.speaker is None:
        return guess
    path, there = guess.column.path, {"user": 0, "assistant": 0}
    for row in rows:
        role = speaker_of(lookup(row, joined.speaker.source), joined.speaker)
        if role in there and lookup(row, path) not in (None, ""):
            there[str(role)] += 1
    of_users = there["user"] and (guess.field in _OF_USERS or not there["assistant"])
    if not of_users:
        return guess
    column = dataclasses.replace(guess.column, path=OF_QUESTION + path)
    return dataclasses.replace(guess, column=column, why=f"{guess.why}; of the question's row")
