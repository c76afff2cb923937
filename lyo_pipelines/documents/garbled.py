"""Finding texts that were broken when they were taken out of a file: letters lost, syllables apart, legacy fonts. It mends nothing.

A model would learn such text by heart, so a document that shows it is set down. Where the limits come from stands in documents.yaml.
"""

from __future__ import annotations

import polars as pl
import regex

from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.languages import detectors
from lyo_pipelines.languages.scripts import prose_of
from lyo_pipelines.languages.words import latin_scores

_BAD = regex.compile(r"[\ufffd\p{Co}\p{Cn}\x00-\x08\x0b-\x1f\x7f-\x9f]|\(cid:\d+\)")
_INDIC = r"\p{Devanagari}\p{Tamil}"
_WORD = regex.compile(rf"[{_INDIC}\u200c\u200d]+")
_BROKEN = regex.compile(
    rf"(?<![{_INDIC}\p{{L}}\u200c\u200d])\p{{M}}|(?<=[{_INDIC}])[%\"'+)(#$&@!*<>=\^~]+(?=[{_INDIC}])"
)
# a formula with letters of the script, "अ + ब = स" or "க(ச+த)", and the names of functions: neither is a word
_OPERAND = r"\d*+(?:[\p{L}\p{Nl}]\p{M}*+){1,2}(?![\p{L}\p{M}])"
_OPERATOR = r"(?:\s*+[-+−±×÷·*/=<>≤≥≠^(),;²³]++)++\s*+"
_FORMULA = regex.compile(
    rf"(?<![\p{{L}}\p{{M}}\d])\(?(?:{_OPERAND}|\d++)(?:{_OPERATOR}(?:{_OPERAND}|\d++)?)++"
    r"|(?<![\p{L}\p{M}])(?:a?(?:sin|cos|tan|cot|sec|csc|cosec)h?|arc(?:sin|cos|tan)|log|ln|lim|exp|max|min|det|gcd|lcm|hcf)(?![\p{Ll}\p{M}])",
    regex.IGNORECASE,
)
_SYLLABLE_TWICE = regex.compile(r"(\p{L}\p{M}+)\1")
_LETTER = regex.compile(r"\p{L}")
_SIGNS_OF_NUMBERS = regex.compile(r"[।॥०-९௦-௺]")
_SCRIPTS = {"Devanagari": regex.compile(r"\p{Devanagari}"), "Tamil": regex.compile(r"\p{Tamil}")}


def is_garbled(text: str, config: DocumentConfig, *, reconstructed: bool) -> str:
    """What is wrong with a text (a few words), or "" when it reads like one.

    reconstructed: it may have come out of a PDF, so words and syllables are looked at, too. Formulas are not.
    """
    if (bad := len(_BAD.findall(text))) > config.garbled_signs_share * len(text):
        return f"{bad} signs in it are no text"
    if not reconstructed:
        return ""
    text = _FORMULA.sub(" ", text)
    words = _WORD.findall(_SIGNS_OF_NUMBERS.sub(" ", text))
    if len(words) >= config.garbled_minimum_words:
        return _indic(text, words, config)
    return _legacy_font(text, config)


def _indic(text: str, words: list[str], config: DocumentConfig) -> str:
    broken = len(_BROKEN.findall(text)) / len(words)
    if broken > config.garbled_broken_words_share:
        return f"{broken:.0%} of its words are broken inside"
    doubled = sum(len(_SYLLABLE_TWICE.findall(word)) for word in words) / len(words)
    if doubled > config.garbled_doubled_share:
        return f"syllables are doubled in {doubled:.0%} of its words"
    for script, limit in config.garbled_one_letter_share.items():
        mine = [word for word in words if _SCRIPTS[script].match(word)]
        if len(mine) >= config.garbled_minimum_words:
            single = sum(len(_LETTER.findall(word)) == 1 for word in mine) / len(mine)
            if single > limit:
                return f"{single:.0%} of its {script} words are single letters: words fell apart"
    return ""


def _legacy_font(text: str, config: DocumentConfig) -> str:
    """Letters of a font that shows Hindi for Latin codes: many words, and none that any language has."""
    series = prose_of(pl.Series([text]))
    words, *hits = latin_scores(series).row(0)
    if words < config.garbled_unknown_latin_words or max(hits) >= 0.02 * words:
        return ""
    found, score = detectors.fast_vote(text)
    other, share = detectors.cld2_vote(text)
    known = found and found == other and min(score, share) >= 0.6
    return "" if known else "its Latin letters form no words: a font of the old kind"
