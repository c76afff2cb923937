"""What a finder is: a named pure function from a text to spans, with the cheap test that says when it cannot find anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex

# every decimal digit of Unicode (Devanagari, Tamil, full width, …) -> its ASCII digit; one character stays one character
_DIGITS = {
    base + value: ord("0") + value
    for base in (
        0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0xFF10,
    )
    for value in range(10)
}  # fmt: skip


def ascii_digits(text: str) -> str:
    """The text with Indic, Arabic and full-width digits as 0-9; positions do not move."""
    return text if text.isascii() else text.translate(_DIGITS)


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
    find: spans of a text whose digits are ASCII.
    """

    kind: str
    needs: str
    find: Callable[[str], Iterator[PersonalDataSpan]]


# -- the words and signs around a number ------------------------------------------------------------------------------
_OPERATORS = frozenset("+*/×÷·=^%<>≤≥≠≈√∑∏∫−±|{}\\_")
_CURRENCY = re.compile(r"(?:₹|\$|€|£|¥|\b[Rr]s\.?|\bINR|रु\.?|ரூ\.?)\s*$")
_UNIT = re.compile(
    r"^\s*(?:%|°|₹|/-|(?:km|m|cm|mm|kg|g|mg|l|ml|s|ms|Hz|kHz|MHz|J|kJ|N|W|V|A|K|C|rupees?|people|persons?|metres?|meters?|miles?|years?"
    r"|seconds?|bytes?|units?|crores?|lakhs?|रुपये|रुपए|लोग|मीटर|ரூபாய்|மக்கள்|மீட்டர்)\b)"
)
_SUMS = regex.compile(
    r"divi[ds]|multipl|\bsum\b|\bproduct\b|\bdigits?\b|place value|factori|factors?\b|\bprimes?\b|squares?\b|\bcubes?\b|\broots?\b"
    r"|round|expanded|standard form|calculat|comput|evaluat|subtract|\badd\b|\badding\b|population|distance"
    r"|integer|largest|smallest|greatest"
    r"|numeral|in words|remainder|decimal|binary|approx|equals?\b|\bvalue\b|sort|ascending|descending|successor|predecessor|multiple"
    r"|संख्या|भाग|गुणा|जोड|घटा|अंक|वर्ग|मान|योग|शेष|जनसंख्या|दूरी|பெருக்|வகு|கூட்ட|கழி|இலக்க|மதிப்பு|மக்கள்தொகை|sankhya|guna|bhaag",
    regex.IGNORECASE,
)


def in_arithmetic(text: str, start: int, end: int) -> bool:
    """Whether a number stands in a formula, a sum, an amount or a talk about numbers, and so is no identifier."""
    before, after = text[:start].rstrip(" "), text[end:].lstrip(" ")
    if (before and before[-1] in _OPERATORS) or (after and after[0] in _OPERATORS):
        return True
    if (before.endswith("-") and text[:start].endswith(" ")) or (after.startswith("-") and text[end : end + 1] == " "):
        return True
    if _CURRENCY.search(text[max(0, start - 6) : start]) or _UNIT.search(text[end : end + 16]):
        return True
    return bool(_SUMS.search(text, max(0, start - 60), min(len(text), end + 40)))


def in_sequence(text: str, start: int, end: int) -> bool:
    """Whether a number is one of a row of numbers ("3 5 7 …", "12, 15, 18"), or part of a longer decimal."""
    return bool(
        re.search(r"\d[\s,;]{1,3}$|[\d.,]$", text[max(0, start - 4) : start])
        or re.search(r"^[\s,;]{1,3}\d|^[.,]?\d", text[end : end + 4])
    )


def preceded_by(words: regex.Pattern[str], text: str, start: int, window: int = 50) -> bool:
    """Whether one of the words stands shortly before a position."""
    return words.search(text, max(0, start - window), start) is not None
