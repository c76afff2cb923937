"""How hard a text is to read: its sentences, and for English the school year that it is written for. No grades of pupils here."""

from __future__ import annotations

import re

import polars as pl

from lyo_pipelines.evaluation.answers.text import words
from lyo_pipelines.languages.scripts import prose_of

MINIMUM_WORDS = 30
"""A shorter text has no stable school year."""
# a full stop between digits is none; Hindi ends with a danda
_END = re.compile(r"(?<=[.!?。…])[\"”’)\]]*\s+|[।॥]\s*|\n+")
_LETTERS = re.compile(r"[A-Za-z]{2,}(?:['’][a-z]+)?")
_VOWELS = re.compile(r"[aeiouy]+")
_TWO = re.compile(r"[^aeioucstg]i[aou]")  # triangle, radius; not action, special, region


def sentences(text: str) -> list[str]:
    """Sentences and lines with at least one word of two letters or more, without code and formulas."""
    parts = (part.strip() for part in _END.split(_plain(text)))
    return [part for part in parts if any(len(word) > 1 and not word.isdecimal() for word in words(part))]


def words_per_sentence(text: str) -> float | None:
    """Mean number of words; None for a text without a sentence."""
    found = sentences(text)
    return sum(len(words(sentence)) for sentence in found) / len(found) if found else None


def flesch_kincaid(text: str) -> float | None:
    """Flesch-Kincaid grade level of an English text (Kincaid et al. 1975); None for fewer than 30 words.

    0.39 words per sentence + 11.8 syllables per word - 15.59. Words are runs of two letters or more: x and 12 are no words here.
    """
    spoken = [found for sentence in sentences(text) if (found := _LETTERS.findall(sentence))]
    total = sum(map(len, spoken))
    if total < MINIMUM_WORDS:
        return None
    spoken_syllables = sum(syllables(word) for sentence in spoken for word in sentence)
    return 0.39 * total / len(spoken) + 11.8 * spoken_syllables / total - 15.59


def syllables(word: str) -> int:
    """Syllables of an English word by its vowels: a silent e at the end is none, a final -le is one; at least 1."""
    plain = word.lower().split("'")[0].split("’")[0]
    count = len(_VOWELS.findall(plain)) + len(_TWO.findall(plain))
    if plain.endswith("e") and not re.search(r"[^aeiouy]le$|[aeiouy]e$", plain):
        count -= 1
    if re.search(r"[^aeiouydt]ed$", plain):  # played, solved: the e is silent; added, wanted: it is not
        count -= 1
    return max(1, count)


def _plain(text: str) -> str:
    return prose_of(pl.Series([text])).item()
