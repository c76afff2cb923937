"""Feedback that stands on the message of an answer, as chat applications keep it: `rating`, `thumbs`, `feedback`, `annotation` …

A word, a number, or an object with either (LibreChat: `feedback: {rating: thumbsDown, text}`). What the row itself says counts before.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.interactions.chats.pairing import Chat
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.interactions.fields.thumbs import parse_thumb, word_of_thumb
from lyo_pipelines.interactions.formats.row_format import Row

_INNER = ("rating", "thumbs", "value", "score", "type")
_WORDS = ("text", "comment", "reason")
EARLIER = "feedback on earlier answers of a chat is not read: only its last answer is an interaction"


def lay_judged(result: Row, chat: Chat) -> None:
    """Put the feedback on the message of the answer into a canonical row, where the row has none; what is not understood is noted."""
    if chat.judged_before:
        note(result, EARLIER)
    for name, value in (chat.judged or {}).items():
        said = _inner(value) if isinstance(value, dict) else value
        field = _field(name, said)
        if field is None:
            note(result, f"`{name}` on the message of the answer is not understood: it is left out")
        elif result.get(field) is None:
            result[field] = said
            comment = (
                next((value[word] for word in _WORDS if value.get(word)), None) if isinstance(value, dict) else None
            )
            if field == "thumbs" and parse_thumb(said) == -1 and isinstance(comment, str):
                result.setdefault("complaint_text", comment)


def _inner(value: Row) -> Any:
    return next((value[name] for name in _INNER if value.get(name) not in (None, "")), None)


def _field(name: str, said: Any) -> str | None:
    """What a value is: a thumb by its word or its sign, a rating only where it is named one."""
    if isinstance(said, bool):
        return None if name == "rating" else "thumbs"
    if word_of_thumb(said):
        return "thumbs"
    if name == "rating":
        return "rating" if isinstance(said, (int, float, str)) else None
    try:
        return "thumbs" if isinstance(said, (int, float)) and abs(said) == 1 and parse_thumb(said) else None
    except RowError:
        return None
