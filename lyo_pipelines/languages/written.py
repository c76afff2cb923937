"""The language that texts are written in, given the one that is declared. What follows from a difference belongs to curation's rules.

Order: enough letters? -> script -> commonest words -> detectors; whenever that does not decide, the declared language stands. Where
none is declared, a script of several languages and a few words that many languages share decide nothing by themselves: the detectors
must not speak against them.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from lyo_pipelines.languages import detectors
from lyo_pipelines.languages.scripts import SCRIPTS, letter_counts, prose_of
from lyo_pipelines.languages.words import devanagari_scores, latin_scores

ROMANISED = {"hi": "hi_latn", "ta": "ta_latn"}
"""Declared language -> the bucket of the same language in Latin letters."""


class LanguageThresholds(Protocol):
    """From which letters and shares on a language is told; part of the configuration of curation."""

    @property
    def language_minimum_letters(self) -> int:
        """Letters of prose that a text needs."""
        ...

    @property
    def script_minimum_share(self) -> float:
        """Share of the letters from which on a script other than Latin decides."""
        ...

    @property
    def romanised_minimum_share(self) -> float:
        """Share of the words that are common ones of a romanised language."""
        ...

    @property
    def detector_minimum_score(self) -> float:
        """What both detectors must be sure of, 0 to 1."""
        ...


_OURS = frozenset({"en", "hi_latn", "ta_latn"})
_SCRIPT_OF = {code: script for script, codes in reversed(SCRIPTS.items()) for code in codes}
_PLAINLY_ENGLISH = 0.25  # share of common words; other languages in Latin letters share some of them
_WORDS_TO_OVERRULE = 10  # of words in plain ASCII letters
_SURELY = 3  # common words of one language that tell it without the detectors
_AT_LEAST = 2  # of them, where the detectors know nothing: "se", "me" and "was" are words of many languages
_SHARED = ("Arabic", "Cyrillic")  # scripts whose languages are told by the detectors alone
_MOSTLY_FIRST = ("Bengali",)  # and those whose first language stands where the detectors disagree
_MOSTLY = 0.6  # from this share on, a script decides alone


def written_language(texts: pl.Series, declared: pl.Series, config: LanguageThresholds) -> pl.Series:
    """Language codes as written (`en`, `hi`, `hi_latn`, `ta`, `ta_latn`, `mr`, …), one per text.

    texts: cleaned texts (null counts as empty); declared: codes made by `language_code`.
    Too short, formula-only and code-only texts keep the declared code.
    """
    body = prose_of(texts.fill_null(""))
    counts = letter_counts(body)
    names = np.array(counts.columns)
    letters = counts.to_numpy()
    total = letters.sum(axis=1)
    other = letters[:, 1:]
    best = other.argmax(axis=1) + 1 if len(body) else np.zeros(0, np.int64)
    share = np.divide(other.max(axis=1, initial=0), total, out=np.zeros(len(body)), where=total > 0)
    enough = total >= config.language_minimum_letters

    written = declared.to_numpy().astype(object)
    in_script = enough & (share >= config.script_minimum_share)
    for index in np.flatnonzero(in_script):
        written[index] = _by_script(
            str(names[best[index]]), float(share[index]), written[index], body, int(index), config
        )
    _settle_devanagari(written, body, in_script, config)
    _settle_latin(written, body, enough & ~in_script, config)
    return pl.Series("written", written, dtype=pl.String)


def is_in_language(texts: pl.Series, languages: pl.Series, config: LanguageThresholds) -> list[bool | None]:
    """Whether each text is written in the language whose code stands beside it; None where that cannot be said.

    Code, formulas and links are no language: a text of nothing else cannot be told, nor one in a language whose script is not known.
    A text is in another language when its letters are mostly of another script, or its words are those of another language.
    """
    codes = [str(code or "") for code in languages]
    scripts = [_SCRIPT_OF.get("en" if code.endswith("_latn") else code) for code in codes]
    counts = letter_counts(prose_of(texts.fill_null("")))
    totals = counts.select(total=pl.sum_horizontal(pl.all())).to_series().to_list()
    written = written_language(texts, pl.Series(codes, dtype=pl.String), config).to_list()
    told: list[bool | None] = []
    for row, (code, script, total) in enumerate(zip(codes, scripts, totals, strict=True)):
        if script is None or not total:
            told.append(None)
        elif counts[script][row] < config.script_minimum_share * total:
            told.append(False)
        else:
            told.append(written[row] == code)
    return told


def _by_script(
    script: str, share: float, declared: str, body: pl.Series, index: int, config: LanguageThresholds
) -> str:
    languages = SCRIPTS[script]
    if declared in languages:
        return declared
    if not declared and script in (*_SHARED, *_MOSTLY_FIRST):
        found = detectors.agreed(body[index], config.detector_minimum_score)
        return found if found in languages else languages[0] if script in _MOSTLY_FIRST else ""
    if share < _MOSTLY and _SCRIPT_OF.get(declared, "Latin") == "Latin":
        return declared  # a text about another script, in its own words
    return languages[0]


def _settle_devanagari(
    written: np.ndarray, body: pl.Series, candidates: np.ndarray, config: LanguageThresholds
) -> None:
    """Hindi or Marathi: words that only one of them has decide, else the two detectors vote."""
    rows = np.flatnonzero(candidates & np.isin(written.astype(str), ("hi", "mr")))
    if not rows.size:
        return
    scores = devanagari_scores(body.gather(rows)).to_numpy()
    for row, (hindi, marathi) in zip(rows, scores, strict=True):
        if hindi >= 2 and hindi >= 3 * marathi:
            written[row] = "hi"
        elif marathi >= 2 and marathi >= 3 * hindi:
            written[row] = "mr"
        else:
            written[row] = detectors.hindi_or_marathi(body[int(row)]) or written[row]


def _settle_latin(written: np.ndarray, body: pl.Series, candidates: np.ndarray, config: LanguageThresholds) -> None:
    """English, romanised Hindi or Tamil by their words; anything else when both detectors agree on it."""
    rows = np.flatnonzero(candidates)
    if not rows.size:
        return
    scores = latin_scores(body.gather(rows))
    words = scores["words"].to_numpy()
    hits = scores.select("en", "hi_latn", "ta_latn").to_numpy()
    share = np.divide(hits, words[:, None], out=np.zeros(hits.shape), where=words[:, None] > 0)
    for row, count, (english, hindi, tamil) in zip(rows, words, share, strict=True):
        if count < 4:
            continue
        declared = written[row]
        if not declared:
            shares = {"en": english, "hi_latn": hindi, "ta_latn": tamil}
            written[row] = _undeclared(body[int(row)], count, shares, config)
            continue
        romanised = max(hindi, tamil)
        if romanised >= config.romanised_minimum_share and romanised >= english:
            written[row] = "hi_latn" if hindi >= tamil else "ta_latn"
        elif declared not in _OURS and _SCRIPT_OF.get(declared, "Latin") == "Latin":
            written[row] = detectors.agreed(body[int(row)], config.detector_minimum_score) or declared
        elif english >= 0.12 or _terms_only(declared, count, body[int(row)]):
            written[row] = "en"
        elif found := detectors.agreed(body[int(row)], config.detector_minimum_score):
            written[row] = found
        elif (
            declared not in _OURS and max(english, romanised) > 0
        ):  # declared in another script, yet written in Latin letters
            written[row] = ("en", "hi_latn", "ta_latn")[int(np.argmax((english, hindi, tamil)))]


def _undeclared(text: str, words: int, shares: dict[str, float], config: LanguageThresholds) -> str:
    """The language of a text in Latin letters of which nothing is declared, "" where it cannot be told.

    shares: of its words, those that are common ones of English and of the romanised languages.
    """
    language = max(shares, key=lambda code: (shares[code], code))
    enough = _PLAINLY_ENGLISH if language == "en" else config.romanised_minimum_share
    hits = round(shares[language] * words) if shares[language] >= enough else 0
    if hits >= _SURELY and text.isascii():
        return language
    found = detectors.agreed(text, config.detector_minimum_score)
    if found and found != "en":
        return found
    if hits >= _AT_LEAST or (hits and language == "en" and detectors.fast_vote(text)[0] == "en"):
        return language
    return found


def _terms_only(declared: str, count: int, text: str) -> bool:
    """Whether a text declared as English is too short and plain for the detectors: they take lists of terms for other languages."""
    return declared == "en" and count < _WORDS_TO_OVERRULE and text.isascii()


def bucket_language(declared: pl.Series, written: pl.Series) -> pl.Series:
    """The language that a row is counted under: as declared, or as written where none is declared or a declared one is romanised."""
    romanised = declared.replace_strict(ROMANISED, default=None, return_dtype=pl.String)
    return (
        pl.select(pl.when((written == romanised) | (declared == "")).then(written).otherwise(declared))
        .to_series()
        .alias("bucket")
    )
