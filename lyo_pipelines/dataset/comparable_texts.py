"""Wordings made comparable for grouping: one spelling for what people write in several ways. Judging similarity is clustering.py's.

Letters and numbers are all that counts. Digits of every script are one digit; case, spaces, punctuation, nukta and joiners do not
count, nor do the commas of large numbers and the number that a question stood under ("Q1."); a nasal before a consonant, chandrabindu
and anusvara are one sign; Malayalam chillu letters are their two-part spelling. It is coarse on purpose: two questions held for one by
mistake cost nothing, one question held for two leaks. The checks normalise in a way of their own (leak_search.py).
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.storage.arrow import pc

SEPARATOR = "\x1f"
"""Stands between the letters and the numbers of a key."""
_NASALS = {  # script: (nasal consonants, virama, anusvara)
    "Devanagari": ("ङञणनम", "्", "ं"),
    "Bengali": ("ঙঞণনম", "্", "ং"),
    "Gurmukhi": ("ਙਞਣਨਮ", "੍", "ਂ"),
    "Gujarati": ("ઙઞણનમ", "્", "ં"),
    "Odia": ("ଙଞଣନମ", "୍", "ଂ"),
    "Telugu": ("ఙఞణనమ", "్", "ం"),
    "Kannada": ("ಙಞಣನಮ", "್", "ಂ"),
    "Malayalam": ("ങഞണനമ", "്", "ം"),
}
_LABEL = (
    r"(?s)^\s*(?:(?:q|ques|question|प्रश्न|கேள்வி|வினா)\s*\.?\s*(?:no\.?\s*)?[0-9]{1,3}\s*[.):]|\(?[0-9]{1,3}\s*[.)])\s+(\S)",
    r"\1",
)
"""The number under which a question stood: "Q1. What is …", "3) What is …"."""
_GROUPED = tuple(
    (rf"\b([0-9]{{1,3}}){',([0-9]{2,3})' * commas},([0-9]{{3}})\b", "".join(rf"\{n}" for n in range(1, commas + 3)))
    for commas in (2, 1, 0)
)
"""1,00,000 and 100,000 are 100000."""
_CHILLU = {"ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്", "ൔ": "മ്", "ൕ": "യ്", "ൖ": "ഴ്"}
_SAME = {
    **dict.fromkeys("ँँ", "ं"), "ঁ": "ং", "ઁ": "ં", "ଁ": "ଂ", "ఁ": "ం", "ಁ": "ಂ", "ੰ": "ਂ", "ਁ": "ਂ",
    "ऩ": "न", "ऱ": "र", "ऴ": "ळ",
    "इये": "इए", "िये": "िए", "गयी": "गई", "गये": "गए", "नयी": "नई", "नये": "नए",
    "ي": "ی", "ى": "ی", "ك": "ک", "ہ": "ه", "ۃ": "ة", "ς": "σ",
}  # fmt: skip
_DROPPED = "़়਼઼଼಼఼\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00adـ" + "".join(map(chr, range(0x064B, 0x0653)))


def comparable_words(texts: pa.Array) -> pa.Array:
    """Return each text as its words in one spelling, separated by single spaces; null stays null.

    A word is a run of letters (with their marks) or digits: "Solve 2x-4=10!" is "solve 2x 4 10".
    """
    folded = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    foreign = pc.invert(pc.fill_null(pc.string_is_ascii(folded), True))
    if pc.any(foreign).as_py():
        folded = pc.replace_with_mask(folded, foreign, _one_spelling(folded.filter(foreign)))
    for pattern, kept in (_LABEL, *_GROUPED):
        folded = pc.replace_substring_regex(folded, pattern, kept)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(folded, r"[^\p{L}\p{M}\p{N}]+", " "))


def letters_and_numbers(words: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return (wording with 0 for every number, the numbers alone) of comparable words; null stays null."""
    return (
        pc.replace_substring_regex(words, r"[0-9]+", "0"),
        pc.utf8_trim_whitespace(pc.replace_substring_regex(words, r"[^0-9]+", " ")),
    )


def text_keys(words: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return (row numbers, member keys) of comparable words: the same key for the same letters and the same numbers, spaces aside."""
    wording, numbers = letters_and_numbers(words)
    joined = pc.binary_join_element_wise(pc.replace_substring(wording, " ", ""), numbers, SEPARATOR)
    return member_keys("t", pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), joined))


def _one_spelling(texts: pa.Array) -> pa.Array:
    series = pl.Series(pl.from_arrow(texts), dtype=pl.String)
    for table in (_spellings(), _nasals()):  # a chillu may turn out to be a nasal
        series = series.str.replace_many(list(table), list(table.values()))
    return series.to_arrow().cast(pa.string())


@cache
def _spellings() -> dict[str, str]:
    digits = {
        sign: str(value)
        for sign in map(chr, range(0x80, sys.maxunicode + 1))
        if unicodedata.category(sign) == "Nd" and (value := unicodedata.decimal(sign, None)) is not None
    }
    return {**digits, **_CHILLU, **_SAME, **dict.fromkeys(_DROPPED, "")}


@cache
def _nasals() -> dict[str, str]:
    return {nasal + virama: sign for nasals, virama, sign in _NASALS.values() for nasal in nasals}
