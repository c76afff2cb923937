"""How well a column fits each field of ours: by known names first, then by the words of its header, then by its values alone."""

from __future__ import annotations

from lyo_pipelines.interactions.drafting.header_words import (
    FIELD_WORDS,
    ID_WORDS,
    JUDGE,
    WISHED,
    has_word,
    header_words,
    names_of,
    speaker_of_text,
)
from lyo_pipelines.interactions.drafting.names import GENERIC, NAMES, UNITS, plain_name
from lyo_pipelines.interactions.drafting.shapes import Column, Kind
from lyo_pipelines.interactions.drafting.value_maps import are_languages, are_thumbs, grade_of, ratings_of

_TEXTS: tuple[Kind, ...] = ("text", "number", "messages", "time", "true or false")
_IDS: tuple[Kind, ...] = ("text", "uuid", "number", "epoch", "time")
_NUMBERS: tuple[Kind, ...] = ("number",)
_KINDS: dict[str, tuple[Kind, ...]] = {
    "question": _TEXTS,
    "answer": (*_TEXTS, "object", "list"),
    "history": ("messages",),
    "occurred_at": ("time", "epoch", "text"),
    "rating": _NUMBERS,
    "relevance_score": _NUMBERS,
    "thumbs": ("number", "true or false", "text"),
    "user_id": _IDS,
    "conversation_id": _IDS,
    "interaction_id": _IDS,
    "turn": _NUMBERS,
    "retries": _NUMBERS,
    "response_time_ms": _NUMBERS,
    "time_to_first_token_ms": _NUMBERS,
}
_WORDS: tuple[Kind, ...] = ("text", "number", "true or false", "uuid")
_INDEX = {name: {plain_name(word): rank for rank, word in enumerate(words)} for name, words in NAMES.items()}
_LESS_SURE = 3
_OF_IDS = ("id", "nr", "no", "num", "number")
"""Ends that make an id of the name of a text: `request_id`."""
_OWN_OF_A_DATABASE = 30
"""`_ts`, `_id`: what a database keeps of a row comes after what the application says of it."""
_BY_WORDS = 200
"""Behind every known name."""
_BY_VALUES = 300
_DEPTH = 20
_ENDINGS = frozenset(
    {
        "completion",
        "completed",
        "end",
        "ended",
        "finished",
        "updated",
        "closed",
        "modified",
        "solved",
        "resolved",
        "last",
    }
)
_WHO = FIELD_WORDS["user_id"] | ID_WORDS | frozenset({"name", "address", "handle", "login"})
"""Last words of headers that tell who somebody is."""
_DURATIONS_ARE_NOT = frozenset({"total", "session", "age"})


def rank_of(name: str, column: Column) -> float | None:
    """How well a column fits a field, the lower the better; None when it does not."""
    if (by_name := _by_known_name(name, column)) is not None:
        return by_name
    depth = _DEPTH * (len(names_of(column.path)) - 1)
    if _by_header_words(name, column):
        return _BY_WORDS + depth + (0 if column.share > 0.5 else 5) + (10 if _is_an_ending(name, column) else 0)
    if _by_values(name, column):
        return _BY_VALUES + depth
    return None


def _by_known_name(name: str, column: Column) -> float | None:
    thumbs = name == "thumbs" and are_thumbs(column.words)
    if not _may_be(name, column) or _means_another(name, column):
        return None
    parts, known = names_of(column.path), {**_INDEX["rating"], **_INDEX[name]} if thumbs else _INDEX[name]
    ranks = [known.get(plain_name(column.path))]
    ranks += [
        rank + 0.5 for end in (parts[-1:], parts[-2:]) if (rank := known.get(plain_name(".".join(end)))) is not None
    ]
    ranks += [rank + _LESS_SURE for bare in _bare_names(parts[-1], name) if (rank := known.get(bare)) is not None]
    if not (found := [rank for rank in ranks if rank is not None]):
        return None
    best = min(found) + (_OWN_OF_A_DATABASE if parts[-1].startswith("_") else 0)
    return best + _DEPTH * (len(names_of(column.path)) - 1) + (0 if column.share > 0.5 else 5)


def _may_be(name: str, column: Column) -> bool:
    """Whether values of this kind can be that field's."""
    if name == "rating" and column.words and ratings_of(column.words):
        return True
    if name == "occurred_at" and column.clocks:
        return False  # a time of day without its date
    return column.kind in _KINDS.get(name, _WORDS)


def _means_another(name: str, column: Column) -> bool:
    """Whether a column cannot be a field though its name fits: an expected answer is not the model's, a label is a thumb only as
    true or false, words that rate from 1 to 5 are no thumbs, and an id that comes twice names no row."""
    if name == "answer":
        return any(plain_name(part).startswith(tuple(WISHED)) for part in names_of(column.path))
    if name == "thumbs" and ratings_of(column.words):
        return True
    if name == "interaction_id" and not column.unique:
        return plain_name(names_of(column.path)[-1]) in _OF_IDS
    return name == "thumbs" and plain_name(column.path) == "label" and column.kind != "true or false"


def _bare_names(name: str, field: str) -> list[str]:
    """A name without an end that says nothing more: `rating_5`, `question text`, `took_seconds`, `Satisfied (Y/N)`."""
    plain = plain_name(name)
    digits = plain.rstrip("0123456789")
    ends = UNITS if field.endswith("_ms") else GENERIC
    if field in ("question", "answer"):
        ends = tuple(end for end in ends if end not in _OF_IDS)
    ends = [plain.removesuffix(end) for end in ends if plain.endswith(end)]
    return [bare for bare in (digits, "".join(header_words(name)), *ends) if bare not in ("", plain)]


def _by_header_words(name: str, column: Column) -> bool:
    """Whether the words of a header speak for a field, and kind and values do not speak against it."""
    words = header_words(names_of(column.path)[-1])
    if name in ("question", "answer"):
        return column.is_prose and not column.patterns and speaker_of_text(column.path) == name
    if name == "reference_answer":
        return column.is_prose and has_word(words, WISHED)
    if not has_word(words, FIELD_WORDS.get(name, frozenset())) or not _may_be(name, column):
        return False
    return _FITS[name](column, words) if name in _FITS else bool(column.words)


def _fits_rating(column: Column, words: list[str]) -> bool:
    judged = has_word(words, JUDGE) and not has_word(words, FIELD_WORDS["user_id"])
    return not judged and (
        bool(ratings_of(column.words)) or (column.kind == "number" and column.high <= 100 and column.distinct <= 101)
    )


def _fits_thumbs(column: Column, words: list[str]) -> bool:
    return not has_word(words, JUDGE) and (are_thumbs(column.words) or column.kind == "true or false")


def _fits_user(column: Column, words: list[str]) -> bool:
    """Whose id, number, name, mail or telephone it is: what else there is of a user (the agent, the text) tells nobody."""
    if not has_word(words[-1:], _WHO):
        return False
    return column.kind != "text" or (column.typical <= 64 and not column.patterns and not _is_thumb(column))


def _is_thumb(column: Column) -> bool:
    return are_thumbs(column.words) or bool(ratings_of(column.words))


def _fits_id(column: Column, words: list[str]) -> bool:
    return has_word(words, ID_WORDS) and (column.kind != "text" or column.typical <= 64) and not column.patterns


def _fits_interaction(column: Column, words: list[str]) -> bool:
    return (
        _fits_id(column, words)
        and column.unique
        and not has_word(words, FIELD_WORDS["conversation_id"] | FIELD_WORDS["user_id"])
    )


def _fits_time(column: Column, words: list[str]) -> bool:
    return column.kind in ("time", "epoch") or bool(column.patterns)


def _fits_duration(column: Column, words: list[str]) -> bool:
    return column.low >= 0 and not has_word(words, _DURATIONS_ARE_NOT)


def _fits_grade(column: Column, words: list[str]) -> bool:
    if column.kind == "number":
        return column.whole and column.low >= 1 and column.high <= 12
    return bool(column.words) and all(grade_of(word) for word in column.words)


_FITS = {
    "rating": _fits_rating,
    "thumbs": _fits_thumbs,
    "user_id": _fits_user,
    "conversation_id": _fits_id,
    "interaction_id": _fits_interaction,
    "occurred_at": _fits_time,
    "response_time_ms": _fits_duration,
    "grade": _fits_grade,
    "language": lambda column, words: are_languages(column.words),
    "model": lambda column, words: bool(column.words) and not has_word(words, JUDGE),
}


def _is_an_ending(name: str, column: Column) -> bool:
    """Whether a time says when something ended: where its beginning is there too, that counts."""
    return name == "occurred_at" and has_word(header_words(column.path), _ENDINGS)


def _by_values(name: str, column: Column) -> bool:
    """What values tell whatever they are called: mail addresses, languages by name, several scripts of stars, thumbs as signs."""
    if name == "user_id":
        return column.contacts > 0.9
    if name == "rating":
        return any("★" in word or "⭐" in word for word in column.words) and bool(ratings_of(column.words))
    if name == "thumbs":
        return are_thumbs(column.words) and not any(map(str.isalnum, "".join(column.words)))
    return name == "language" and are_languages(column.words) and all(len(word) > 3 for word in column.words)
