"""Parquet and Arrow files to rows, batch by batch; a damaged file is damaged as a whole, a damaged value is one row's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.arrow_values import column_values
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.json_types import RawRow

_ROWS = 8_192
_ARROW_FILE = b"ARROW1"
_ERRORS = (pa.ArrowException, ValueError, OverflowError)


def parquet_blocks(stream: IO[bytes]) -> Iterator[RowBlock]:
    """Yield blocks of rows as {column: value} (arrow_values.py). Raises UnreadableFileError on a damaged file."""
    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        _check_names(file.schema_arrow, "Parquet")
        yield from _blocks(file.iter_batches(batch_size=_ROWS))
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged("Parquet", error) from error


def arrow_blocks(stream: IO[bytes]) -> Iterator[RowBlock]:
    """The same of an Arrow (Feather) file or stream."""
    try:
        if stream.read(len(_ARROW_FILE)) == _ARROW_FILE:
            file = pa.ipc.open_file(stream)
            _check_names(file.schema, "Arrow")
            yield from _blocks(file.get_batch(number) for number in range(file.num_record_batches))
        else:
            stream.seek(0)
            reader = pa.ipc.open_stream(stream)
            _check_names(reader.schema, "Arrow")
            yield from _blocks(reader)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged("Arrow", error) from error


def _check_names(schema: pa.Schema, kind: str) -> None:
    if len(set(schema.names)) != len(schema.names):
        raise UnreadableFileError(f"the {kind} file has repeated column names")


def _damaged(kind: str, error: BaseException) -> UnreadableFileError:
    said = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return UnreadableFileError(f"the {kind} file is damaged: {said}")


def _blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[RowBlock]:
    number = 1
    for batch in batches:
        for start in range(0, len(batch), _ROWS):
            part = batch.slice(start, _ROWS)
            yield _block(part, number)
            number += len(part)


def _block(batch: pa.RecordBatch, number: int) -> RowBlock:
    block = RowBlock()
    try:
        block.rows = _rows(batch)
        block.lines = list(range(number, number + len(batch)))
    except _ERRORS:  # find the rows that are to blame
        for index in range(len(batch)):
            try:
                block.rows += _rows(batch.slice(index, 1))
                block.lines.append(number + index)
            except _ERRORS as error:
                block.bad.append(BadRow(number + index, "broken_value", _why(batch.slice(index, 1), error), b"", 0))
    return block


def _rows(batch: pa.RecordBatch) -> list[RawRow]:
    batch.validate(full=True)
    columns = [column_values(column, name) for column, name in zip(batch.columns, batch.schema.names, strict=True)]
    return [dict(zip(batch.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]


def _why(row: pa.RecordBatch, error: BaseException) -> str:
    """The column that cannot be read, and its type."""
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            column.validate(full=True)
            column_values(column, name)
        except _ERRORS:
            return f"{name[:60]} ({str(column.type)[:60]}): {type(error).__name__}"
    return type(error).__name__
