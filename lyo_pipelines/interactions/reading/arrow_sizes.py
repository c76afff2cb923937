"""How many bytes each row of an Arrow column stands for once it is written out, told without writing it out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.storage.arrow import pc

_PLAIN = 8
"""Bytes of a number, a time, a truth value."""


def row_sizes(column: pa.Array) -> np.ndarray:
    """Bytes (int64) of each of N values, those behind a dictionary and in lists and objects included."""
    kind: Any = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return row_sizes(column.storage)
    if pa.types.is_dictionary(kind):
        return _behind(column)
    if pa.types.is_run_end_encoded(kind):
        return row_sizes(pc.run_end_decode(column))
    if pa.types.is_struct(kind):
        return sum((row_sizes(child) for child in column.flatten()), np.full(len(column), _PLAIN, np.int64))
    if pa.types.is_map(kind):
        inner = row_sizes(column.keys) + row_sizes(column.items)
        return _summed(inner, column.offsets)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return row_sizes(column.cast(pa.large_list(kind.value_type)))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _summed(row_sizes(column.values), column.offsets)
    if pa.types.is_fixed_size_list(kind):
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        return _summed(row_sizes(column.flatten()), np.append(0, np.cumsum(lengths)))
    try:
        return pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64) + _PLAIN
    except pa.ArrowNotImplementedError:  # neither text nor bytes
        return np.full(len(column), _PLAIN, np.int64)


def _behind(column: Any) -> np.ndarray:
    values = np.append(row_sizes(column.dictionary), 0)
    indices = pc.fill_null(column.indices.cast(pa.int64()), len(values) - 1).to_numpy(zero_copy_only=False)
    return values[np.clip(indices, 0, len(values) - 1)] + _PLAIN


def _summed(inner: np.ndarray, offsets: Any) -> np.ndarray:
    """Sums of inner values between N + 1 offsets."""
    at = np.clip(np.asarray(offsets, np.int64), 0, len(inner))
    total = np.append(0, np.cumsum(inner))
    return np.maximum(total[at[1:]] - total[at[:-1]], 0) + _PLAIN
