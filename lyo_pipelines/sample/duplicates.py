"""Copies of earlier rows: the same content again, or nearly the same question from another student."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.people import Student
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.rows import Row, rate

THRESHOLD = 0.8
"""Two questions are near duplicates from this Jaccard similarity of their character 5-grams on."""


def shingles(text: str) -> frozenset[str]:
    """Character 5-grams of a text in lower case with single spaces."""
    plain = " ".join(text.lower().split())
    return frozenset(plain[at : at + 5] for at in range(max(1, len(plain) - 4)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared share of two sets."""
    return len(a & b) / len(a | b)


_CONTENT = (
    "system_prompt",
    "context",
    "history",
    "question",
    "answer",
    "question_id",
    "reference_answer",
    "task",
    "language",
    "subject",
    "topic",
    "grade",
)


def nearly(rng: Random, question: str) -> str:
    """A small edit that a person makes when typing the same thing: two letters swapped, another ending, a number in front.

    The edited question is always a near duplicate in the sense of variety.py.
    """
    edited = pick(rng, (_swapped, _ended, _numbered))(rng, question)
    return (
        edited if edited != question and jaccard(shingles(edited), shingles(question)) >= THRESHOLD else f"- {question}"
    )


def _swapped(rng: Random, question: str) -> str:
    at = 1 + int(rng.random() * max(1, len(question) - 3))
    pair = question[at : at + 2]
    return question[:at] + pair[::-1] + question[at + 2 :] if pair.isascii() and pair.isalpha() else question


def _ended(rng: Random, question: str) -> str:
    return question[:-1] if question[-1] in ".?!।" else question + pick(rng, ("??", " ...", " !!"))


def _numbered(rng: Random, question: str) -> str:
    return pick(rng, ("Q. ", "1) ", "Q5: ", "* ")) + question


def copy_row(rng: Random, original: Row, fresh: Row, student: Student, *, exact: bool) -> None:
    """Turn `fresh` (own id, time and student) into a copy of `original`'s content."""
    for name in _CONTENT:
        fresh[name] = original[name]
    fresh["turn"] = 0
    if not exact:
        fresh["question"] = nearly(rng, original["question"])
    rate(rng, fresh, student)
