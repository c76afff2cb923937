"""The test items of an evaluation: reading them from a dataset version and choosing a fixed, fair part of them.

What a model answers to them does not belong here.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.damage import CheckedTable
from lyo_pipelines.validity import CURRENT

_OPTIONAL = ("segment", "subject", "topic", "grade", "reasoning_mode", "reference_answer", "context", "validity")


class TestSplitError(LyoError):
    """The dataset version cannot be evaluated on; the message says why and what to do."""

    __test__ = False  # not a pytest class


@dataclass(frozen=True)
class Item:
    """One held-out question: `prompt` is every message before the reference, `reference` the answer that was rated well.

    Of plain text (a piece of a document) there is no prompt, and `reference` is the text. context: material given with the question,
    as a task's own metrics see it; the model reads it in the prompt. segment: where the example comes from.
    validity: current, expired or not_yet when the dataset was made; None where nobody says how long it holds.
    """

    item_id: str
    group_id: str
    prompt: tuple[tuple[str, str], ...]
    reference: str
    language: str
    subject: str | None = None
    topic: str | None = None
    grade: str | None = None
    reasoning_mode: str | None = None
    reference_answer: str | None = None
    context: str | None = None
    segment: str | None = None
    validity: str | None = None

    @property
    def question(self) -> str:
        """The last user message; '' for plain text."""
        return next((content for role, content in reversed(self.prompt) if role == "user"), "")

    @property
    def holds(self) -> bool:
        """Whether its reference is right on the day of the dataset; what nobody says anything about holds always."""
        return self.validity in (None, CURRENT)

    @property
    def is_plain(self) -> bool:
        """Whether this is plain text: its loss is measured, and nothing is asked."""
        return not self.prompt


def read_items(dataset_dir: Path, split: str = "test") -> list[Item]:
    """All items of `<dataset_dir>/<split>.parquet`, sorted by id.

    A conversation of the assistant's message alone is plain text. Items that show pictures are none: whoever is asked here reads text
    alone (the manifest counts them). Raises TestSplitError when the file is missing, empty or holds pictures only, or a row does not
    end with an assistant's answer.
    """
    path = dataset_dir / f"{split}.parquet"
    if not path.is_file():
        raise TestSplitError(f"{path} is not there: materialize the dataset splits of this segment first.")
    rows = CheckedTable(path, str(path)).read().to_pylist()
    if not rows:
        raise TestSplitError(f"{path} holds no rows: this segment needs more interactions before it can be evaluated.")
    read = [row for row in rows if not row.get("images")]
    if not read:
        raise TestSplitError(
            f"{path}: all of its {len(rows)} items show pictures, and the models that are asked here read text alone."
        )
    return sorted((_item(row, path) for row in read), key=lambda item: item.item_id)


def choose_items(items: list[Item], maximum: int | None) -> list[Item]:
    """A deterministic, stratified part of at most `maximum` items: one of each group first, then seconds, and so on.

    Within each round every language x subject x grade keeps its share (systematic sampling: the k-th of a stratum's n
    items stands at (k + 1/2) / n, and the smallest positions are taken). Depends on ids only, not on the order of rows.
    """
    if maximum is None or len(items) <= maximum:
        return list(items)
    by_group: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: _hash(item.item_id)):
        by_group[item.group_id].append(item)
    rounds: dict[tuple[int, tuple[str, ...]], list[Item]] = defaultdict(list)
    for members in by_group.values():
        for turn, item in enumerate(members):
            rounds[turn, _stratum(item)].append(item)
    placed = []
    for (turn, _), members in rounds.items():
        members.sort(key=lambda item: _hash(item.group_id + item.item_id))
        placed += [(turn, (k + 0.5) / len(members), _hash(item.item_id), item) for k, item in enumerate(members)]
    placed.sort(key=lambda entry: entry[:3])
    return sorted((entry[3] for entry in placed[:maximum]), key=lambda item: item.item_id)


def items_hash(items: list[Item]) -> str:
    """Hash of all that the items say: the same hash means the same questions and references."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(
            json.dumps(
                [
                    item.item_id,
                    item.group_id,
                    item.prompt,
                    item.reference,
                    item.reference_answer,
                    item.context,
                    item.segment,
                ]
            ).encode()
        )
    return digest.hexdigest()[:16]


def _item(row: RawRow, path: Path) -> Item:
    messages = [(str(message["role"]), str(message["content"] or "")) for message in row["messages"] or []]
    if not messages or messages[-1][0] != "assistant" or (len(messages) == 1 and not messages[0][1].strip()):
        raise TestSplitError(
            f"{path}: example {row.get('example_id')} does not end with an assistant's answer to a question, "
            "nor is it a single message of plain text."
        )
    known = {name: str(row[name]) for name in _OPTIONAL if row.get(name) not in (None, "")}
    return Item(
        item_id=str(row["example_id"]),
        group_id=str(row["group_id"]),
        prompt=tuple(messages[:-1]),
        reference=messages[-1][1],
        language=str(row.get("language") or "unknown"),
        **known,
    )


def _stratum(item: Item) -> tuple[str, ...]:
    return item.language, item.subject or "", item.grade or ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
