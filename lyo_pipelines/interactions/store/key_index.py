"""Which match keys a day holds, 8 bytes a key, in `lake/keys/<stage>/date=…/part.parquet`: a hint where to look, never the truth.

The truth are the landed files. An index that names too much (a killed landing) costs a look; it never names too little, because it is
written before the landing counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import MATCH_KEYS, PARENT_KEY
from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake

_LANDED = {"interactions": ("landing", (*MATCH_KEYS, PARENT_KEY)), "feedback": ("feedback", ("target_key",))}
"""Where the rows of a stage lie, and the columns whose keys are indexed."""
_BITS = 25
_SHIFT = np.uint64(64 - _BITS)


def make_index_folders(lake: Lake, stage: str, days: Iterable[date]) -> None:
    """Have the folders of these days, before keys are added to them."""
    lake.make_folders(_path(lake, stage, day).rpartition("/")[0] for day in days)


def add_keys(lake: Lake, stage: str, day: date, keys: np.ndarray) -> None:
    """Add keys (uint64) of one day."""
    path = _path(lake, stage, day)
    merged = np.union1d(keys, day_keys(lake, stage, day))
    lake.write_table(pa.table({"key": merged}), path)


def day_keys(lake: Lake, stage: str, day: date) -> np.ndarray:
    """Sorted keys of one day; empty when there are none. A missing or damaged index is made again out of what has landed."""
    path = _path(lake, stage, day)
    try:
        return lake.read_table(path)["key"].to_numpy()
    except (FileNotFoundError, DamagedTableError):
        folder, columns = _LANDED[stage]
        folder = lake.path(folder, f"date={day.isoformat()}")
        found = [staged_keys(lake, f"{folder}/{name}", columns) for name in lake.names(folder)]
        keys = np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)
        if len(keys):
            lake.write_table(pa.table({"key": keys}), path)
        return keys


def indexed_days(lake: Lake, stage: str) -> list[date]:
    """Days that have keys, or ought to."""
    return sorted({*lake.days(f"keys/{stage}"), *lake.days(_LANDED[stage][0], name="")})


def _path(lake: Lake, stage: str, day: date) -> str:
    return lake.path("keys", stage, f"date={day.isoformat()}", "part.parquet")


class KeySieve:
    """Remembers keys in 32 MiB, however many: `maybe` lets every remembered key pass and few others."""

    def __init__(self) -> None:
        self._seen = np.zeros(1 << _BITS, bool)

    def add(self, keys: np.ndarray) -> None:
        """Remember keys."""
        self._seen[keys >> _SHIFT] = True

    def maybe(self, keys: np.ndarray) -> np.ndarray:
        """Those of `keys` that were perhaps added."""
        return keys[self._seen[keys >> _SHIFT]]


def staged_keys(lake: Lake, path: str, columns: Iterable[str]) -> np.ndarray:
    """Sorted distinct keys in the given columns of one Parquet file, null ones left out."""
    found = []
    table = lake.read_table(path, columns=list(columns))
    for column in table.columns:
        found.append(column.drop_null().to_numpy())
    return np.unique(np.concatenate(found)).astype(np.uint64) if found else np.empty(0, np.uint64)
