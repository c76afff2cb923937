"""The earlier turns of interactions whose source kept each turn by itself (flat logs, Langfuse without its messages).

A later turn without what came before is a poor example, and an exercise quoted only in the first turn could not be recognised in the
others. Earlier turns are taken from the same conversation on the same day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.arrow import pc

MAX_TURNS = 20
"""Earlier turns that are kept, the newest ones."""
MAX_ROWS = 200_000
"""Rows of a day whose texts may be held for this; a day with more keeps its rows as they came."""
_KEYS = ("conversation_key", "turn", "history")
_TEXTS = ("conversation_key", "turn", "question", "answer")

Message = dict[str, str]
Blocks = Callable[[Sequence[str]], Iterable[pa.Table]]


class Histories:
    """What was said before each turn of one day that came without it."""

    def __init__(self, blocks: Blocks) -> None:
        """Look through the day. blocks: gives the day's rows with the named columns, each time anew.

        The texts of a conversation are read only when one of its rows lacks a history.
        """
        self._said: dict[int, dict[int, list[Message]]] = defaultdict(dict)
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
            for key, turn, question, answer in zip(*(mine[name].to_pylist() for name in _TEXTS), strict=True):
                said = [{"role": "user", "content": question}]
                if answer:
                    said.append({"role": "assistant", "content": answer})
                self._said[key].setdefault(turn, said)

    def fill(self, table: pa.Table) -> pa.Table:
        """The table with a history in each row that lacked one and whose earlier turns are known."""
        if not self._said:
            return table
        rows = np.flatnonzero(lacking(table).to_numpy(zero_copy_only=False))
        if not len(rows):
            return table
        history = table["history"].to_pylist()
        some = table.select(["conversation_key", "turn"]).take(pa.array(rows))
        for row, key, turn in zip(rows, some["conversation_key"].to_pylist(), some["turn"].to_pylist(), strict=True):
            history[row] = self._before(key, turn) or None
        field = INTERACTION.field("history")
        return table.set_column(table.schema.get_field_index("history"), field, pa.array(history, field.type))

    def _before(self, key: int, turn: int) -> list[Message]:
        earlier = sorted(number for number in self._said[key] if number < turn)[-MAX_TURNS:]
        return [message for number in earlier for message in self._said[key][number]]


def lacking(table: pa.Table) -> pa.ChunkedArray:
    """Which rows are later turns of a known conversation and come without any earlier one."""
    empty = pc.or_(table["history"].is_null(), pc.equal(pc.coalesce(pc.list_value_length(table["history"]), 0), 0))
    later = pc.fill_null(pc.greater(table["turn"], 0), False)
    return pc.and_(pc.and_(empty, later), table["conversation_key"].is_valid())
