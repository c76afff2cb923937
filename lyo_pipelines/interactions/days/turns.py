"""The turn of interactions whose source does not say it (Langfuse): their order within the conversation on that day.

A conversation in which any row states its turn is left as it is; one that goes on after midnight (UTC) starts again at 0.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.storage.lake import Lake

_COLUMNS = ["turn", "conversation_key", "occurred_at", "source_line"]
UNKNOWN = -1


def missing_turns(lake: Lake, paths: list[str], keep: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For each landed file in which a turn can be told, the turn (int32) of every row, UNKNOWN where it stays as it is.

    keep: masks of the rows that are kept; the others do not count.
    """
    parts = []
    for number, path in enumerate(paths):
        table = lake.read_table(path, columns=list(_COLUMNS))
        kept = keep.get(path, np.ones(len(table), bool)) & table["conversation_key"].is_valid().to_numpy()
        rows = np.flatnonzero(kept)
        some = table.take(pa.array(rows))
        parts.append(
            {
                "conversation": some["conversation_key"].to_numpy().astype(np.uint64),
                "stated": some["turn"].is_valid().to_numpy(),
                "at": some["occurred_at"].cast(pa.int64()).to_numpy(),
                "line": some["source_line"].to_numpy(),
                "file": np.full(len(rows), number),
                "row": rows,
            }
        )
    if all(part["stated"].all() for part in parts):
        return {}
    names = ("conversation", "stated", "at", "line", "file", "row")
    conversation, stated, at, line, file, row = (np.concatenate([part[name] for part in parts]) for name in names)
    silent = ~np.isin(conversation, np.unique(conversation[stated]))
    conversation, at, line, file, row = (values[silent] for values in (conversation, at, line, file, row))
    order = np.lexsort([line, file, at, conversation])
    begins = np.flatnonzero(np.append(True, np.diff(conversation[order]) != 0))[: len(order)]
    lengths = np.diff(np.append(begins, len(order)))
    turn = np.empty(len(order), np.int32)
    turn[order] = np.arange(len(order)) - np.repeat(begins, lengths)
    result = {}
    for number, path in enumerate(paths):
        mine = file == number
        if mine.any():
            turns = np.full(lake.table_footer(path).num_rows, UNKNOWN, np.int32)
            turns[row[mine]] = turn[mine]
            result[path] = turns
    return result
