"""How much of a text is said more than once. Vectorised tests first, so that n-grams are counted for few texts.

Patterns are no repetition: rows of signs and numbers (matrices, truth tables, stars) hold no prose, and a method whose steps come
again each time with other numbers says something new beside them.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import polars as pl

from lyo_pipelines.curation.task_answers import VALUE_END

_NGRAM = 4


LONG_WORD = 40
"""Characters from which on a run without a space is looked at by its letters: a sentence of Thai or Chinese, or "hahaha…"."""
_LETTERS = 8


def repeated_letters(word: str) -> float:
    """Share of the 8-grams of letters that occurred before in a run without spaces; 0 for one that is shorter than LONG_WORD."""
    if len(word) < LONG_WORD:
        return 0.0
    total = len(word) - _LETTERS + 1
    return 1 - len({word[i : i + _LETTERS] for i in range(total)}) / total


def repeated_share(text: str) -> float:
    """Share of the word 4-grams that occurred before in the text (0: all new; close to 1: one phrase over and over)."""
    words = text.split()
    total = len(words) - _NGRAM + 1
    if total < 1:
        return 0.0
    return 1 - len({tuple(words[i : i + _NGRAM]) for i in range(total)}) / total


def repeated(texts: pl.Series, *, minimum_words: int, maximum_share: float, maximum_same_lines: int) -> pl.Series:
    """Whether a text repeats itself: too many 4-grams again, or the same longer line too often."""
    frame = texts.fill_null("").alias("text").to_frame()
    words = frame.select(
        pl.col("text").str.split(" ").alias("words"), pl.col("text").str.count_matches(r"[^\S ]").alias("lines")
    )
    counts = words.select(
        total=pl.col("words").list.len().cast(pl.Int64),
        distinct=pl.col("words").list.n_unique().cast(pl.Int64),
        lines=pl.col("lines"),
    )
    # a loop without spaces ("hahaha…", a script that has none) is one word here
    unspaced = frame["text"].str.contains(rf"\S{{{2 * LONG_WORD + 1}}}")
    # each word but the last three begins a 4-gram, so a text with many distinct words cannot have few distinct 4-grams;
    # other white space glues words together here, which `lines` allows for
    suspicious = counts.select(
        (pl.col("total") + pl.col("lines") >= minimum_words)
        & (pl.col("distinct") - 3 - pl.col("lines") <= (1 - maximum_share) * (pl.col("total") + 2 * pl.col("lines")))
        | (pl.col("lines") + 1 >= maximum_same_lines)
        | ((pl.col("total") >= _STUTTER) & (2 * pl.col("distinct") <= pl.col("total") + 1))
    ).to_series()
    suspicious |= unspaced
    found = [
        _is_repeated(text, minimum_words, maximum_share, maximum_same_lines)
        for text in frame["text"].filter(suspicious)
    ]
    return pl.zeros(frame.height, dtype=pl.Int8, eager=True).scatter(suspicious.arg_true(), found).cast(pl.Boolean)


def repeated_texts(
    texts: pl.Series, several: pl.Series, *, minimum_words: int, maximum_share: float, maximum_same_lines: int
) -> pl.Series:
    """Do `repeated`; where `several` is true the text holds several ones (between them VALUE_END), each looked at by itself."""
    config = {
        "minimum_words": minimum_words,
        "maximum_share": maximum_share,
        "maximum_same_lines": maximum_same_lines,
    }
    if not several.any():
        return repeated(texts, **config)
    rows = several.arg_true()
    found = repeated(pl.select(pl.when(several).then(None).otherwise(texts)).to_series(), **config)
    parts = pl.DataFrame({"row": rows, "text": texts.gather(rows).fill_null("").str.split(VALUE_END)}).explode("text")
    looping = parts.filter(repeated(parts["text"], **config))["row"].unique()
    return found.scatter(looping, True)


_COUNTER = re.compile(
    r"^[\s>*_#|-]*+(?:[^\W\d_]{2,12}\s)?\s*\d{1,4}[.):]+\s*"
)  # "12." and "Step 12:" alone make no line new
_SENTENCE_END = re.compile(r"(?<=[.!?।॥])\s+|\n+")
_WORD = re.compile(r"[^\W\d_][\w\u0900-\u0dff]+")  # \w has no Indic vowel signs


_STUTTER = 10
"""Times that one word of letters follows itself: no verse says it so often."""


def _stutters(text: str) -> bool:
    run, last = 1, ""
    for word in text.split():
        run = run + 1 if word == last and sum(sign.isalpha() for sign in word) > 1 else 1
        if run >= _STUTTER:
            return True
        last = word
    return False


_ONLY = 5
"""Times that a sentence of two words or more stands in a text that says nothing else: no pupil is helped by it."""


def _one_sentence(text: str) -> bool:
    """Whether a text is one full sentence over and over; a verse has other lines, a row of numbers no words."""
    said = [sentence for sentence in _SENTENCE_END.split(text) if sentence.strip()]
    plain = {sentence.strip() for sentence in said}
    return (
        len(said) >= _ONLY and len(plain) == 1 and len(_WORD.findall(said[0])) >= 2 and said[0].strip()[-1] in ".!?।॥"
    )


def _is_repeated(text: str, minimum_words: int, maximum_share: float, maximum_same_lines: int) -> bool:
    if _stutters(text) or _one_sentence(text):
        return True
    if any(
        len(word) > max(2 * LONG_WORD, len(text) // 2) and "\\" not in word and repeated_letters(word) > maximum_share
        for word in text.split()
    ):
        return True
    lines = [plain for line in text.split("\n") if (plain := _COUNTER.sub("", line).strip())]
    long_lines = [line for line in lines if line.count(" ") >= 3 and any(sign.isalpha() for sign in line)]
    if len(long_lines) >= maximum_same_lines:
        most = Counter(long_lines).most_common(1)[0][1]
        if most >= maximum_same_lines and (2 * len(set(lines)) <= len(lines) or _run(lines) >= maximum_same_lines):
            return True
    if len(text.split()) < minimum_words or repeated_share(text) <= maximum_share:
        return False
    prose = [unit for unit in _SENTENCE_END.split(text) if len(_WORD.findall(unit)) >= 2]
    words = " ".join(prose)
    if len(words.split()) < minimum_words:
        return False
    units = [_COUNTER.sub("", unit).strip() for unit in prose]
    whole = [unit for unit in _SENTENCE_END.split(text) if unit.strip()]
    # steps that come again beside new lines are a method; said within one sentence, or with nothing new, they are a loop
    method = len(whole) > maximum_same_lines and 2 * len({_COUNTER.sub("", unit).strip() for unit in whole}) > len(
        whole
    )
    return (
        any(_loops(unit, minimum_words, maximum_share) for unit in units)
        if method
        else repeated_share(words) > maximum_share
    )


def _loops(text: str, minimum_words: int, maximum_share: float) -> bool:
    return len(text.split()) >= minimum_words and repeated_share(text) > maximum_share


def _run(lines: list[str]) -> int:
    """The most times that one line of words follows itself."""
    longest = run = 1
    for before, line in pairwise(lines):
        run = run + 1 if line == before and line.count(" ") >= 3 and _WORD.search(line) else 1
        longest = max(longest, run)
    return longest
