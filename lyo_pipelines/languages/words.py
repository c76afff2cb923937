"""Telling languages of one script apart by their commonest words: English / romanised Hindi / romanised Tamil, and Hindi / Marathi.

General detectors call romanised Hindi and Tamil anything from Swahili to Estonian, so a scorer of our own comes first.
The words stand in words.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import yaml

_LISTS = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text(encoding="utf-8"))
_SHARED = frozenset(_LISTS["shared"].split())
WORDS: dict[str, tuple[str, ...]] = {name: tuple(words.split()) for name, words in _LISTS.items() if name != "shared"}
"""Language -> its commonest words."""


def _pattern(words: Iterable[str], *, latin: bool) -> str:
    options = "|".join(sorted(set(words), key=lambda word: (-len(word), word)))
    if latin:
        return rf"(?i)(?-u:\b)(?:{options})(?-u:\b)"
    # a Unicode word boundary is slow on Indic text; every second of two neighbouring hits is missed, which does not matter here
    return rf"(?:^|[\s।,.!?(])(?:{options})(?:$|[\s।,.!?)])"


_ENGLISH = _pattern(WORDS["en"], latin=True)
_HINDI_LATN = _pattern([word for word in WORDS["hi_latn"] if word not in WORDS["en"]], latin=True)
_TAMIL_LATN = _pattern([word for word in WORDS["ta_latn"] if word not in WORDS["en"]], latin=True)
_HINDI = _pattern([word for word in WORDS["hi"] if word not in _SHARED], latin=False)
_MARATHI = _pattern([word for word in WORDS["mr"] if word not in _SHARED], latin=False)


def latin_scores(texts: pl.Series) -> pl.DataFrame:
    """For each prose text: `words` (of Latin letters) and the hits `en`, `hi_latn`, `ta_latn` among them."""
    return (
        texts.alias("text")
        .to_frame()
        .select(
            words=pl.col("text").str.count_matches(r"[A-Za-z]{2,}").fill_null(0),
            en=pl.col("text").str.count_matches(_ENGLISH).fill_null(0),
            hi_latn=pl.col("text").str.count_matches(_HINDI_LATN).fill_null(0),
            ta_latn=pl.col("text").str.count_matches(_TAMIL_LATN).fill_null(0),
        )
    )


def devanagari_scores(texts: pl.Series) -> pl.DataFrame:
    """For each prose text: the hits `hi` and `mr` of words that only one of the two uses."""
    return (
        texts.alias("text")
        .to_frame()
        .select(
            hi=pl.col("text").str.count_matches(_HINDI).fill_null(0),
            mr=pl.col("text").str.count_matches(_MARATHI).fill_null(0),
        )
    )
