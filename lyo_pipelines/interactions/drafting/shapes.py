"""What the columns of a file look like: kind, range, how often they are there. Never a value, which may be a person's.

A column is a dotted path; objects are looked into, lists of messages and other lists are columns themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from statistics import median
from typing import Any, Literal, TypeAlias

from lyo_pipelines.interactions.drafting.time_patterns import CLOCKS, fitting_patterns
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING, parsed_json, with_point
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.row_format import Row

Kind: TypeAlias = Literal[
    "nothing", "text", "number", "true or false", "time", "epoch", "uuid", "messages", "list", "object"
]

_DEPTH = 4
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"-?\d{1,18}(\.\d+)?")
_COMMA_NUMBER = re.compile(r"-?(?:\d{1,15}|\d{1,3}(?:\.\d{3})+)(?:,\d+)?")
_CONTACT = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}|\+?[\d ()-]{10,17}")
_EPOCHS = {"s": (9e8, 4e9), "ms": (9e11, 4e12), "us": (9e14, 4e15), "ns": (9e17, 4e18)}
_FEW = 12
LONG = 12
"""Characters of a text that may be a question or an answer."""
_SHAPES = {"time": "times", "uuid": "ids (UUID)", "messages": "lists of messages", "list": "lists", "object": "objects"}
_SPEAKERS = {"role", "from", "author", "speaker", "type"}
_WORDS = {"content", "value", "text", "message", "parts"}


@dataclass(frozen=True)
class Column:
    """One column. share: of the rows in which it says something. low, high: of numbers, else of lengths of texts.

    patterns: of texts, the patterns of times that all of them fit.
    kinds of words: few distinct short values, for value maps (`words` is then theirs, of languages and the like; else empty).
    unit: of an epoch. answered: of messages, whether most of them end with an answer. comma: of numbers, whether their fractions begin
    with one. clocks: of texts, the patterns of times of day that all of them fit. whole_days: of times, whether they are dates alone.
    asks: share of texts with a question mark. contacts: share of texts that are mail addresses or telephone numbers.
    unique: no value comes twice.
    """

    path: str
    kind: Kind
    share: float
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    distinct: int = 0
    words: tuple[str, ...] = ()
    unit: str = ""
    answered: bool = False
    typical: float = 0.0
    patterns: tuple[str, ...] = ()
    comma: bool = False
    clocks: tuple[str, ...] = ()
    whole_days: bool = False
    asks: float = 0.0
    contacts: float = 0.0
    unique: bool = False

    @property
    def is_prose(self) -> bool:
        """Whether it holds texts that somebody wrote, not a few words again and again."""
        return self.kind == "text" and self.typical >= LONG and (not self.words or self.unique)

    @property
    def shape(self) -> str:
        """What it looks like, in words, without any of its values."""
        there = "" if self.share > 0.995 else f", in {100 * self.share:.0f} % of the rows"
        if self.kind == "text":
            what = f"text of about {self.typical:.0f} characters, {self.distinct:,} different"
        elif self.kind == "number":
            what = f"{'whole ' if self.whole else ''}numbers from {self.low:g} to {self.high:g}"
            what += ", with decimal commas" if self.comma else ""
        elif self.kind == "epoch":
            what = f"numbers that look like times in {self.unit}"
        else:
            what = _SHAPES.get(self.kind, self.kind)
        return what + there


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """The columns of some rows, in their order."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for path, value in _cells(row, "", 0):
            values.setdefault(path, []).append(value)
    return [_column(path, found, len(rows)) for path, found in values.items()]


def _cells(row: Row, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, cell in row.items():
        path, value = f"{prefix}{name}", parsed_json(cell)
        if isinstance(value, dict) and value and depth < _DEPTH and not _is_wrapper(value):
            yield from _cells(value, f"{path}.", depth + 1)
        elif value not in NOTHING:
            yield path, value


def _is_wrapper(value: Row) -> bool:
    """Whether an object is a model's answer in a wrapper, which is taken whole."""
    return bool({"choices", "generations", "candidates"} & value.keys()) or {"role", "content"} <= value.keys()


def _column(path: str, values: list[Any], rows: int) -> Column:
    share = len(values) / rows
    if _have_commas(values):
        return replace(_numbers(path, [float(with_point(value, path)) for value in values], share), comma=True)
    each: list[Kind] = [_kind(value) for value in values]
    kinds: Counter[Kind] = Counter(each)
    kind = max(kinds, key=lambda found: kinds[found])
    if kind in ("number", "epoch") and set(kinds) <= {"number", "epoch"}:
        return _numbers(path, [float(value) for value in values], share)
    if kind in ("text", "number", "epoch", "uuid", "time") and kinds[kind] < len(values):
        kind = "text"  # a mixture: a time here and a word there is a text
    texts = [str(value) for value in values]
    lengths = [len(text) for text in texts]
    distinct = set(texts[:10_000])
    short = kind == "text" and len(distinct) <= _FEW and max(lengths) <= 24
    return Column(
        path,
        kind,
        share,
        low=min(lengths),
        high=max(lengths),
        distinct=len(distinct),
        words=tuple(sorted(distinct)) if short else (),
        answered=kind == "messages" and 2 * sum(map(_ends_answered, values)) > len(values),
        typical=median(lengths),
        patterns=fitting_patterns(texts) if kind == "text" and max(lengths) <= 40 else (),
        clocks=fitting_patterns(texts, CLOCKS) if kind == "text" and max(lengths) <= 15 else (),
        whole_days=kind == "time" and max(lengths) == 10,
        asks=sum("?" in text or "？" in text or "؟" in text for text in texts) / len(texts),
        contacts=sum(bool(_CONTACT.fullmatch(text.strip())) for text in texts) / len(texts),
        unique=len(set(texts)) == len(texts),
    )


def _have_commas(values: Sequence[Any]) -> bool:
    """Whether texts are numbers with decimal commas: "1,234" alone may be a thousand and something, "4,5" may not."""
    if not all(isinstance(value, str) and _COMMA_NUMBER.fullmatch(value.strip()) for value in values):
        return False
    fractions = [len(value.strip().partition(",")[2]) for value in values if "," in value]
    return any(size != 3 for size in fractions)


def _numbers(path: str, values: list[float], share: float) -> Column:
    low, high = min(values), max(values)
    whole = all(value.is_integer() for value in values)
    unit = next((unit for unit, (first, last) in _EPOCHS.items() if first <= low and high <= last), "")
    kind: Kind = "epoch" if unit else "number"
    return Column(
        path,
        kind,
        share,
        low,
        high,
        whole=whole,
        distinct=(found := len(set(values))),
        unit=unit,
        typical=median(values),
        unique=found == len(values),
    )


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, (datetime, date)):
        return "time"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "messages" if _are_messages(value) else "list"
    return _kind_of_text(str(value).strip())


def _kind_of_text(text: str) -> Kind:
    if text.lower() in ("true", "false"):
        return "true or false"
    if _NUMBER.fullmatch(text):
        return "number"
    if _UUID.fullmatch(text):
        return "uuid"
    if 8 <= len(text) <= 40 and text[:4].isdecimal():
        try:
            return "text" if parse_moment(text, "time") is None else "time"
        except RowError:
            return "text"
    return "text"


def _are_messages(value: list[Any]) -> bool:
    return all(
        isinstance(item, dict) and bool(_SPEAKERS & item.keys()) and bool(_WORDS & item.keys()) for item in value
    )


def _ends_answered(value: list[Row]) -> bool:
    said = next((value[-1][name] for name in ("role", "from", "author", "speaker", "type") if name in value[-1]), "")
    return str(said).lower() in ("assistant", "gpt", "bot", "ai", "model", "chatbot")
