"""The terms by which a text is found: words of every script, and what inflection leaves of them. Pure.

No stemmer is there for most of our languages, so a long word is also found by its beginning: the first letters with their vowel signs
(a Tamil or Hindi word changes at its end). Marks belong to the letters before them, so an Indic word is never cut inside a syllable.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import regex
import yaml

from lyo_pipelines.languages.words import WORDS

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{Nd}'’]*|\p{Nd}+(?:[.,]\p{Nd}+)*")
_LETTER = regex.compile(r"\X")
_UNSEEN = str.maketrans("", "", "\u200c\u200d\u093c\u09bc\u0a3c\u0abc\u0b3c\u00ad")
"""Joiners and dots below: "क़लम" and "कलम" are one word to whoever asks."""
LATIN_BEGINNING, INDIC_BEGINNING = 5, 3
"""Letters (with their signs) of a beginning: "कोशिका" and "कोशिकाओं" share three."""


def terms_of(text: str) -> list[str]:
    """Terms in their order: each word, and after a long one its beginning as `<letters>~`."""
    return [term for word in _words(text) for term in _terms_of_word(word)]


def stems_of(question: str) -> list[str]:
    """What a question is about: one term a word, its beginning where it is long. Everyday words say nothing of that."""
    return [_terms_of_word(word)[-1] for word in _words(question) if not _is_everyday(word)]


def common_stems_of(question: str) -> list[str]:
    """The same of the commonest words that do not ask: all that "what is a number?" has. They may say nothing either."""
    return [_terms_of_word(word)[-1] for word in _words(question) if not (_is_short(word) or word in _asking())]


def _words(text: str) -> list[str]:
    return _WORD.findall(_folded(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().translate(_UNSEEN)


def _is_everyday(word: str) -> bool:
    return _is_short(word) or word in _asking() or word in _commonest()


def _is_short(word: str) -> bool:
    return word.isascii() and word.isalpha() and len(word) < 3


@cache
def _asking() -> frozenset[str]:
    more = yaml.safe_load((Path(__file__).parent / "everyday.yaml").read_text(encoding="utf-8"))
    return frozenset(_folded(word) for words in more.values() for word in words.split())


@cache
def _commonest() -> frozenset[str]:
    return frozenset(_folded(word) for words in WORDS.values() for word in words)


@lru_cache(maxsize=50_000)
def _terms_of_word(word: str) -> tuple[str, ...]:
    if not word[0].isalpha():
        return (word,)
    keep = LATIN_BEGINNING if word.isascii() else INDIC_BEGINNING
    letters = _LETTER.findall(word)
    return (word, "".join(letters[:keep]) + "~") if len(letters) >= keep else (word,)
