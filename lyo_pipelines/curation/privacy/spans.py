"""What a finder is: a named pure function from a text to spans, with the cheap test that says when it cannot find anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex

from lyo_pipelines.curation.privacy.lazy_patterns import lazy_re

# every decimal digit of Unicode (Devanagari, Tamil, full width, …) -> its ASCII digit; one character stays one character
_DIGITS = {
    base + value: ord("0") + value
    for base in (
        0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0xFF10,
    )
    for value in range(10)
}  # fmt: skip
# hyphens, dashes of ranges and hard spaces stand between digits as "-" and " " do; "−" (minus) and "—" keep their meaning
_SIGNS = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0xFF0D), ord("-")) | dict.fromkeys(
    # hard spaces, and what makes a key of a digit
    (0x00A0, 0x2007, 0x2009, 0x202F, 0xFE0F, 0x20E3),
    ord(" "),
)
_PLAIN = _DIGITS | _SIGNS | {0xFF20: ord("@"), 0xFF0B: ord("+")}


def ascii_digits(text: str) -> str:
    """The text with Indic, Arabic and full-width digits as 0-9, dashes as "-", hard spaces as " "; positions do not move."""
    return text if text.isascii() else text.translate(_PLAIN)


@dataclass(frozen=True, order=True)
class PersonalDataSpan:
    """A piece of personal data: [start, end) in characters, its type, and how sure the finder is (0..1)."""

    start: int
    end: int
    kind: str
    score: float = 1.0


@dataclass(frozen=True)
class Finder:
    """A named way to find one type of personal data.

    needs: a Rust regular expression; a text that does not match it holds nothing for this finder.
    find: spans of a text whose digits are ASCII; its cost grows linearly with the text's length.
    """

    kind: str
    needs: str
    find: Callable[[str], Iterator[PersonalDataSpan]]


_WORDY = lazy_re(r"[^\W\d_]|§")
"""What every context word has at least one of: a list of numbers is passed without a search for each word."""


def _wordy(part: str) -> bool:
    # ASCII without letters is the same in both cases: told several times as fast as by a search
    return part.lower() != part.upper() if part.isascii() else _WORDY.search(part) is not None


def preceded_by(words: regex.Pattern[str], text: str, start: int, window: int = 50) -> bool:
    """Whether one of the words stands shortly before a position."""
    first = max(0, start - window)
    return _wordy(text[first:start]) and words.search(text, first, start) is not None


def followed_by(words: regex.Pattern[str], text: str, end: int, window: int = 30) -> bool:
    """Whether one of the words stands shortly after a position."""
    last = min(len(text), end + window)
    return _wordy(text[end:last]) and words.search(text, end, last) is not None


def beside(words: regex.Pattern[str], text: str, start: int, end: int, window: int = 60) -> bool:
    """Whether one of the words stands shortly before or after a span."""
    return preceded_by(words, text, start, window) or followed_by(words, text, end, window)


class Upcoming:
    """Where a pattern matches next in one text. Asked from place to place in rising order, it reads the text once."""

    def __init__(self, pattern: regex.Pattern[str], text: str) -> None:
        self._pattern, self._text = pattern, text
        self._asked = self._next = -1

    def within(self, start: int, window: int) -> bool:
        """Whether the pattern matches in the characters that follow a place."""
        if not self._asked <= start <= self._next:
            match = self._pattern.search(self._text, start)
            self._asked, self._next = start, match.start() if match else len(self._text)
        end = start + window
        return self._next < end and self._pattern.search(self._text, self._next, end) is not None
