"""How much of an answer is said again: words, letters of scripts without spaces, lines. Tables and patterns are no loops."""

from __future__ import annotations

import re
from collections import Counter

from lyo_pipelines.curation.repetition import LONG_WORD, repeated_letters
from lyo_pipelines.evaluation.answers.text import words

_SAME_ROWS = 12
"""A row of a table or pattern that comes more often than this is a loop: a square of stars is smaller."""
_LONG_ROW = 40
"""Cells from which on a line of figures is no row of a table."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_SIGNS = re.compile(r"([^\w\s])\1{79,}")


def repeated_share(tokens: list[str], n: int = 4) -> float:
    """1 - distinct n-grams / n-grams of words; a word longer than LONG_WORD counts by its letters, in proportion to its length."""
    short = [token for token in tokens if len(token) < LONG_WORD]
    grams = [tuple(short[start : start + n]) for start in range(len(short) - n + 1)]
    share = 1 - len(set(grams)) / len(grams) if grams else 0.0
    long = [token for token in tokens if len(token) >= LONG_WORD]
    if not long:
        return share
    letters = sum(map(len, short))
    looping = sum(repeated_letters(token) * len(token) for token in long)
    return (share * letters + looping) / (letters + sum(map(len, long)))


def loop_share(text: str) -> float:
    """Share of a text, 0 to 1, that it had said before. A row of a table, of figures or of stars counts only in a loop of rows."""
    runs = sum(len(found[0]) for found in _SIGNS.finditer(text))
    prose: list[str] = []
    rows: Counter[str] = Counter()
    for line in _SIGNS.sub(" ", text).splitlines():
        plain = line.strip()
        if plain and _is_row(plain):
            rows[plain] += 1
        else:
            prose.append(plain)
    spoken = "\n".join(prose)
    share, weight = repeated_share(words(spoken)), len(spoken)
    looping = sum(
        len(row) * (count - 1) for row, count in rows.items() if count > _SAME_ROWS and any(map(str.isalnum, row))
    )
    # rows that are no loop say nothing of how much is repeated
    total = weight + looping + runs
    return (share * weight + looping + runs) / total if looping or runs else share


def _is_row(line: str) -> bool:
    if line.count("|") >= 2:
        return True
    return _WORD.search(line) is None and len(line.split()) <= _LONG_ROW and len(line) <= 4 * _LONG_ROW
