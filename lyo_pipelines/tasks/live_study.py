"""Hints during live study: the next idea for a learner who is at it, and never the solution itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.measures import parse_number, split_words
from lyo_pipelines.tasks.wording import about, is_feminine, language, learner

FORMAT_VERSION = "live_study-1"
_NUMBER = re.compile(r"(?<![\w.])(?<!\d,)[-+]?\d[\d,]*+(?:\.\d+)?(?:/\d+)?(?![\w])")
_BEFORE = 80  # characters
# what stands right before a number that is told as the result
_TOLD = re.compile(
    r"(?:[=≈]|answer|result|solution|उत्तर|जवाब|விடை|பதில்|uttar|vidai)\s*(?:is|है|hai)?\s*[:=]?\s*[₹$]?\s*$",
    re.IGNORECASE,
)


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the study companion's system prompt."""
    return (
        f"You are Lyo, beside the learner{about(row)}{learner(row)}. Give one short hint in {language(row)} for the next step. "
        f"Never tell the solution.{is_feminine(row)}"
    )


def gives_away(hint: str, solution: str, question: str) -> bool:
    """Whether a hint tells the solution.

    A solution with one number ("x = 7", "12 cm") is told when the number is told as the result ("= 7", "the answer is 7"), or when it
    has two digits or more and stands not in the question; other solutions, when their words stand there in a row and not in the
    question.
    """
    results = _numbers(solution.rsplit("=", 1)[-1])
    if len(results) != 1:
        wanted = split_words(solution)
        return bool(wanted) and _in_row(wanted, split_words(hint)) and not _in_row(wanted, split_words(question))
    result = results[0][0]
    given = {value for value, _ in _numbers(question)}
    for value, before in _numbers(hint):
        if value == result and (_TOLD.search(before) or (value not in given and len(str(abs(value.numerator))) > 1)):
            return True
    return False


def _numbers(text: str) -> list[tuple[Fraction, str]]:
    """Return each number of a text with what stands before it."""
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").replace("⁄", "/")
    plain = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)
    found = [
        (parse_number(match.group()), plain[max(0, match.start() - _BEFORE) : match.start()])
        for match in _NUMBER.finditer(plain)
    ]
    return [(value, before) for value, before in found if value is not None]


def _in_row(wanted: list[str], found: list[str]) -> bool:
    size = len(wanted)
    return any(found[at : at + size] == wanted for at in range(len(found) - size + 1))


def check(answer: str, row: Mapping[str, Any]) -> str | None:
    """The hint must not tell the known solution."""
    solution = str(row.get("reference_answer") or "")
    told = bool(solution) and gives_away(answer, solution, str(row.get("question") or ""))
    return "the hint gives the solution away" if told else None


def _gives_away(item: GradedAnswer) -> float | None:
    solution = item.row.get("reference_answer")
    return float(gives_away(item.answer, solution, item.row.get("question") or "")) if solution else None


def _asks(item: GradedAnswer) -> float:
    return float("?" in item.answer or "？" in item.answer)


FORMAT = TaskFormat(
    task="live_study",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="An exercise and the learner's attempt in, a hint out; the reference answer, where known, is the solution.",
    check=check,
    metrics=(
        TaskMetric(
            "gives_solution_away", "lower", "share", "Share of the hints that tell the known solution.", item=_gives_away
        ),
        TaskMetric("asks_back", "neutral", "share", "Share of the hints that ask the learner something.", item=_asks),
    ),
    general_metrics=("loss", "chrf", "rouge_l", "language_match", "length_ratio", "relevance", "repetition"),
)  # fmt: skip
