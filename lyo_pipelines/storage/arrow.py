"""pyarrow.compute under a name that a type checker accepts (its functions are made when it is imported), lists, and its memory."""

# pyarrow brings no types, so every table, array and field is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute


def give_back() -> None:
    """Return memory that Arrow has freed to the system: it keeps it otherwise, and the next stage does not use Arrow's."""
    pa.default_memory_pool().release_unused()


def group_batches(file: Any, rows: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of at most so many rows of a pq.ParquetFile, none of them over two row groups.

    Landing bounds a row group by bytes, so that a text which stands a thousand times in it cannot fill the memory of its readers.
    """
    for group in range(file.num_row_groups):
        yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=columns)


def conform_table(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with exactly the schema's columns and types; a column that came later than the file is null in it."""
    there = set(table.column_names)
    columns = [
        table[field.name].cast(field.type) if field.name in there else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def offsets_and_values(lists: pa.ListArray) -> tuple[np.ndarray, pa.StructArray]:
    """Return row offsets (N + 1, from 0) and the flat values of a list array; null lists count as empty ones."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets, cast(pa.StructArray, lists.flatten())
