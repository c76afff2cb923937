"""Reading text in any script: words, scripts, digits, and the result that an answer states.

Numbers are read in `numerals`; what counts as right or similar is a metric's business.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ANSWER_WORDS = (
    "answer",
    "final answer",
    "ans",
    "उत्तर",
    "जवाब",
    "अंतिम उत्तर",
    "விடை",
    "பதில்",
    "இறுதி விடை",
    "uttar",
    "vidai",
)
"""What stands before the result on an answer's last line; compared without case."""

_WORDS = "|".join(sorted(map(re.escape, ANSWER_WORDS), key=len, reverse=True))
_MARKER = re.compile(
    rf"(?:^|[\s*_#>(])(?:{_WORDS})\s*[*_]*\s*(?:is\s*)?(?:[::=]|(?<=is)\s)\s*[*_]*\s*(.+)$", re.IGNORECASE
)

SCRIPTS = {
    "LATIN": "latin",
    "DEVANAGARI": "devanagari",
    "TAMIL": "tamil",
    "BENGALI": "bengali",
    "TELUGU": "telugu",
    "KANNADA": "kannada",
    "MALAYALAM": "malayalam",
    "GUJARATI": "gujarati",
    "GURMUKHI": "gurmukhi",
    "ORIYA": "odia",
    "ARABIC": "arabic",
}

SCRIPT_OF = {
    "en": "latin",
    "hi": "devanagari",
    "mr": "devanagari",
    "ne": "devanagari",
    "ta": "tamil",
    "bn": "bengali",
    "te": "telugu",
    "kn": "kannada",
    "ml": "malayalam",
    "gu": "gujarati",
    "pa": "gurmukhi",
    "or": "odia",
    "ur": "arabic",
}
"""Language -> the script that it is written in."""


@lru_cache(maxsize=65_536)
def _kind(character: str) -> str:
    return unicodedata.category(character)[0]


def words(text: str) -> list[str]:
    """Lower-case words of any script: runs of letters, marks and digits.

    Marks matter: the vowel signs of Hindi and Tamil are no letters to `str.isalnum` or `re`'s `\\w`, and splitting there
    tears words apart.
    """
    normal = unicodedata.normalize("NFC", text).lower()
    return "".join(c if _kind(c) in "LMN" or c in "\u200c\u200d" else " " for c in normal).split()


@lru_cache(maxsize=65_536)
def script_of(character: str) -> str | None:
    """Script of a letter or mark (`latin`, `devanagari`, …), `other` for one not listed, None for anything else."""
    if _kind(character) not in "LM":
        return None
    name = unicodedata.name(character, "").split(" ", 1)[0]
    return SCRIPTS.get(name, "other")


def script_counts(text: str) -> dict[str, int]:
    """Letters by script, counting only words of two or more letters: `x` and `y` of a formula say nothing."""
    counts: dict[str, int] = {}
    for word in words(text):
        found = [script for script in map(script_of, word) if script]
        if len(found) >= 2:
            for script in found:
                counts[script] = counts.get(script, 0) + 1
    return counts


def ascii_digits(text: str) -> str:
    """The text with every decimal digit (Devanagari, Tamil, …) as 0-9."""
    return "".join(str(unicodedata.decimal(c)) if not c.isascii() and c.isdecimal() else c for c in text)


def stated_answer(text: str) -> str | None:
    """What stands after the last "Answer:" / "उत्तर:" / "விடை:" (also LaTeX `\\boxed{…}`); None where nothing was stated."""
    for line in reversed(text.strip().splitlines()):
        if found := _MARKER.search(line.strip()):
            return found.group(1).strip()
    boxed = re.findall(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}", text)
    if boxed:
        return boxed[-1].strip()
    gsm = re.findall(r"^####\s*(.+)$", text, re.MULTILINE)
    return gsm[-1].strip() if gsm else None


def normal_form(text: str) -> str:
    """A short answer without case, punctuation at its ends, mark-up and spaces: for answers that are no numbers."""
    text = unicodedata.normalize("NFKC", ascii_digits(text)).casefold()
    text = re.sub(r"[*_`$\\]|\s+", "", text)
    return text.strip(".,;:!?।\"'()[]{}")
