"""Which of a segment's examples repeat a registered benchmark. The search itself is benchmark_overlap.py's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.benchmark_overlap import BenchmarkIndex, Hit
from lyo_pipelines.storage.arrow import offsets_and_values, pc

SCAN_COLUMNS = ("conversation_id", "question_id", "system_prompt", "context", "history", "question", "answer")
SHARED = ("conversation_id", "question_id")
"""Ids that carry an overlap from one example to others."""
SLICE = 20_000
"""Rows searched at a time: bounds memory, changes nothing else."""


def example_hits(table: pa.Table, index: BenchmarkIndex) -> list[Hit]:
    """Return the hits of examples (columns SCAN_COLUMNS): anything the example would put before a model counts."""
    hits: list[Hit] = []
    for start in range(0, table.num_rows if index.items else 0, SLICE):
        part = table.slice(start, SLICE)
        rows = start + np.arange(part.num_rows)
        for name in ("question", "answer", "context", "system_prompt"):
            hits += index.texts(part[name].combine_chunks(), rows)
        hits += list_hits(part["history"].combine_chunks(), rows, index)
        hits += index.ids(part["question_id"].combine_chunks(), rows)
    return hits


def message_hits(messages: pa.ListArray, question_id: pa.Array, index: BenchmarkIndex) -> list[Hit]:
    """Return the hits of written examples."""
    rows = np.arange(len(messages))
    return list_hits(messages, rows, index) + index.ids(question_id, rows)


def list_hits(messages: pa.ListArray, rows: np.ndarray, index: BenchmarkIndex) -> list[Hit]:
    """Return the hits of every message of every list."""
    offsets, flat = offsets_and_values(messages)
    return index.texts(flat.field("content"), np.repeat(rows, np.diff(offsets)))


def day_overlaps(table: pa.Table, index: BenchmarkIndex) -> tuple[pa.Table, np.ndarray]:
    """Return the ids (SHARED) of one day's examples, and the mask of those that overlap themselves."""
    mask = np.zeros(table.num_rows, bool)
    mask[[found.row for found in example_hits(table, index)]] = True
    return table.select(SHARED), mask


def benchmark_overlaps(days: Iterable[tuple[pa.Table, np.ndarray]]) -> np.ndarray:
    """Return a mask over the rows of all days: those that overlap, and those of the same conversation or source question.

    A conversation about a benchmark item is about it in every turn, also in those that do not repeat it.
    """
    parts = list(days)
    direct = np.concatenate([mask for _, mask in parts])
    ids = pa.concat_tables([table for table, _ in parts])
    found = direct.copy()
    for name in SHARED:
        hit = pc.drop_null(ids[name].filter(pa.array(direct))).combine_chunks()
        found |= pc.is_in(ids[name], value_set=hit).to_numpy()
    return found
