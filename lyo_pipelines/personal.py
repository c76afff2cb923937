"""Shapes of text that point at a person wherever they stand: addresses, network addresses, long numbers.

What may never be a name of something (an id, a segment, a folder, a field of metadata) is told here, without a model and in time
linear in the text's length. Personal data in what people write belongs to curation/privacy, which knows far more.
"""

from __future__ import annotations

import re
from collections.abc import Callable

EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,5}")
_NETWORK = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{1,4}(?![\w:])"
_DAY = r"(?<!\d)(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])[-/.](?:[0-2]\d|3[01])(?!\d)"
_DATE = _DAY + r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
_YEARS = r"(?<!\d)(?:19|20)\d\d ?[-/] ?(?:(?:19|20)\d\d|\d\d)(?!\d)"
_NUMBER = r"\+?\d(?:[ \-().]{{0,2}}\d){{{more},40}}"
LONG_NUMBER = 7
"""Digits from which on a number in an id or in metadata may be somebody's: local telephone numbers and student numbers have seven."""
TELEPHONE = 9
"""The same in the name of a subject or a team, where dates and years stand as well."""
_SHAPES = {
    digits: re.compile(f"(?P<plain>{_DATE}|{_YEARS})|{_NETWORK}|{_NUMBER.format(more=digits - 1)}")
    for digits in (LONG_NUMBER, TELEPHONE)
}


_NAME = re.compile(r"[^\W\d][\w.\- /()]{0,60}|_[\w.\-]{1,60}")


def is_field_name(key: str) -> bool:
    """Whether a key of a row may be shown: letters and signs of names, and nobody's address or number. Keys of some files are data."""
    return _NAME.fullmatch(key) is not None and not points_at_a_person(key)


def points_at_a_person(text: str, digits: int = LONG_NUMBER) -> bool:
    """Whether a text holds an e-mail address, a network address, or a number of at least so many digits that is no date."""
    if "@" in text and EMAIL.search(text):
        return True
    return any(match["plain"] is None for match in _SHAPES[digits].finditer(text))


def without_personal_shapes(text: str, put: Callable[[str], str], digits: int = LONG_NUMBER) -> str:
    """A text with each of these shapes replaced by what `put` makes of it."""
    if "@" in text:
        text = EMAIL.sub(lambda match: put(match.group()), text)
    return _SHAPES[digits].sub(lambda match: match.group() if match["plain"] is not None else put(match.group()), text)
