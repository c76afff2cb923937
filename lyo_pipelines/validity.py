"""From when and until when what was learnt holds: editions of the curriculum, academic years, the dates that documents give. Pure.

Editions follow one another. An example rests on the edition that was in force when its question was asked, and holds as long as that
edition: until its last day, or until the next one begins. What nobody says anything about holds always. Where editions are declared
stands in retraining/curriculum.py; what leaves a dataset, in dataset/expiry.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

State = Literal["current", "expired", "not_yet"]
CURRENT: State = "current"
EXPIRED: State = "expired"
NOT_YET: State = "not_yet"

Window = tuple[date | None, date | None]
"""First and last day on which something holds; None: without end on that side."""
ALWAYS: Window = (None, None)
DECLARED = ("edition", "academic_year", "valid_from", "valid_until")
"""What an example itself says of its validity."""
_YEAR = re.compile(r"(?P<first>\d{4})(?:\s*[-–/]\s*(?P<last>\d{4}|\d{2}))?")
_DAY = timedelta(days=1)


def state_on(window: Window, day: date) -> State:
    """Whether something holds on a day."""
    first, last = window
    if last is not None and last < day:
        return EXPIRED
    return NOT_YET if first is not None and day < first else CURRENT


@dataclass(frozen=True)
class Edition:
    """What is taught from `first` to `last` (None: open). segments: keys; topics, grades, board: empty for all of them."""

    name: str
    segments: tuple[str, ...]
    topics: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    board: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def line(self) -> tuple[Any, ...]:
        """What it is an edition of: those of one line follow one another."""
        return (self.segments, self.topics, self.grades, _folded(self.board))

    def matches(self, segment: str, topic: str | None, grade: str | None, board: str | None) -> bool:
        """Whether an example is about what this is an edition of; of a board that nobody names nothing is known."""
        return (
            segment in self.segments
            and (not self.topics or topic in self.topics)
            and (not self.grades or grade in self.grades)
            and (not self.board or _folded(board or "") == _folded(self.board))
        )

    @property
    def told(self) -> str:
        """The same in words, for a manifest."""
        about = [
            ", ".join(self.segments),
            *(", ".join(names) for names in (self.topics, self.grades) if names),
            self.board,
        ]
        ends = [f"from {self.first}" if self.first else "", f"until {self.last}" if self.last else ""]
        return f"{self.name} ({'; '.join(filter(None, about))}) {' '.join(filter(None, ends))}"


@dataclass(frozen=True)
class Validity:
    """All editions that are declared, and the month-day ("04-01") on which academic years begin, by board where it is another."""

    editions: tuple[Edition, ...] = ()
    year_start: str = "04-01"
    boards: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _lines(self) -> list[list[Edition]]:
        """Editions that follow one another, oldest first."""
        found: dict[tuple[Any, ...], list[Edition]] = {}
        for edition in self.editions:
            found.setdefault(edition.line, []).append(edition)
        return [sorted(line, key=lambda one: one.first or date.min) for line in found.values()]

    @cached_property
    def borders(self) -> tuple[date, ...]:
        """First days of editions: between two of them it does not matter when a question was asked."""
        return tuple(sorted({one.first for one in self.editions if one.first}))

    def touches(self, segment: str) -> bool:
        """Whether any edition is about a segment."""
        return any(segment in one.segments for one in self.editions)

    def of_question(self, segment: str, topic: str | None, grade: str | None, board: str | None, asked: date) -> Window:
        """How long an answer to a question holds that was asked on a day: as long as every line of editions that it is about."""
        window = ALWAYS
        for line in self._lines:
            if line[0].matches(segment, topic, grade, board):
                window = _both(window, _in_force(line, asked))
        return window

    def of_document(
        self,
        *,
        edition: str | None = None,
        academic_year: str | None = None,
        board: str | None = None,
        valid_from: date | None = None,
        valid_until: date | None = None,
    ) -> Window | None:
        """How long a document holds by what it says: its dates, else its academic year, else its edition; None: nothing known."""
        if valid_from or valid_until:
            return valid_from, valid_until
        if academic_year and (year := self.academic_year(academic_year, board)):
            return year
        for line in self._lines if edition else ():
            for number, one in enumerate(line):
                if _folded(one.name) == _folded(edition or ""):
                    return one.first, _end(line, number)
        return None

    def academic_year(self, text: str, board: str | None = None) -> Window | None:
        """First and last day of "2025-26", or from the first to the last of several; None where no year is in the text."""
        firsts = _first_years(text)
        if not firsts:
            return None
        starts = {_folded(name): start for name, start in self.boards.items()}
        month, day = map(int, starts.get(_folded(board or ""), self.year_start).split("-"))
        return date(min(firsts), month, day), date(max(firsts) + 1, month, day) - _DAY


def is_academic_year(text: str) -> bool:
    """Whether a text names academic years and nothing that contradicts itself ("2025-24", or "2025-27", which are several)."""
    return bool(_first_years(text)) and all(
        int(found["last"]) % 100 == (int(found["first"]) + 1) % 100 for found in _YEAR.finditer(text) if found["last"]
    )


def _first_years(text: str) -> list[int]:
    """The years in which those that a text names begin; a number that is no year of a school is none."""
    return [year for found in _YEAR.finditer(text) if 1900 <= (year := int(found["first"])) < 2200]


NOTHING_DECLARED = Validity()


def _in_force(line: list[Edition], asked: date) -> Window:
    """The window of the edition of a line in force on a day; before the first one begins, of what was before it."""
    number = max((n for n, one in enumerate(line) if (one.first or date.min) <= asked), default=-1)
    if number < 0:
        return None, _before(line[0].first)
    return line[number].first, _end(line, number)


def _end(line: list[Edition], number: int) -> date | None:
    """Last day of an edition: its own, or the day before the next one begins."""
    after = [
        _before(one.first) for one in line[number + 1 :] if one.first and one.first > (line[number].first or date.min)
    ]
    ends = [day for day in (line[number].last, *after) if day]
    return min(ends, default=None)


def _before(day: date | None) -> date | None:
    return None if day is None else day - _DAY


def _both(one: Window, other: Window) -> Window:
    """The days that lie in both."""
    firsts, lasts = ([day for day in pair if day] for pair in zip(one, other, strict=True))
    return max(firsts, default=None), min(lasts, default=None)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
