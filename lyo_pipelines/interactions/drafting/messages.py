"""The part of a first mapping that says how rows of single messages are put together, and the fields beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from lyo_pipelines.interactions.drafting.guesses import Guess, guesses_of
from lyo_pipelines.interactions.drafting.scalars import from_path, scalar
from lyo_pipelines.interactions.drafting.shapes import Column
from lyo_pipelines.interactions.fields.mapping import FieldMapping, MessageColumns, lookup
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


def messages_block(columns: MessageColumns, shapes: Sequence[Column]) -> list[str]:
    """The lines of `messages`; `shapes`: what the columns look like."""
    lines = [
        "messages:  # each row is one message: those of one conversation are put together, each answered question is a row then"
    ]
    said = [("conversation", scalar(columns.conversation), "both sides stand under one value")]
    if columns.speaker is not None:
        named: dict[str, object] = dict(columns.speaker.values)
        said.append(("speaker", from_path(columns.speaker.source, {"values": named} if named else {}), "by its values"))
    said += [("text", scalar(path), "by its name") for path in columns.text]
    said += [] if columns.message is None else [("message", scalar(columns.message), "it holds speaker and text")]
    said += _time_line(columns, shapes)
    for key, path, why in (
        ("order", columns.order, "numbers that count the messages"),
        ("id", columns.id, "feedback that names it reaches the answer"),
        ("parent", columns.parent, "the id of the message that one answers"),
    ):
        said += [] if path is None else [(key, scalar(path), why)]
    return [*lines, *(f"  {f'{key}: {shown}':<{_WIDTH}}  # guess: {why}" for key, shown, why in said)]


def _time_line(columns: MessageColumns, shapes: Sequence[Column]) -> list[tuple[str, str, str]]:
    """When a message was said, with the pattern of its times."""
    if columns.time is None:
        return []
    (path,) = columns.time.source
    guess = _time_guess(shapes, path)
    if guess is None:
        return [("time", scalar(path), "by its name; see `time` and `timezone` of a field")]
    return [("time", from_path(path, guess.keys), guess.why)]


def with_time(columns: MessageColumns, shapes: Sequence[Column]) -> MessageColumns:
    """The same with the column that looks like a time, where none was told by its name."""
    guess = None if columns.time is not None else _time_guess(shapes)
    return columns if guess is None else columns.model_copy(update={"time": FieldMapping(source=(guess.column.path,))})


def _time_guess(shapes: Sequence[Column], path: str | None = None) -> Guess | None:
    guesses = (guess for guess in guesses_of(shapes) if guess.field == "occurred_at" and guess.used)
    return next((guess for guess in guesses if path in (None, guess.column.path)), None)


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
