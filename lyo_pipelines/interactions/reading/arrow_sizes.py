"""How many bytes each row of an Arrow column stands for once it is written out, told without writing it out."""

from __future__ import annotations

from collections.abc import Callable
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
    for fits, sizes in _SIZES:
        if fits(kind):
            return sizes(column)
    try:
        return _int64(pc.binary_length(column)) + _PLAIN
    except pa.ArrowNotImplementedError:  # neither text nor bytes
        return np.full(len(column), _PLAIN, np.int64)


def _int64(column: pa.Array) -> np.ndarray:
    return pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.int64)


def _behind(column: Any) -> np.ndarray:
    values = np.append(row_sizes(column.dictionary), 0)
    indices = pc.fill_null(column.indices.cast(pa.int64()), len(values) - 1).to_numpy(zero_copy_only=False)
    return values[np.clip(indices, 0, len(values) - 1)] + _PLAIN


def _of_object(column: Any) -> np.ndarray:
    return sum((row_sizes(child) for child in column.flatten()), np.full(len(column), _PLAIN, np.int64))


def _of_map(column: Any) -> np.ndarray:
    return _summed(row_sizes(column.keys) + row_sizes(column.items), column.offsets.to_numpy())


def _of_list(column: Any) -> np.ndarray:
    kind = column.type
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        column = column.cast(pa.large_list(kind.value_type))
    lengths = _int64(pc.list_value_length(column))
    return _summed(row_sizes(column.flatten()), np.append(0, np.cumsum(lengths)))


def _summed(inner: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sums of inner values between N + 1 offsets."""
    at = np.clip(offsets.astype(np.int64), 0, len(inner))
    total = np.append(0, np.cumsum(inner))
    return np.maximum(total[at[1:]] - total[at[:-1]], 0) + _PLAIN


def _is_list(kind: Any) -> bool:
    types = pa.types
    plain = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return plain or types.is_list_view(kind) or types.is_large_list_view(kind)


_SIZES: tuple[tuple[Callable[[Any], bool], Callable[[Any], np.ndarray]], ...] = (
    (pa.types.is_dictionary, _behind),
    (pa.types.is_run_end_encoded, lambda column: row_sizes(pc.run_end_decode(column))),
    (pa.types.is_struct, _of_object),
    (pa.types.is_map, _of_map),
    (_is_list, _of_list),
)
