"""The earlier turns of interactions whose source kept each turn by itself (flat logs, Langfuse without its messages).

A later turn without what came before is a poor example, and an exercise quoted only in the first turn could not be recognised in the
others. Earlier turns are taken from the same conversation on the same day.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.chats.pairing import IMAGE_LEFT_OUT
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.arrow import pc

MAX_TURNS = 20
"""Earlier turns that are kept, the newest ones."""
MAX_ROWS = 200_000
"""Rows of a day whose texts may be held for this; a day with more keeps its rows as they came."""
_KEYS = ("conversation_key", "turn", "history")
_TEXTS = ("conversation_key", "turn", "question", "answer", "images", "metadata")
_LEFT_OUT = f'"{IMAGE_LEFT_OUT}"'

Message = dict[str, str]


@dataclass(frozen=True)
class _Said:
    """One earlier turn. images: of its question; lost: it held a picture that is not in the lake."""

    messages: list[Message]
    images: list[dict[str, Any]]
    lost: bool


Blocks = Callable[[Sequence[str]], Iterable[pa.Table]]


class Histories:
    """What was said before each turn of one day that came without it."""

    def __init__(self, blocks: Blocks) -> None:
        """Look through the day. blocks: gives the day's rows with the named columns, each time anew.

        The texts of a conversation are read only when one of its rows lacks a history.
        """
        self._said: dict[int, dict[int, _Said]] = defaultdict(dict)
        wanted = [table.filter(lacking(table))["conversation_key"] for table in blocks(_KEYS)]
        keys = pa.chunked_array([chunk for column in wanted for chunk in column.chunks], pa.uint64()).unique()
        if not len(keys):
            return
        rows = 0
        for table in blocks(_TEXTS):
            mine = table.filter(pc.and_(pc.is_in(table["conversation_key"], keys), table["turn"].is_valid()))
            rows += len(mine)
            if rows > MAX_ROWS:
                self._said.clear()
                return
            for key, turn, question, answer, images, metadata in zip(
                *(mine[name].to_pylist() for name in _TEXTS), strict=True
            ):
                said = [{"role": "user", "content": question}]
                if answer:
                    said.append({"role": "assistant", "content": answer})
                own = [image for image in images or () if not image["turns_back"]]
                self._said[key].setdefault(turn, _Said(said, own, _LEFT_OUT in (metadata or "")))

    def fill(self, table: pa.Table) -> pa.Table:
        """The table with a history in each row that lacked one and whose earlier turns are known, and with the pictures of these."""
        if not self._said:
            return table
        rows = np.flatnonzero(lacking(table).to_numpy(zero_copy_only=False))
        if not len(rows):
            return table
        filled = {"history": table["history"].to_pylist()}

        def values(name: str) -> list[Any]:  # of a column that most days leave as it is
            if name not in filled:
                filled[name] = table[name].to_pylist()
            return filled[name]

        some = table.select(["conversation_key", "turn"]).take(pa.array(rows))
        for row, key, turn in zip(rows, some["conversation_key"].to_pylist(), some["turn"].to_pylist(), strict=True):
            earlier = self._before(key, turn)
            history = [message for said in earlier for message in said.messages]
            filled["history"][row] = history or None
            if shown := _shown(earlier, len(history)):
                values("images")[row] = [*shown, *(values("images")[row] or ())]
            if any(said.lost for said in earlier):
                values("metadata")[row] = _marked(values("metadata")[row])
        for name, column in filled.items():
            field = INTERACTION.field(name)
            table = table.set_column(table.schema.get_field_index(name), field, pa.array(column, field.type))
        return table

    def _before(self, key: int, turn: int) -> list[_Said]:
        earlier = sorted(number for number in self._said[key] if number < turn)[-MAX_TURNS:]
        return [self._said[key][number] for number in earlier]


def _shown(earlier: list[_Said], messages: int) -> list[dict[str, Any]]:
    """Pictures of earlier turns, each with how many messages it was shown before the question."""
    shown = list[dict[str, Any]]()
    for said in earlier:
        shown += [{**image, "turns_back": messages} for image in said.images]
        messages -= len(said.messages)
    return shown


def _marked(metadata: str | None) -> str:
    """Metadata that says that a picture of an earlier turn is not there."""
    found = json.loads(metadata) if metadata else {}
    return json.dumps({**found, IMAGE_LEFT_OUT: True}, ensure_ascii=False)


def lacking(table: pa.Table) -> pa.ChunkedArray:
    """Which rows are later turns of a known conversation and come without any earlier one."""
    empty = pc.or_(table["history"].is_null(), pc.equal(pc.coalesce(pc.list_value_length(table["history"]), 0), 0))
    later = pc.fill_null(pc.greater(table["turn"], 0), False)
    return pc.and_(pc.and_(empty, later), table["conversation_key"].is_valid())
