"""Which columns of rows that are single messages say what: the conversation, who speaks, the text, when, in which order.

Told by names, and by values: who speaks must be known for nearly every row and differ, and one conversation must hold both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.chats.turns import is_message
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import FieldMapping, MessageColumns, Speaker, lookup, value_key
from lyo_pipelines.interactions.formats.chat_metadata import TIMES
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.messages import names
from lyo_pipelines.interactions.messages.speakers import directed_at, flagged_at, named_at, role_inside, speaker_of

_SAMPLE = 2_000
_LOOKED_AT = 200
_NOTHING = (None, "", [], {})
_MOST_NAMES = 12


@dataclass(frozen=True)
class _Spoken:
    """Who says each row, and the columns that say it and what is said."""

    roles: list[str | None]
    speaker: Speaker | None = None
    text: tuple[str, ...] = ()
    message: str | None = None


def message_columns(rows: Sequence[Row]) -> MessageColumns | None:
    """The columns of rows that are single messages; None where a conversation id, both speakers or texts are not to be told."""
    sample = rows[:_SAMPLE]
    paths = _paths(sample)
    spoken = _spoken(sample, paths)
    if spoken is None:
        return None
    conversation = next(
        (path for path in _named(names.CONVERSATIONS, paths) if _holds_both(sample, spoken.roles, path)), None
    )
    if conversation is None:
        return None
    said = [row for row, role in zip(sample, spoken.roles, strict=True) if role in ("user", "assistant")]
    time = next((path for path in _named(TIMES, paths) if _filled(sample, path) > 0.5), None)
    used = {conversation, *spoken.text}
    return MessageColumns(
        conversation=conversation,
        speaker=spoken.speaker,
        text=spoken.text,
        message=spoken.message,
        time=None if time is None else FieldMapping(source=(time,)),
        order=next(
            (path for path in _named(names.ORDERS, paths) if path not in used and _are_numbers(said, path)), None
        ),
        id=next(
            (path for path in _named(names.IDS, paths) if path not in used and _are_ids(said, path, conversation)), None
        ),
        parent=next((path for path in _named(names.PARENTS, paths) if _filled(said, path) > 0), None),
    )


def shown_columns(columns: MessageColumns) -> str:
    """What told that rows are single messages, for people."""
    who = f"`{columns.message}`" if columns.speaker is None else f"`{columns.speaker.source}`"
    said = "" if columns.speaker is None else f", `{columns.text[0]}` what"
    order = [f"`{name}`" for name in (columns.order, columns.time.source[0] if columns.time else None) if name]
    sorted_by = f", {' and '.join(order)} when" if order else ""
    parents = f", `{columns.parent}` what it follows" if columns.parent else ""
    return f"rows that are single messages of a conversation (`{columns.conversation}`): {who} says whose{said}{sorted_by}{parents}"


def lacking(rows: Sequence[Row]) -> str | None:
    """What is missing in rows that look like single messages, for people; None where they do not look like it."""
    sample = rows[:_SAMPLE]
    paths = _paths(sample)
    if _spoken(sample, paths) is not None:
        return "no column names its conversation, so that questions and their answers share it"
    if _text_of(sample, paths) is None or not any(
        _repeats(sample, path) for path in _named(names.CONVERSATIONS, paths)
    ):
        return None
    unknown = next((path for path in _named(names.SPEAKERS[:-4], paths) if _are_few_words(sample, path)), None)
    return None if unknown is None else f"`{unknown}` may name who says it, by words that are not known"


def _paths(rows: Sequence[Row]) -> dict[str, str]:
    """Plain path -> path as it stands, of the columns of some rows and of the fields of their objects."""
    found: dict[str, str] = {}
    for row in rows[:_LOOKED_AT]:
        for name, value in row.items():
            found.setdefault(names.plain_path(str(name)), str(name))
            inner = parsed_json(value)
            for below in inner if isinstance(inner, dict) else ():
                found.setdefault(f"{names.plain(name)}.{names.plain(below)}", f"{name}.{below}")
    return found


def _named(wanted: Iterable[str], paths: dict[str, str]) -> Iterator[str]:
    """The columns that are there of those that are looked for, in the order of these."""
    return (paths[name] for name in map(names.plain_path, wanted) if name in paths)


def _spoken(rows: Sequence[Row], paths: dict[str, str]) -> _Spoken | None:
    text = _text_of(rows, paths) if rows else None
    worded = [row for row in rows if text is not None and lookup(row, text) not in _NOTHING]  # others may be feedback
    for speaker in _speakers(rows, paths) if worded else ():
        if speaker.source != text and _tell_apart([_role(row, speaker) for row in worded]):
            return _Spoken([_role(row, speaker) for row in rows], speaker, (str(text),))
    for path in _named(names.WHOLES, paths):
        items = [parsed_json(lookup(row, path)) for row in rows]
        if sum(is_message(item, spoken=True) for item in items) * 5 > 4 * len(rows):
            roles = [role_inside(item) for item in items]
            if _tell_apart(roles):
                return _Spoken(roles, message=path)
    return None


def _role(row: Row, speaker: Speaker) -> str | None:
    value = lookup(row, speaker.source)
    return None if value in _NOTHING else speaker_of(value, speaker)


def _speakers(rows: Sequence[Row], paths: dict[str, str]) -> Iterator[Speaker]:
    """What may say who speaks, the likeliest first."""
    yield from (named_at(rows, path) for path in _named(names.SPEAKERS, paths))
    yield from (directed_at(rows, path) for path in _named(names.DIRECTIONS, paths))
    for side, flags in names.FLAGS.items():
        yield from (speaker for path in _named(flags, paths) if (speaker := flagged_at(rows, path, side)) is not None)


def _text_of(rows: Sequence[Row], paths: dict[str, str]) -> str | None:
    return next(
        (path for path in _named(names.TEXTS, paths) if _filled(rows, path) > 0.5 and _are_texts(rows, path)), None
    )


def _tell_apart(roles: Sequence[str | None]) -> bool:
    """Whether nearly all speakers are known, and both sides speak."""
    return {"user", "assistant"} <= set(roles) and roles.count(None) * 5 < len(roles)


def _filled(rows: Sequence[Row], path: str) -> float:
    return sum(lookup(row, path) not in _NOTHING for row in rows) / len(rows) if rows else 0.0


def _are_texts(rows: Sequence[Row], path: str) -> bool:
    """Whether a column holds texts, or parts of texts; numbers and objects of another kind are none."""
    values = [value for row in rows if (value := lookup(row, path)) not in (None, "")]
    return all(isinstance(value, (str, list)) for value in values) and not all(
        str(value).strip().isdecimal() for value in values
    )


def _holds_both(rows: Sequence[Row], roles: Sequence[str | None], path: str) -> bool:
    """Whether rows with the same value there are the two sides of a conversation, more often than not."""
    sides: dict[str, set[str]] = {}
    for row, role in zip(rows, roles, strict=True):
        value = lookup(row, path)
        if value not in _NOTHING and not isinstance(value, (dict, list)) and role in ("user", "assistant"):
            sides.setdefault(value_key(value), set()).add(role)
    return bool(sides) and 2 * sum(len(found) == 2 for found in sides.values()) >= len(sides)


def _repeats(rows: Sequence[Row], path: str) -> bool:
    """Whether hardly a value of a column stands in one row only."""
    values = [
        value_key(value)
        for row in rows
        if (value := lookup(row, path)) not in _NOTHING and not isinstance(value, (dict, list))
    ]
    return 2 * len(values) > len(rows) and 3 * len(set(values)) <= 2 * len(values)


def _are_few_words(rows: Sequence[Row], path: str) -> bool:
    values = [value for row in rows if isinstance(value := lookup(row, path), str) and value]
    return 2 * len(values) > len(rows) and 2 <= len(set(values)) <= max(_MOST_NAMES, len(rows) // 4)


def _are_numbers(rows: Sequence[Row], path: str) -> bool:
    return all(number_of(lookup(row, path)) is not None for row in rows)


def number_of(value: Any) -> float | None:
    """A number, also in a text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _are_ids(rows: Sequence[Row], path: str, conversation: str) -> bool:
    """Whether a column names messages: hardly two of one conversation share a value."""
    values = [
        (value_key(lookup(row, conversation)), value_key(value))
        for row in rows
        if (value := lookup(row, path)) is not None
    ]
    return 2 * len(values) > len(rows) and len(set(values)) * 10 > 9 * len(values)


def in_one_conversation(rows: Iterable[Row], columns: MessageColumns) -> bool:
    """Whether the ids of messages are those of a file, and none that begins anew in each conversation."""
    seen: dict[str, str] = {}
    for row in rows:
        value = None if columns.id is None else lookup(row, columns.id)
        if value is not None:
            of = value_key(lookup(row, columns.conversation))
            if seen.setdefault(value_key(value), of) != of:
                return False
    return True
