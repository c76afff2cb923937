"""Doing work once per distinct text: a batch repeats its system prompts, contexts and earlier turns many times over."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa


def distinct_texts(columns: list[pl.Series]) -> tuple[pl.Series, list[np.ndarray]]:
    """The distinct non-null texts of several columns, and for each column where its texts stand among them (-1: null)."""
    joined = pa.concat_arrays([_arrow(column) for column in columns])
    encoded = joined.dictionary_encode()
    positions = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    bounds = np.cumsum([0, *(len(column) for column in columns)])
    texts = pl.Series("text", pl.from_arrow(encoded.dictionary), dtype=pl.String)
    return texts, [positions[begin:end] for begin, end in pairwise(bounds)]


def spread_texts(texts: pl.Series, positions: np.ndarray, name: str) -> pl.Series:
    """The column back again: a text per row, null where its position is -1."""
    if not len(texts):
        return pl.Series(name, [None] * len(positions), dtype=pl.String)
    index = pl.Series(np.where(positions < 0, 0, positions))
    column = texts.gather(index)
    missing = pl.Series(positions < 0)
    return (pl.select(pl.when(missing).then(None).otherwise(column)).to_series() if missing.any() else column).alias(
        name
    )


def _arrow(column: pl.Series) -> pa.Array:
    array = column.to_arrow()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.cast(pa.large_string())


def history_contents(history: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series]:
    """A history column flattened: row of each message, its role, its content."""
    lists = _list_array(history)
    rows = pl.Series("row", lists.value_parent_indices().to_numpy(), dtype=pl.Int64)
    role, content = (pl.Series("", pl.from_arrow(part), dtype=pl.String) for part in lists.flatten().flatten())
    return rows, role.alias("role"), content.alias("content")


def with_contents(history: pl.Series, roles: pl.Series, contents: pl.Series) -> pl.Series:
    """The history column with other contents in the same places; an empty list stays empty and null stays null."""
    lists = _list_array(history)
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int64())
    messages = pa.StructArray.from_arrays([_arrow(roles), _arrow(contents)], names=["role", "content"])
    rebuilt = pa.LargeListArray.from_arrays(offsets, messages, mask=lists.is_null())
    return pl.Series(history.name, pl.from_arrow(rebuilt), dtype=history.dtype)


def _list_array(history: pl.Series) -> pa.LargeListArray:
    array = history.to_arrow()
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
