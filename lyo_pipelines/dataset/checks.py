"""The outcome of a check, and how values that stand in two splits are found. The checks themselves are leakage.py's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.storage.arrow import pc


@dataclass(frozen=True)
class DatasetCheckResult:
    """Result of one check; `blocking`: nothing may be trained when it failed. `details` is JSON-ready and holds no user's text."""

    name: str
    passed: bool
    message: str
    details: JsonObject = field(default_factory=dict)
    blocking: bool = True


class Straddling(TypedDict):
    """One value that stands in several splits, with an example of each."""

    value: str
    splits: list[str]
    examples: list[ExampleInSplit]


class ExampleInSplit(TypedDict):
    """Where an example stands."""

    split: str
    example_id: str


def values_in_two_splits(values: Any, split: np.ndarray, example_id: Any, limit: int) -> tuple[int, list[Straddling]]:
    """Find values that stand in more than one split.

    values, example_id: N values (null = none) and the examples they belong to; split: (N,) codes.
    Return (how many such values, the first `limit` of them with splits and a few examples).
    """
    table = pa.table({"value": values, "split": pa.array(split), "example_id": example_id})
    table = table.filter(pc.is_valid(table["value"]))
    spread = table.group_by("value").aggregate([("split", "min"), ("split", "max")])
    found = spread.filter(pc.not_equal(spread["split_min"], spread["split_max"]))["value"].combine_chunks()
    named = found.take(pc.sort_indices(found))[:limit]
    rows = table.filter(pc.is_in(table["value"], value_set=named)).sort_by(
        [("value", "ascending"), ("split", "ascending")]
    )
    items: dict[Any, Straddling] = {}
    for row in rows.to_pylist():
        item = items.setdefault(row["value"], {"value": str(row["value"]), "splits": [], "examples": []})
        name = SPLITS[row["split"]]
        if name not in item["splits"]:
            item["splits"].append(name)
            item["examples"].append({"split": name, "example_id": row["example_id"]})
    return len(found), list(items.values())


def in_several_splits(digests: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Mask of the texts whose digest stands in more than one split. digests, split: (N,) integers."""
    if not len(digests):
        return np.zeros(0, bool)
    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(digests[order]) != 0]))
    there = split[order]
    across = np.minimum.reduceat(there, starts) != np.maximum.reduceat(there, starts)
    mask = np.zeros(len(digests), bool)
    mask[order] = np.repeat(across, np.diff(np.append(starts, len(order))))
    return mask
