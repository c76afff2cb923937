"""Questions and answers that a document itself holds. Nothing is made up: a question is a heading, a marked line, or a term.

Patterns:
- a heading that ends in a question mark, answered by the text below it (FAQ);
- `Q: … A: …`, `Question 3. … Answer: …`, `प्रश्न: … उत्तर: …`, `கேள்வி: … பதில்: …`, `Problem … Solution …`
  at the beginning of a line;
- a numbered list below a heading "Exercises" and one with the same numbers below "Solutions" or "Answers" (अभ्यास/हल,
பயிற்சி/விடைகள்); - definition lists: the term asks for its definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.question_markers import MARKED

_QUESTION_END = re.compile(r"[?？]\s*[\"”’')\]]*$")
_EXERCISES = re.compile(
    r"^(?:[\d.]+\s*)?(?:exercises?|problems?|questions?|practice(?: questions| problems)?|अभ्यास(?: प्रश्न)?|प्रश्न|பயிற்சி(?:கள்)?|வினாக்கள்"
    r"|கேள்விகள்)\s*:?$",
    re.IGNORECASE,
)
_SOLUTIONS = re.compile(
    r"^(?:[\d.]+\s*)?(?:solutions?|answers?|answer key|हल|उत्तर(?: कुंजी)?|விடைகள்|விடை|தீர்வுகள்|பதில்கள்)\s*:?$", re.IGNORECASE
)
_ITEM = re.compile(r"^(?P<number>\d{1,3})[.)]\s+(?P<text>\S.*)$")


@dataclass(frozen=True)
class QuestionAnswer:
    """A question and its answer, both as the document has them."""

    question: str
    answer: str


def pairs_in(blocks: list[TextBlock]) -> list[QuestionAnswer]:
    """All pairs of a document in its order, each once."""
    found = [*_defined(blocks), *_marked(blocks), *_exercises(blocks), *_asking_headings(blocks)]
    unique = {(pair.question, pair.answer): pair for pair in found if pair.question and pair.answer}
    return list(unique.values())


def _defined(blocks: list[TextBlock]) -> Iterator[QuestionAnswer]:
    for block in blocks:
        if block.term:
            yield QuestionAnswer(block.term, block.text.removeprefix(f"{block.term}: ").strip())


def _asking_headings(blocks: list[TextBlock]) -> Iterator[QuestionAnswer]:
    levels = [block.level for block in blocks if block.level]
    for place, block in enumerate(blocks):
        # a title above everything names the document ("Where does the sun go at night?") and is answered by none of it
        title = not place and levels.count(min(levels, default=0)) == 1 and block.level == min(levels, default=0)
        if block.level and not title and _QUESTION_END.search(block.text):
            below = []
            for after in blocks[place + 1 :]:
                # a heading below is part of the answer only when it asks nothing itself
                if after.level and (after.level <= block.level or _QUESTION_END.search(after.text)):
                    break
                below.append(f"{after.text}:" if after.level else after.text)
            yield QuestionAnswer(_unnumbered(block.text), "\n\n".join(below).strip())


def _unnumbered(text: str) -> str:
    return re.sub(r"^\s*(?:[Qq]\s*)?\d{1,3}(?:\.\d{1,3})*[.):]\s+", "", text).strip()


def _marked(blocks: list[TextBlock]) -> Iterator[QuestionAnswer]:
    """Lines marked as question and answer; an answer goes on until the next mark or heading."""
    question: list[str] | None = None
    answer: list[str] | None = None
    for block in [*blocks, TextBlock("", level=1)]:
        if block.level or block.text.startswith("```"):
            if question and answer:
                yield QuestionAnswer("\n".join(question).strip(), "\n".join(answer).strip())
            question = answer = None
            continue
        for line in [*block.text.splitlines(), ""]:
            mark = MARKED.match(line)
            if mark and mark["asks"]:
                if question and answer:
                    yield QuestionAnswer("\n".join(question).strip(), "\n".join(answer).strip())
                question, answer = [mark["rest"]], None
            elif mark and question is not None and answer is None:
                answer = [mark["rest"]]
            elif answer is not None:
                answer.append(line.rstrip())
            elif question is not None:
                question.append(line.rstrip())


def _exercises(blocks: list[TextBlock]) -> Iterator[QuestionAnswer]:
    """Numbered exercises and their solutions; only where both lists have the same numbers."""
    asked: dict[str, str] = {}
    heading = ""
    for block in blocks:
        if block.level:
            heading = block.text
            continue
        items = _items(block.text)
        if not items:
            continue
        if _EXERCISES.match(heading.strip()):
            asked = items
        elif _SOLUTIONS.match(heading.strip()) and items.keys() == asked.keys():
            yield from (QuestionAnswer(asked[number], answer) for number, answer in items.items())
            asked = {}


def _items(text: str) -> dict[str, str]:
    """Items of a numbered list by number, each with the lines (code, formulas, parts a and b) that are indented below it."""
    items: dict[str, list[str]] = {}
    number = ""
    for line in dedent(text).splitlines():
        if found := _ITEM.match(line):
            number = found["number"]
            items[number] = [found["text"].strip()]
        elif number and line[:1].isspace():
            items[number].append(line)
        else:
            number = ""
    return {one: "\n".join([first, *dedent("\n".join(rest)).splitlines()]) for one, (first, *rest) in items.items()}
