"""Parquet to rows, batch by batch; a damaged file is damaged as a whole, a damaged value is one row's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.json_types import RawRow

_ROWS = 8_192


def parquet_blocks(stream: IO[bytes]) -> Iterator[RowBlock]:
    """Yield blocks of rows as {column: value}; times become ISO 8601 text. Raises UnreadableFileError on a damaged file."""
    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        if len(set(file.schema_arrow.names)) != len(file.schema_arrow.names):
            raise UnreadableFileError("the Parquet file has repeated column names")
        number = 1
        for batch in file.iter_batches(batch_size=_ROWS):
            yield _block(batch, number)
            number += len(batch)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise UnreadableFileError(f"the Parquet file is damaged: {str(error).splitlines()[0][:200]}") from error


def _block(batch: pa.RecordBatch, number: int) -> RowBlock:
    block = RowBlock()
    try:
        block.rows = _rows(batch)
        block.lines = list(range(number, number + len(batch)))
    except (pa.ArrowException, ValueError, OverflowError):  # find the rows that are to blame
        for index in range(len(batch)):
            try:
                block.rows += _rows(batch.slice(index, 1))
                block.lines.append(number + index)
            except (pa.ArrowException, ValueError, OverflowError) as error:
                block.bad.append(BadRow(number + index, "broken_value", type(error).__name__, b"", 0))
    return block


def _rows(batch: pa.RecordBatch) -> list[RawRow]:
    batch.validate(full=True)
    columns = [_values(column) for column in batch.columns]
    return [dict(zip(batch.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.string())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column = column.cast(pa.large_string())
    elif pa.types.is_map(kind):
        return [None if value is None else dict(value) for value in column.to_pylist()]
    return column.to_pylist()
