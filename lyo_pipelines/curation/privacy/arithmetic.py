"""Whether a number belongs to an exercise, an amount or a talk about numbers, and so identifies nobody.

Words of arithmetic are looked for on both sides of a number within a fixed window: the cost of one question does not depend on
the text's length.
"""

from __future__ import annotations

import re

from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.lazy_patterns import lazy_re
from lyo_pipelines.curation.privacy.spans import beside

_OPERATORS = frozenset("+*/×÷·=^%<>≤≥≠≈√∑∏∫−±|{}\\_")
_EMPHASIS = ("*", "_", "`")
_CURRENCY = lazy_re(r"(?:₹|\$|€|£|¥|\b[Rr]s\.?|\bINR|रु\.?|ரூ\.?)\s{0,3}$")
_UNIT = lazy_re(
    r"\s{0,3}(?:%|°|₹|/-|(?:km|m|cm|mm|kg|g|mg|l|ml|s|ms|Hz|kHz|MHz|J|kJ|N|W|V|A|K|C|rupees?|paise|people|persons?"
    r"|human beings|inhabitants|metres?"
    r"|meters?|miles?|lit(?:re|er)s?|cells|years?|seconds?|minutes?|hours?|days?|bytes?|bits|units?|crores?|lakhs?|tonnes?|रुपये|रुपए|लोग|मीटर"
    r"|किलोमीटर|लीटर|ரூபாய்|மக்கள்|மீட்டர்|லிட்டர்)(?![\w\u093A-\u094F\u0BBE-\u0BCD]))"
)
_WORDS = context_words("arithmetic")
_WORD = lazy_re(r"[^\W\d_]+")
_OTHER_NUMBER = lazy_re(r"\d")
_AROUND = 60
_SPACES = 8
_FEW_WORDS = 2
_SHORT = 60


def in_arithmetic(text: str, start: int, end: int) -> bool:
    """Whether a number stands in a formula, a sum, an amount or a talk about numbers, and so is no identifier."""
    return operator_beside(text, start, end) or counted(text, start, end) or talks_of_numbers(text, start, end)


def talks_of_numbers(text: str, start: int, end: int) -> bool:
    """Whether a word such as "sum", "LCM" or "even" stands near a number."""
    return beside(_WORDS, text, start, end, _AROUND)


def operator_beside(text: str, start: int, end: int) -> bool:
    """Whether a sign of arithmetic stands beside a number; the signs of emphasis (**98…**, _98…_, `98…`) are none."""
    start, end = _without_emphasis(text, start, end)
    left, right = text[max(0, start - _SPACES) : start], text[end : end + _SPACES]
    before, after = left.rstrip(" "), right.lstrip(" ")
    if (before and before[-1] in _OPERATORS) or (after and after[0] in _OPERATORS):
        return True
    return (before.endswith("-") and left.endswith(" ") and _OTHER_NUMBER.search(before[-4:-1]) is not None) or (
        after.startswith("-") and right.startswith(" ") and _OTHER_NUMBER.search(after[1:4]) is not None
    )


def _without_emphasis(text: str, start: int, end: int) -> tuple[int, int]:
    if text[max(0, start - 1) : start] not in _EMPHASIS:
        return start, end
    for sign in ("**", "__", "*", "_", "`"):
        size = len(sign)
        if text[max(0, start - size) : start] == sign and text[end : end + size] == sign:
            return start - size, end + size
    return start, end


def counted(text: str, start: int, end: int) -> bool:
    """Whether a number is an amount: a currency stands before it or a unit after it."""
    return bool(_CURRENCY.search(text[max(0, start - 6) : start]) or _UNIT.match(text[end : end + 20]))


def in_sequence(text: str, start: int, end: int) -> bool:
    """Whether a number is one of a row of numbers ("3 5 7 …", "12, 15, 18"), or part of a longer decimal."""
    return bool(
        re.search(r"\d[\s,;]{1,3}$|[\d.,]$", text[max(0, start - 4) : start])
        or re.search(r"^[\s,;]{1,3}\d|^[.,]?\d", text[end : end + 4])
    )


_EXERCISE_VERBS = lazy_re(
    r"\b(?:read|split|write|spell|say|type|enter|print|show|copy|expand|find|give|take|reverse|check|count|name)\b",
    re.IGNORECASE,
)


def is_message_about(text: str, start: int, end: int) -> bool:
    """Whether the whole text is a number, with a word or two before it that ask and calculate nothing: no exercise, but a message.

    A bare number of ten digits is a telephone number only there or beside a word that says so. On school text a number
    without any such word is nearly always part of an exercise.
    """
    if len(text) > _SHORT or _WORD.search(text, end) or "?" in text:
        return False
    before = text[:start]
    return (
        len(_WORD.findall(before)) <= _FEW_WORDS
        and not _OTHER_NUMBER.search(before + text[end:])
        and not _EXERCISE_VERBS.search(before)
        and not in_arithmetic(text, start, end)
    )


# "9876543210 phones", "7500000000 dollars"; but "98… is", "98… always"
_THINGS = lazy_re(r" (?!(?:is|was|has|this|as|us|its|yes|plus|always|sundays?|whats|sms)\b)[a-z]{3,15}s\b")


def counts_things(text: str, end: int) -> bool:
    """Whether the word right after a number is the plural of a thing."""
    return _THINGS.match(text, end) is not None
