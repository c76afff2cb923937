"""Which questions of a dataset version can be asked in a training by rewards, and which of them have a result to check against.

Train and validation split only: the test split is never opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.evaluation.answers.correctness import is_correct
from lyo_pipelines.evaluation.inputs.items import Item, choose_items, read_items
from lyo_pipelines.evaluation.inputs.known_results import known_result
from lyo_pipelines.evaluation.measures.contextual import is_text
from lyo_pipelines.evaluation.measures.validity import tasks_of


@dataclass(frozen=True)
class AskedQuestions:
    """Questions of a split, sorted by id. known: id -> the result that an answer is checked against, for those that have one."""

    items: tuple[Item, ...]
    known: dict[str, str]

    def only_checkable(self) -> AskedQuestions:
        """Those with a known result."""
        return AskedQuestions(tuple(item for item in self.items if item.item_id in self.known), self.known)

    def at_most(self, count: int | None) -> AskedQuestions:
        """A fixed, fair part of them."""
        return AskedQuestions(tuple(choose_items(list(self.items), count)), self.known)


def asked_questions(dataset_dir: Path, split: str, segment: str) -> AskedQuestions:
    """The questions of `train` or `validation` that are answered in text. Raises TestSplitError for a damaged file."""
    everything = read_items(dataset_dir, split)
    items = [
        item
        for item, task in zip(everything, tasks_of(everything, segment), strict=True)
        if not item.is_plain and is_text(task)
    ]
    return AskedQuestions(tuple(items), _known(items))


def _known(items: Sequence[Item]) -> dict[str, str]:
    """A result counts as known where the answer that was rated well passes by it, too: else the checker cannot read one of them."""
    found = ((item, known_result(item).text) for item in items)
    return {item.item_id: known for item, known in found if known and is_correct(item.reference, known)}
