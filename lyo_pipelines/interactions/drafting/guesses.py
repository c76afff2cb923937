"""Which column may be which field of ours, and how its values are turned into ours: guesses, by name first and then by shape.

What cannot be told from the values (a scale whose ends were not seen, day and month that may be either) is proposed and not used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.interactions.drafting.names import GENERIC, NAMES, UNITS, plain_name
from lyo_pipelines.interactions.drafting.shapes import Column, Kind
from lyo_pipelines.interactions.fields.thumbs import word_of_thumb

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
_ENDS = ((1, 5), (0, 1), (0, 5), (1, 7), (0, 10), (1, 10), (0, 100))
_UNITS = (
    ("ns", "ns"),
    ("us", "us"),
    ("ms", "ms"),
    ("millis", "ms"),
    ("seconds", "s"),
    ("secs", "s"),
    ("_s", "s"),
    ("sec", "s"),
)
_OTHER_THUMBS = {
    **dict.fromkeys(("hoch", "gut", "ja", "si", "sim", "oui"), 1),
    **dict.fromkeys(("runter", "schlecht", "nein", "nao", "non"), -1),
}
_LESS_SURE = 3
_FEW_VALUES = 10
_OF_IDS = ("id", "nr", "no", "num", "number")
"""Ends that make an id of the name of a text: `request_id`."""
_WISHED = ("expected", "reference", "gold", "ideal", "target")
_OWN_OF_A_DATABASE = 30
"""`_ts`, `_id`: what a database keeps of a row comes after what the application says of it."""
_LONG = 12
"""Characters of a text that may be a question or an answer."""


@dataclass(frozen=True)
class Guess:
    """A field, the column it may come from, further keys of its mapping, why, and whether it is sure enough to be used."""

    field: str
    column: Column
    keys: dict[str, object] = dataclasses.field(default_factory=dict)
    why: str = ""
    used: bool = True


def guesses_of(columns: Sequence[Column]) -> list[Guess]:
    """The guesses for a file's columns, in the order of our fields; a column serves one field, but messages serve several."""
    ranked = sorted(
        ((rank, name, column) for column in columns for name in NAMES if (rank := _rank(name, column)) is not None),
        key=lambda item: (item[0], item[1] not in ("question", "answer"), -item[2].share),
    )
    chosen: dict[str, Column] = {}
    taken: set[str] = set()
    for _, name, column in ranked:
        if name not in chosen and column.path not in taken:
            chosen[name] = column
            taken.add(column.path)
    _fall_back_on_shapes(columns, chosen, taken)
    only = _only_text_left(columns, chosen, taken)
    guesses = [Guess(*only, why="the only text that is left")] if only is not None else []
    guesses += [
        _with_commas(guess) for name in NAMES if name in chosen for guess in _guesses(name, chosen[name], chosen)
    ]
    guesses = [_of_the_dissatisfied(guess, guesses) for guess in guesses]
    return [
        guess for guess in guesses if guess.used or guess.field not in {other.field for other in guesses if other.used}
    ]


def _of_the_dissatisfied(guess: Guess, guesses: Sequence[Guess]) -> Guess:
    """A comment is a complaint only where the judgement beside it is a bad one: praise is none."""
    if guess.field != "complaint_text":
        return guess
    judged = next((other for other in guesses if other.used and other.field in ("thumbs", "rating")), None)
    bad = [] if judged is None else _bad_values(judged)
    if judged is None or not bad:
        sure = "complaint" in plain_name(guess.column.path)
        return (
            guess if sure else dataclasses.replace(guess, why="is each of them a complaint? Praise is none", used=False)
        )
    shown = {judged.column.path: f"[{', '.join(bad)}]"}
    return dataclasses.replace(
        guess, keys={**guess.keys, "only": shown}, why="by its name; beside praise it is no complaint"
    )


def _bad_values(judged: Guess) -> list[str]:
    """The values of a thumb or a rating that speak against an answer, where they are few."""
    if judged.column.kind == "true or false":
        return ["false"]
    if isinstance(values := judged.keys.get("values"), dict):
        return [_quoted(str(word)) for word, thumb in values.items() if thumb == "-1"]
    low, high = judged.column.low, judged.column.high
    if judged.column.kind != "number" or not judged.column.whole or high - low > _FEW_VALUES:
        return []
    ends = judged.keys.get("scale")
    worst, best = (float(ends[0]), float(ends[1])) if isinstance(ends, list) else (1.0, 5.0)
    middle = (worst + best) / 2
    return [
        str(value) for value in range(int(low), int(high) + 1) if (value < middle) == (worst < best) and value != middle
    ]


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _with_commas(guess: Guess) -> Guess:
    return dataclasses.replace(guess, keys={**guess.keys, "decimal": '","'}) if guess.column.comma else guess


def _rank(name: str, column: Column) -> float | None:
    """How well a column's name and kind fit a field, the lower the better; None when they do not."""
    thumbs = name == "thumbs" and _are_thumbs(column)
    if column.kind not in _KINDS.get(name, _WORDS) or _means_another(name, column):
        return None
    parts, known = column.path.split("."), {**_INDEX["rating"], **_INDEX[name]} if thumbs else _INDEX[name]
    ranks = [known.get(plain_name(column.path))]
    ranks += [
        rank + 0.5 for end in (parts[-1:], parts[-2:]) if (rank := known.get(plain_name(".".join(end)))) is not None
    ]
    ranks += [rank + _LESS_SURE for bare in _bare_names(parts[-1], name) if (rank := known.get(bare)) is not None]
    if not (found := [rank for rank in ranks if rank is not None]):
        return None
    best = min(found) + (_OWN_OF_A_DATABASE if parts[-1].startswith("_") else 0)
    return best + 20 * column.path.count(".") + (0 if column.share > 0.5 else 5)


def _means_another(name: str, column: Column) -> bool:
    """Whether a column cannot be a field though its name fits: an expected answer is not the model's, a label is a thumb only as
    true or false."""
    if name == "answer":
        return any(plain_name(part).startswith(_WISHED) for part in column.path.split("."))
    return name == "thumbs" and plain_name(column.path) == "label" and column.kind != "true or false"


def _are_thumbs(column: Column) -> bool:
    """Whether all words of a column are thumbs: then it may be one under the name of a rating, too."""
    said = [word_of_thumb(word) for word in column.words]
    return bool(said) and None not in said and bool({1, -1} & set(said))


def _bare_names(name: str, field: str) -> list[str]:
    """A name without an end that says nothing more: `rating_5`, `question text`, `took_seconds`."""
    plain = plain_name(name)
    digits = plain.rstrip("0123456789")
    ends = UNITS if field.endswith("_ms") else GENERIC
    if field in ("question", "answer"):
        ends = tuple(end for end in ends if end not in _OF_IDS)
    ends = [plain.removesuffix(end) for end in ends if plain.endswith(end)]
    return [bare for bare in (digits, *ends) if bare not in ("", plain)]


def _fall_back_on_shapes(columns: Sequence[Column], chosen: dict[str, Column], taken: set[str]) -> None:
    """The one column that looks like a time, and the one list of messages, where no name told them."""
    for name, kinds in (("occurred_at", ("time", "epoch")), ("question", ("messages",))):
        left = [column for column in columns if column.kind in kinds and column.path not in taken]
        if name not in chosen and len(left) == 1:
            chosen[name] = left[0]
            taken.add(left[0].path)


def _only_text_left(columns: Sequence[Column], chosen: dict[str, Column], taken: set[str]) -> tuple[str, Column] | None:
    """The one longer text that no name told, where the question or the answer is missing beside the other."""
    missing = [name for name in ("question", "answer") if name not in chosen]
    left = [
        column for column in columns if column.kind == "text" and column.path not in taken and column.typical >= _LONG
    ]
    if len(missing) != 1 or len(left) != 1 or chosen.get("question", left[0]).kind == "messages":
        return None
    return missing[0], left[0]


def _guesses(name: str, column: Column, chosen: dict[str, Column]) -> list[Guess]:
    if column.kind == "messages" and name in ("question", "answer", "history"):
        return _of_messages(name, column, chosen)
    if name == "answer" and column.kind in ("object", "list"):
        return [Guess(name, column, {"pick": "text"}, "the text inside of it")]
    if name.endswith("_ms"):
        return [_duration(name, column)]
    by_shape = _BY_SHAPE.get(name)
    return [by_shape(name, column) if by_shape else Guess(name, column, why="by its name")]


def _of_messages(name: str, column: Column, chosen: dict[str, Column]) -> list[Guess]:
    if name == "history" and chosen.get("question", column).kind == "messages":
        return []
    if name == "history":
        return [Guess(name, column, why="a list of messages")]
    if name == "answer":
        return [Guess(name, column, {"pick": "text"}, "a list of messages")]
    picked = [(name, "question"), ("history", "history"), ("system_prompt", "system"), ("turn", "turn")]
    if "answer" not in chosen and column.answered:
        picked.insert(1, ("answer", "answer"))
    why = (
        "a list of messages; its last answered question" if column.answered else "a list of messages; its last question"
    )
    return [Guess(field, column, {"pick": pick}, why) for field, pick in picked if field == name or field not in chosen]


def _time(name: str, column: Column) -> Guess:
    if column.kind == "epoch":
        return Guess(
            "occurred_at", column, {"time": f"epoch_{column.unit}"}, f"numbers of the size of times in {column.unit}"
        )
    if column.kind == "time":
        return Guess(name, column, why="ISO times; without an offset they are read as UTC, see timezone")
    if len(column.patterns) == 1:
        return Guess(
            "occurred_at", column, {"time": f'"{column.patterns[0]}"'}, "by the only pattern that all of them fit"
        )
    pattern = column.patterns[0] if column.patterns else "%d.%m.%Y %H:%M"
    why = (
        "day and month may be either: say which"
        if column.patterns
        else "text that is no ISO time: write its pattern here"
    )
    return Guess("occurred_at", column, {"time": f'"{pattern}"'}, why, used=False)


def _scaled(name: str, column: Column) -> Guess:
    ours = (1, 5) if name == "rating" else (0, 1)
    ends = (column.low, column.high)
    if ends == ours or (name == "rating" and column.low >= 1 and column.high == 5):
        return Guess(name, column, why=f"numbers from {ours[0]} to {ours[1]}, as ours")
    shown = f"found {column.low:g} to {column.high:g}"
    if ends in _ENDS:
        return Guess(name, column, {"scale": [f"{ends[0]:g}", f"{ends[1]:g}"]}, f"{shown}; [worst, best] of its scale")
    if name == "rating" and ends == (-1, 1):
        return Guess("thumbs", column, {"scale": ["-1", "1"]}, f"{shown}, which are thumbs")
    likely = next((pair for pair in _ENDS if pair[0] <= column.low and column.high <= pair[1] and pair != (0, 1)), ends)
    scale = [f"{likely[0]:g}", f"{likely[1]:g}"]
    return Guess(name, column, {"scale": scale}, f"{shown}: say the [worst, best] of its scale", used=False)


def _thumbs(name: str, column: Column) -> Guess:
    if column.kind == "text":
        return _worded(column)
    if column.kind == "true or false":
        return Guess(name, column, {"scale": ["0", "1"]}, "true is up, false is down")
    ends = (column.low, column.high)
    if column.whole and ends in ((-1, 1), (0, 1)):
        return Guess(name, column, {"scale": [f"{ends[0]:g}", "1"]}, f"found {ends[0]:g} to 1")
    if column.low >= 1 and column.high == 5:
        return Guess("rating", column, why="numbers from 1 to 5, which are no thumbs")
    return Guess(
        name, column, {"scale": ["0", "1"]}, f"found {column.low:g} to {column.high:g}: no thumbs?", used=False
    )


def _worded(column: Column) -> Guess:
    said = {word: word_of_thumb(word) or _OTHER_THUMBS.get(plain_name(word), 0) for word in column.words}
    named: dict[str, object] = {word: str(thumb) for word, thumb in said.items() if thumb}
    if not named:
        return Guess(
            "thumbs",
            column,
            {"values": {"up": "1", "down": "-1"}},
            "text: say which word is up and which is down",
            used=False,
        )
    return Guess("thumbs", column, {"values": named, "otherwise": '"null"'}, "by its words; others are nothing")


def _duration(name: str, column: Column) -> Guess:
    lower = column.path.lower()
    unit = next((unit for end, unit in _UNITS if lower.endswith(end)), None)
    why = "by its name"
    if unit is None:
        unit = "s" if column.typical < 100 else "ms" if column.typical < 1e6 else "ns"
        why = f"by its size, typically {column.typical:g}"
    return Guess(name, column, {"unit": unit}, why)


_BY_SHAPE = {
    "occurred_at": _time,
    "rating": _scaled,
    "relevance_score": _scaled,
    "thumbs": _thumbs,
}
