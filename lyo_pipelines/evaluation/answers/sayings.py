"""Results in words: a date in its various forms, yes and no with what follows them, a term in a short sentence. Values: `reading`."""

from __future__ import annotations

import re
import unicodedata

from lyo_pipelines.evaluation.answers.text import SAYS, ascii_digits, normal_form, same_spelling

_MONTHS = (
    ("january", "jan", "जनवरी", "ஜனவரி"), ("february", "feb", "फरवरी", "फ़रवरी", "பிப்ரவரி"), ("march", "mar", "मार्च", "மார்ச்"),
    ("april", "apr", "अप्रैल", "ஏப்ரல்"), ("may", "मई", "மே"), ("june", "jun", "जून", "ஜூன்"), ("july", "jul", "जुलाई", "ஜூலை"),
    ("august", "aug", "अगस्त", "ஆகஸ்ட்"), ("september", "sept", "sep", "सितंबर", "सितम्बर", "செப்டம்பர்"),
    ("october", "oct", "अक्टूबर", "अक्तूबर", "அக்டோபர்"), ("november", "nov", "नवंबर", "नवम्बर", "நவம்பர்"),
    ("december", "dec", "दिसंबर", "दिसम्बर", "டிசம்பர்"),
)  # fmt: skip


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", same_spelling(ascii_digits(text[:200]))).casefold().strip(" .।!*_\"'“”")


_MONTH = {_folded(name): number for number, names in enumerate(_MONTHS, 1) for name in names}
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_NAME = r"(?P<name>[^\W\d_][^\s\d,.]*)"
_YEAR = r"(?P<year>\d{4})"
_DATES = tuple(
    re.compile(rf"(?:on |the )*{form}\W*")
    for form in (
        rf"{_DAY}(?: of)?[\s,.-]+{_NAME}\.?[\s,-]+{_YEAR}",
        rf"{_NAME}\.?\s+{_DAY},?\s+{_YEAR}",
        rf"{_DAY}(?P<sign>[/.-])(?P<month>\d{{1,2}})(?P=sign){_YEAR}",
        rf"{_YEAR}-(?P<month>\d{{2}})-(?P<day>\d{{2}})",
    )
)
_NOTHING = re.compile(
    r"(?:∅|\\(?:emptyset|varnothing)|\{\s?\}|कोई हल नहीं"
    r"|(?:it has |there (?:is|are) |the )?(?:no (?:real )?solutions?|empty set|null set))"
)
_BRACES = re.compile(r"\\?\{([^{}]*[,;][^{}]*?)\\?\}")
_CLAUSE = re.compile(r"[,;.!।—–]")
_BOTH = re.compile(r"^both (?=.* and )")
_BEFORE = re.compile(
    r"^(?:there (?:is|are)|it(?:'s| is| was)(?: called| known as| named)?|this (?:is|was)(?: called| known as)?|that(?:'s| is)"
    r"|they are(?: called)?|we call (?:it|this)|(?:he|she) (?:is|was)"
    r"|the (?:term|word|name|process|capital|place|city|unit|gas|metal|organ) is)\s+(?:(?:the|a|an)\s+)?"
)


def date_of(text: str) -> tuple[int, int, int] | None:
    """(year, month, day) of a text that is a date and nothing else; figures with signs between are day, month, year as in India."""
    said = _folded(text)
    for form in _DATES:
        if found := form.fullmatch(said):
            parts = found.groupdict()
            month = _MONTH.get(parts["name"]) if parts.get("name") else int(parts["month"])
            if month and 1 <= month <= 12:
                return int(parts["year"]), month, int(parts["day"])
    return None


def same_saying(stated: str, known: str) -> bool:
    """Whether a stated result in words is the known one, in another form or in a short sentence."""
    wanted = date_of(known)
    if wanted is not None:
        return date_of(stated) == wanted
    one, other = (_plain(text) for text in (stated, known))
    if _NOTHING.fullmatch(other):
        return bool(_NOTHING.fullmatch(one))
    if not other or any(sign.isdigit() for sign in other):
        return False
    if (side := normal_form(known)) in SAYS.values():
        return normal_form(_CLAUSE.split(_folded(stated), maxsplit=1)[0]) == side
    if (listed := _listed(known)) is not None:
        return _listed(stated) == listed
    one, other = (_BOTH.sub("", text) for text in (one, other))
    return one == other or _BEFORE.sub("", one) == _BEFORE.sub("", other)


def _listed(text: str) -> frozenset[str] | None:
    """The members of a set in braces; None for anything else."""
    inside = _BRACES.fullmatch(text.strip(" .$*"))
    return frozenset(map(normal_form, re.split(r"[,;]", inside[1]))) if inside else None


def _plain(text: str) -> str:
    """Words with single spaces, no hyphens between them and no stop behind them."""
    return " ".join(re.sub(r"(?<=[\w\u0900-\u0dff])[-‐–](?=\w)", " ", _folded(text)).split())
