"""Reading text in any script: words, scripts, digits, one spelling. Results are read in `reading`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

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


_NASALS = re.compile("ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[त-ध])|म्(?=[प-भ])")
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\w{2})")
_VERB = re.compile(r"\s+(?:है|हैं|होगा|hai|hain|ஆகும்)$")
SAYS = {
    word: meaning
    for meaning, words in {
        "yes": "yes हां जी हां haan ஆம் అవును হ্যাঁ ಹೌದು അതെ હા ਹਾਂ",
        "no": "no नहीं nahi nahin இல்லை కాదు না ಇಲ್ಲ ഇല്ല ના",
        "true": "true सत्य सही sahi சரி உண்மை",
        "false": "false असत्य गलत galat தவறு பொய்",
    }.items()
    for word in words.split()
}


def same_spelling(text: str) -> str:
    """Hindi and Marathi words in one spelling: हाँ = हां, हिन्दी = हिंदी, ज़मीन = जमीन."""
    text = unicodedata.normalize("NFD", text).replace("\u093c", "").replace("\u0901", "\u0902")
    return _NASALS.sub("\u0902", unicodedata.normalize("NFC", text))


def normal_form(text: str) -> str:
    """A short answer without case, punctuation at its ends, mark-up, article, verb and spaces: for answers that are no numbers."""
    text = unicodedata.normalize("NFKC", same_spelling(ascii_digits(text[:2000]))).casefold()
    text = re.sub(r"[*_`$\\]", "", text).strip(" \t\n.,;:!?।॥\"'()[]{}")
    text = re.sub(r"\s+", "", _VERB.sub("", _ARTICLE.sub("", text)))
    return SAYS.get(text, text)


def is_letter(text: str) -> bool:
    """Whether a result is nothing but the letter of a choice, which any text holds somewhere: "B", "(c)", "घ"."""
    bare = text.strip(" .()[]:*")
    return len(bare) == 1 and bare.isalpha()
