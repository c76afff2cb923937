"""Feedback that stands on the message of an answer or beside the chat, as applications keep it: `rating`, `thumbs`, `feedback` …

A word, a number, or an object with either (LibreChat: `feedback: {rating: thumbsDown, text}`). What the row says under our own names
counts before; then what stands on the message, then what stands beside the chat (`label` of KTO, `flag` of Gradio, `is_helpful` …).
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.interactions.chats.pairing import Chat
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.interactions.fields.thumbs import paired_thumb, parse_thumb, word_of_thumb
from lyo_pipelines.interactions.formats.row_format import Row

_INNER = ("rating", "thumbs", "thumb", "value", "score", "type")
_WORDS = ("text", "comment", "reason")
BESIDE = (
    *(
        "feedback",
        "user_feedback",
        "userFeedback",
        "annotation",
        "vote",
        "reaction",
        "liked",
        "like",
        "flag",
        "label",
        "kto_tag",
    ),
    *(
        "helpful",
        "is_helpful",
        "isHelpful",
        "was_helpful",
        "wasHelpful",
        "is_good",
        "isGood",
        "good",
        "upvoted",
        "user_vote",
    ),
    *("thumbs_up", "thumbsUp", "thumb", "feedback_type", "feedbackType", "feedback_value", "rating_value"),
)
"""Names of feedback beside a chat."""
_BESIDE = frozenset(BESIDE)
_ANYTHING = ("label", "flag", "annotation", "good")
"""Names that mean other things as well: what is no thumb there is none, and is not told."""
_COMMENTS = ("comment", "feedback_comment", "feedback_text", "feedbackText")
EARLIER = "feedback on earlier answers of a chat is not read: only its last answer is an interaction"


def lay_judged(result: Row, chat: Chat) -> None:
    """Put the feedback on the message of the answer into a canonical row, where the row has none; what is not understood is noted."""
    if chat.judged_before:
        note(result, EARLIER)
    for name, value in (chat.judged or {}).items():
        said = _inner(value) if isinstance(value, dict) else value
        field = _field(name, said)
        if said is None:
            continue
        if field is None:
            note(result, f"`{name}` on the message of the answer is not understood: it is left out")
        elif result.get(field) is None:
            result[field] = said
            comment = (
                next((value[word] for word in _WORDS if value.get(word)), None) if isinstance(value, dict) else None
            )
            if field == "thumbs" and parse_thumb(said) == -1 and isinstance(comment, str):
                result.setdefault("complaint_text", comment)


def lay_beside(result: Row, row: Row) -> None:
    """Put the feedback beside a chat into its canonical row, where nothing else said it; what is not understood is noted."""
    if (word := word_of_thumb(result.get("rating"))) is not None:  # `rating: up`
        result["rating"] = None
        _lay_thumb(result, row, word)
    if _BESIDE.isdisjoint(row):
        return
    thumb, flags = paired_thumb(row)
    if thumb is not None:
        _lay_thumb(result, row, thumb)
    for name in BESIDE:
        value = row.get(name)
        if value in NOTHING or name in flags:
            continue
        said = _inner(value) if isinstance(value, dict) else value
        if name in _ANYTHING and not _is_thumb(name, said):
            continue
        if said is None:
            continue
        field = _field(name, said)
        if field != "thumbs":
            note(result, f"`{name}` beside the chat is not understood as feedback: it is left out")
        elif name == "flag" and _is_of_another(row, result):
            note(result, EARLIER)
        else:
            comment = (
                next((value[word] for word in _WORDS if value.get(word)), None) if isinstance(value, dict) else None
            )
            _lay_thumb(result, row, said, comment)


def _is_thumb(name: str, said: Any) -> bool:
    """Whether a value under a name of many meanings is a thumb: a flag is one only as a word, a label only as true or false."""
    if name == "flag":
        return isinstance(said, str) and word_of_thumb(said) in (1, -1)
    return isinstance(said, bool) or (isinstance(said, str) and said.strip().lower() in ("true", "false"))


def _is_of_another(row: Row, result: Row) -> bool:
    """Whether a flag of Gradio is about another message than the answer: `value` is the text that was flagged."""
    flagged, answer = row.get("value"), result.get("answer")
    return isinstance(flagged, str) and isinstance(answer, str) and flagged.strip() != answer.strip()


def _lay_thumb(result: Row, row: Row, said: Any, comment: Any = None) -> None:
    if result.get("thumbs") is not None:
        return
    result["thumbs"] = said
    comment = comment or next((row[name] for name in _COMMENTS if row.get(name)), None)
    if parse_thumb(said) == -1 and isinstance(comment, str) and result.get("complaint_text") is None:
        result["complaint_text"] = comment


def _inner(value: Row) -> Any:
    thumb, flags = paired_thumb(value)
    if flags:
        return thumb
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
