"""Which column may be which field of ours, and how its values are turned into ours: guesses, by name first and then by shape.

What cannot be told from the values (a scale whose ends were not seen, day and month that may be either) is proposed and not used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.interactions.drafting.header_words import header_words, in_brackets
from lyo_pipelines.interactions.drafting.names import NAMES, plain_name
from lyo_pipelines.interactions.drafting.ranking import rank_of
from lyo_pipelines.interactions.drafting.shapes import Column
from lyo_pipelines.interactions.drafting.time_patterns import is_date, likely_pattern, zone_of_header
from lyo_pipelines.interactions.drafting.value_maps import grade_of, ratings_of, thumb_of
from lyo_pipelines.segments import segment_name

_ENDS = ((1, 5), (0, 1), (0, 5), (1, 7), (0, 10), (1, 10), (0, 100))
_UNITS = {
    **dict.fromkeys(("ns",), "ns"),
    **dict.fromkeys(("us",), "us"),
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden", "segundos", "secondes"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
}
_NO_UNITS = {"h", "hr", "hrs", "hour", "hours", "day", "days"}
_FEW_VALUES = 10
_STEM = 4
"""Letters of a shortened subject: "chem" is chemistry."""
_ASKING = 0.25
"""Share of texts with a question mark from which a column asks, where the other has fewer than half as many."""


@dataclass(frozen=True)
class Guess:
    """A field, the column it may come from, further keys of its mapping, why, and whether it is sure enough to be used."""

    field: str
    column: Column
    keys: dict[str, object] = dataclasses.field(default_factory=dict)
    why: str = ""
    used: bool = True


def guesses_of(columns: Sequence[Column], subjects: Sequence[str] = ()) -> list[Guess]:
    """The guesses for a file's columns, in the order of our fields; a column serves one field, but messages serve several.

    subjects: names of the curriculum, for which "Maths" and "Mathematics" stand.
    """
    ranked = sorted(
        ((rank, name, column) for column in columns for name in NAMES if (rank := rank_of(name, column)) is not None),
        key=lambda item: (item[0], item[1] not in ("question", "answer"), -item[2].share),
    )
    chosen: dict[str, Column] = {}
    taken: set[str] = set()
    for _, name, column in ranked:
        if name not in chosen and column.path not in taken:
            chosen[name] = column
            taken.add(column.path)
    _fall_back_on_shapes(columns, chosen, taken)
    guesses = _texts_left(columns, chosen, taken)
    guesses += [
        _with_commas(guess) for name in NAMES if name in chosen for guess in _guesses(name, chosen[name], chosen)
    ]
    guesses = [_with_clock(guess, columns, taken) for guess in guesses]
    guesses = [_named_as_taught(_of_the_dissatisfied(guess, guesses), subjects) for guess in guesses]
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


def _named_as_taught(guess: Guess, subjects: Sequence[str]) -> Guess:
    """A subject under the curriculum's names, where a word begins as one of them does and as no other."""
    if guess.field != "subject" or guess.keys:
        return guess
    said = {word: segment_name(word) for word in guess.column.words}
    near = {
        word: [
            subject
            for subject in subjects
            if plain.startswith(subject) or (len(plain) >= _STEM and subject.startswith(plain))
        ]
        for word, plain in said.items()
        if plain not in subjects
    }
    values: dict[str, object] = {word: found[0] for word, found in near.items() if len(found) == 1}
    return dataclasses.replace(guess, keys={"values": values}, why="in the curriculum's words") if values else guess


def _bad_values(judged: Guess) -> list[str]:
    """The values of a thumb or a rating that speak against an answer, where they are few."""
    if judged.column.kind == "true or false":
        return ["false"]
    if isinstance(values := judged.keys.get("values"), dict):
        return [
            _quoted(str(word))
            for word, said in values.items()
            if said in ("-1", "1", "2")[: 1 if judged.field == "thumbs" else 3]
        ]
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


def _fall_back_on_shapes(columns: Sequence[Column], chosen: dict[str, Column], taken: set[str]) -> None:
    """The first column that looks like a time, and the one list of messages, where no name told them."""
    left = [column for column in columns if column.path not in taken]
    times = [column for column in left if column.kind in ("time", "epoch") or column.patterns]
    lists = [column for column in left if column.kind == "messages"]
    for name, found in (("occurred_at", times[:1]), ("question", lists if len(lists) == 1 else [])):
        if name not in chosen and found:
            chosen[name] = found[0]
            taken.add(found[0].path)


def _texts_left(columns: Sequence[Column], chosen: dict[str, Column], taken: set[str]) -> list[Guess]:
    """The longer texts that no name told, where question or answer is missing: the only one beside the other, or of two the one
    that asks."""
    missing = [name for name in ("question", "answer") if name not in chosen]
    left = [column for column in columns if column.is_prose and column.path not in taken]
    if not missing or len(left) != len(missing) or ("question" in chosen and chosen["question"].kind == "messages"):
        return []
    if len(missing) == 1:
        return [Guess(missing[0], left[0], why="the only text that is left")]
    asking = sorted(left, key=lambda column: -column.asks)
    sure = asking[0].asks >= _ASKING and asking[1].asks < asking[0].asks / 2
    asked, answered = asking if sure else left
    why = "of the two texts the one with question marks" if sure else "of two texts the first: is it what was asked?"
    return [
        Guess("question", asked, why=why, used=sure),
        Guess("answer", answered, why="the other of the two texts", used=sure),
    ]


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
    named = zone_of_header(column.path)
    zone: dict[str, object] = {} if named is None else {"timezone": named}
    if column.kind == "time":
        return Guess(name, column, zone, "ISO times; without an offset they are read as UTC, see timezone")
    if (likely := likely_pattern(column.patterns, named)) is not None:
        why = "by the only pattern that all of them fit" if len(column.patterns) == 1 else "the day first, as in India"
        return Guess("occurred_at", column, {"time": f'"{likely}"', **zone}, why)
    pattern = column.patterns[0] if column.patterns else "%d.%m.%Y %H:%M"
    why = (
        "day and month may be either: say which"
        if column.patterns
        else "text that is no ISO time: write its pattern here"
    )
    return Guess("occurred_at", column, {"time": f'"{pattern}"', **zone}, why, used=False)


def _with_clock(guess: Guess, columns: Sequence[Column], taken: set[str]) -> Guess:
    """A date joined with its time of day, where one column beside it holds such."""
    column, pattern = guess.column, str(guess.keys.get("time", "")).strip('"') or "%Y-%m-%d"
    clocks = [other for other in columns if other.clocks and other.path not in taken]
    if (
        guess.field != "occurred_at"
        or len(clocks) != 1
        or not (column.whole_days or (column.patterns and is_date(pattern)))
    ):
        return guess
    keys = {"clock": _quoted(clocks[0].path), **guess.keys, "time": f'"{pattern} {clocks[0].clocks[0]}"'}
    return dataclasses.replace(guess, keys=keys, why=f"{guess.why}; with the time of day beside it")


def _scaled(name: str, column: Column) -> Guess:
    if values := ratings_of(column.words):
        return Guess(name, column, {"values": values}, "each of its words tells a place from 1 to 5")
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
    named: dict[str, object] = {word: str(thumb) for word in column.words if (thumb := thumb_of(word))}
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
    words = [*header_words(column.path), *header_words(in_brackets(column.path))]
    units = [_UNITS[word] for word in words if word in _UNITS]
    if not units and _NO_UNITS & set(words):
        return Guess(name, column, {"unit": "min"}, "in hours or days: say it in one of ns, us, ms, s, min", used=False)
    if units:
        return Guess(name, column, {"unit": units[-1]}, "by its name")
    unit = "s" if column.typical < 100 else "ms" if column.typical < 1e6 else "ns"
    return Guess(name, column, {"unit": unit}, f"by its size, typically {column.typical:g}")


def _grade(name: str, column: Column) -> Guess:
    grades: dict[str, object] = {word: f'"{grade}"' for word in column.words if (grade := grade_of(word))}
    if len(grades) == len(column.words) > 0 and any(f'"{word}"' != grade for word, grade in grades.items()):
        return Guess(name, column, {"values": grades}, "each of its words tells a school year")
    return Guess(name, column, why="by its name")


_BY_SHAPE = {
    "occurred_at": _time,
    "rating": _scaled,
    "relevance_score": _scaled,
    "thumbs": _thumbs,
    "grade": _grade,
}
