"""The result that an answer to an item is checked against: the one of its row, else what its reference surely states at its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lyo_pipelines.evaluation.answers.reading import first_statement, read_result
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.tasks.results import sure_result

NOTHING_STATED = "the reference does not end with a result"
NOT_COMPARABLE = "the reference ends with a sentence, not with a result that can be compared"
_WORDS = 5
"""Words of a result that is no value; a longer one may be said in many ways."""


@dataclass(frozen=True)
class KnownResult:
    """text: "" where none is known, and `why`. source: where it is from."""

    text: str = ""
    source: Literal["row", "reference", ""] = ""
    why: str = ""


def known_result(item: Item) -> KnownResult:
    """The known result of an item that was asked."""
    if item.reference_answer:
        return KnownResult(item.reference_answer, "row")
    return result_of_reference(item.reference)


@lru_cache(maxsize=20_000)  # every model's answers are held against the same references
def result_of_reference(reference: str) -> KnownResult:
    """What a reference states as its result: a value, the letter of a choice, or a few words."""
    stated = sure_result(reference)
    if stated is None:
        return KnownResult(why=NOTHING_STATED)
    text = first_statement(stated)
    read = read_result(text)
    if read.parts or read.choice or 0 < len(text.split()) <= _WORDS:
        return KnownResult(text, "reference")
    return KnownResult(why=NOT_COMPARABLE)
