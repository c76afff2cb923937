"""Which of several copies of an interaction on one day is kept: the same one whatever the order in which they came.

Of the copies that came from one database table the newest counts alone: the row was changed there. Better among the others is, in
this order: has an answer, has no error, newest feedback, has a rating, then the smaller file hash and line.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.store.ledger import table_part
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

_RANKED = ["answer", "error", "feedback_at", "rating", "thumbs", "source_line"]
_NEVER = -(2**62)


def kept_copies(lake: Lake, paths: list[str], repeated: np.ndarray) -> dict[str, np.ndarray]:
    """For each landed file that has rows to leave out, a mask of the rows to keep.

    paths: landed files of one day in the order of their hashes. repeated: keys that another day keeps.
    """
    keys = {path: _column(lake, path, "interaction_key") for path in paths}
    masks = {path: ~np.isin(values, repeated) for path, values in keys.items()} if len(repeated) else {}
    unique, counts = np.unique(np.concatenate([*keys.values(), np.empty(0, np.uint64)]), return_counts=True)
    twice = unique[counts > 1]
    if not len(twice):
        return masks
    copies = [_copies(lake, path, order, keys[path], twice) for order, path in enumerate(paths)]
    key, files, rows, lines = (
        np.concatenate([part[name] for part in copies]) for name in ("key", "file", "row", "line")
    )
    ranks = [
        np.concatenate([part[name] for part in copies])
        for name in ("line", "file", "unrated", "age", "failed", "silent")
    ]
    ranks.append(_outdated(paths, key, files, lines))
    order = np.lexsort([*ranks, key])
    losers = order[np.diff(key[order], prepend=key[order][:1] + np.uint64(1)) == 0]
    for number, path in enumerate(paths):
        left_out = rows[losers[files[losers] == number]]
        if len(left_out):
            mask = masks.setdefault(path, np.ones(len(keys[path]), bool))
            mask[left_out] = False
    return masks


def _outdated(paths: list[str], key: np.ndarray, file: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Which copies their database table gave again, later. Batches of a table stand in the order of their numbers."""
    names = [path.rsplit("/", 1)[-1].removesuffix(".parquet") for path in paths]
    parts = [table_part(name) for name in names]
    of_table = np.array([part is not None for part in parts])[file]
    tables = np.unique([part or name for part, name in zip(parts, names, strict=True)], return_inverse=True)[1][file]
    order = np.lexsort([line, file, tables, key])
    result = np.zeros(len(key), bool)
    again = (key[order][1:] == key[order][:-1]) & (tables[order][1:] == tables[order][:-1])
    result[order[:-1]] = again & of_table[order[:-1]]
    return result


def _column(lake: Lake, path: str, name: str) -> np.ndarray:
    return lake.read_table(path, columns=[name])[name].to_numpy()


def _copies(lake: Lake, path: str, order: int, keys: np.ndarray, twice: np.ndarray) -> dict[str, np.ndarray]:
    """What tells copies apart (smaller is better), for the rows of one file whose interaction came more than once."""
    rows = np.flatnonzero(np.isin(keys, twice))
    table = lake.read_table(path, columns=list(_RANKED)).take(pa.array(rows))
    rated = pc.or_(table["rating"].is_valid(), table["thumbs"].is_valid())
    return {
        "key": keys[rows],
        "silent": pc.utf8_length(table["answer"]).fill_null(0).to_numpy() == 0,
        "failed": table["error"].is_valid().to_numpy(),
        "age": -table["feedback_at"].cast(pa.int64()).fill_null(_NEVER).to_numpy(),
        "unrated": ~rated.to_numpy(),
        "file": np.full(len(rows), order),
        "line": table["source_line"].to_numpy(),
        "row": rows,
    }
