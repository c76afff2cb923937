"""Dates of birth that somebody tells of themselves or of their family, or fills into a form; not those of a lesson's persons."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.lazy_patterns import lazy, lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, preceded_by

_YEAR = r"(?:19[3-9]\d|20[0-4]\d)"
"""Years in which a learner, a parent or a teacher may be born: what lies before is history."""
_DATE = lazy_regex(
    rf"(?<![\w.,/-])(?:\d{{1,2}}(?P<mark> ?[-/.] ?| )\d{{1,2}}(?P=mark)(?:{_YEAR}|\d\d)|{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)?[ ,-]{{1,2}}[\p{{L}}\p{{M}}]{{2,12}}\.?[ ,-]{{1,2}}{_YEAR}"
    rf"|\p{{Lu}}\p{{Ll}}{{2,8}}\.? \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|{_YEAR}[ -]{{1,2}}(?:[\p{{L}}\p{{M}}]{{2,12}} ){{1,3}}\d{{1,2}})(?![\w/]|[.-]\d)"
)
_BIRTH = context_words("birth_date")
_FIELD = lazy(lambda: regex.compile(rf"(?<![^\n,;|(।.])\s?(?:{context_words('birth_field').pattern})"))
_GAP = lazy_regex(r"[^\d.?!।\n]{0,24}")
_SUPPOSED = context_words("supposed")
_WINDOW = 60
# the verb comes last: "நான் … பிறந்தேன்" is nobody's but the speaker's
_I_WAS_BORN = lazy_regex(
    r"[^\d.?!।\n]{0,16}(?:பிறந்தேன்|పుట్టాను|జన్మించాను|ಹುಟ್ಟಿದೆ(?:ನು)?(?![\p{L}\p{M}])|ಜನಿಸಿದೆ(?:ನು)?(?![\p{L}\p{M}])|जन्मलो|जन्मले)"
)


def find_birth_dates(text: str) -> Iterator[PersonalDataSpan]:
    """A date right after "my date of birth", "DOB:", "मेरी जन्मतिथि", …; not "if my birthday is …", which asks for a sum."""
    ascii_only = text.isascii()
    for match in _DATE.finditer(text):
        if not ascii_only and _I_WAS_BORN.match(text, match.end()):
            yield PersonalDataSpan(*match.span(), "BIRTH_DATE", 0.8)
            continue
        first = max(0, match.start() - _WINDOW)
        cue = _BIRTH.search(text, first, match.start())
        if cue is None and not ascii_only:
            cue = _FIELD.search(text, first, match.start())
        if cue is None or not _GAP.fullmatch(text, cue.end(), match.start()):
            continue
        if not preceded_by(_SUPPOSED, text, cue.start(), 20):
            yield PersonalDataSpan(*match.span(), "BIRTH_DATE", 0.8)


_NEEDS = (
    r"\p{Nd}{1,2}\s?[-/.\p{Pd} ]\s?\p{Nd}{1,2}\s?[-/.\p{Pd} ]\s?\p{Nd}{2}"
    r"|\p{Nd}{1,2}(?:st|nd|rd|th)?(?: of)?[ ,-]{1,2}[\p{L}\p{M}]{2,12}\.?[ ,-]{1,2}\p{Nd}{4}"
    r"|\p{Lu}\p{Ll}{2,8}\.? \p{Nd}{1,2}(?:st|nd|rd|th)?,? \p{Nd}{4}"
    r"|\p{Nd}{4}[ -]{1,2}(?:[\p{L}\p{M}]{2,12} ){1,3}\p{Nd}{1,2}"
)
FINDERS = (Finder("BIRTH_DATE", _NEEDS, find_birth_dates),)
