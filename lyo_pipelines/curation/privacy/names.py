"""Names of people, by what is said around them ("my name is", "मेरा नाम … है", "என் பெயர் …"). No model, no list of first names.

The cues and the words that are no names stand in names.yaml.
The people of word problems ("Ravi has 5 apples") are nobody and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import regex
import yaml

from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan

# one part of a name: a capital, then letters, apostrophes, hyphens; or an initial
_PART = r"(?:\p{Lu}[\p{L}\p{M}]*(?:['’\-]\p{L}[\p{L}\p{M}]+)*|\p{Lu}\.)"
_NAME = rf"{_PART}(?:[ ]{_PART}){{0,3}}"
_PIECES = {
    "{NAME}": _NAME,
    "{PART}": _PART,
    "{TWO}": rf"{_PART} {_PART}(?: {_PART})?",
    "{LOWER}": r"\p{Ll}[\p{L}\p{M}]{2,}(?: \p{Ll}[\p{L}\p{M}]{2,})?",
    "{DEVANAGARI}": r"[\p{Devanagari}]{2,}",
    "{TAMIL}": r"[\p{Tamil}]{2,}",
    "{KIN}": (
        r"kid|child|son|daughter|brother|sister|friend|wife|husband|uncle|aunt|cousin|classmate|neighbou?r|mother|father|mom|mum|dad"
        r"|grandmother|grandfather|teacher|tutor|principal"
    ),
    "{END}": r"(?=\s*(?:[,.!?;)\n]|$))",
    # what only a form says beside a name; "Name: Sodium Chloride" stands alone
    "{FORM}": r"(?=(?s:.{0,200})\b(?i:phone|mobile|e-?mail|address|dob|date of birth|age|roll(?: no)?|city|gender|school)\b\s*[:=-])",
    "{W}": r"(?-u:\b)",
}


def _with_pieces(pattern: str) -> str:
    for name, piece in _PIECES.items():
        pattern = pattern.replace(name, piece)
    return pattern


_LISTS = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text(encoding="utf-8"))
_NOT_NAMES = frozenset(word for words in _LISTS["not_names"].values() for word in words.split())
_CUES = tuple((regex.compile(_with_pieces(cue["pattern"])), float(cue["score"])) for cue in _LISTS["cues"])
NEEDS = "|".join(_with_pieces(pattern) for pattern in _LISTS["needs"])
"""A text that does not match this (Rust) pattern holds no name for the cues (tested on random texts)."""

_TITLED = regex.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Shri|Smt|Sri)\.? (?P<name>{_NAME})")


def find_names(text: str) -> Iterator[PersonalDataSpan]:
    """Names after (or before) a cue; capitalised words that are none ("I am Indian", "Hello World") are left."""
    for pattern, score in _CUES:
        for match in pattern.finditer(text):
            start, end = match.span("name")
            name = _trimmed(text[start:end])
            if name:
                yield PersonalDataSpan(start, start + len(name), "PERSON", score)


def find_titled_names(text: str) -> Iterator[PersonalDataSpan]:
    """Names after Mr., Mrs., Dr. …; off by default, see `redact_titled_names`."""
    for match in _TITLED.finditer(text):
        name = _trimmed(match.group("name"))
        if name:
            yield PersonalDataSpan(match.start("name"), match.start("name") + len(name), "PERSON", 0.6)


def _trimmed(name: str) -> str:
    """The name up to the first word that is no name; "" when nothing is left."""
    kept: list[str] = []
    for word in name.split(" "):
        bare = word.strip(".'’-").lower()
        if bare in _NOT_NAMES:
            break
        kept.append(word)
    found = " ".join(kept)
    return found if len(found.replace(".", "")) >= 2 else ""


def known_name_pattern(names: list[str]) -> re.Pattern[str] | None:
    """One pattern for names that are known already (from the metadata, or from another text of the row).

    Full names in any case; a single part of three or more letters only as written, so that "Rose" does not eat "rose".
    """
    full = {name.strip() for name in names if len(name.strip()) >= 2}
    parts = {part for name in full for part in name.split() if len(part) >= 3 and part.lower() not in _NOT_NAMES}
    options = [f"(?i:{re.escape(name)})" for name in sorted(full, key=len, reverse=True) if " " in name]
    options += [re.escape(part) for part in sorted(parts, key=len, reverse=True)]
    if not options:
        return None
    # Python's \w knows no vowel signs, so an Indic name must not be followed by one
    return re.compile(rf"(?<![\w\u0900-\u0DFF])(?:{'|'.join(options)})(?![\w\u093A-\u094F\u0BBE-\u0BCD])")


FINDERS = (Finder("PERSON", NEEDS, find_names),)
TITLED = Finder("PERSON", r"(?-u:\b)(?:Mr|Mrs|Ms|Miss|Dr|Prof|Shri|Smt|Sri)\.? \p{Lu}", find_titled_names)
