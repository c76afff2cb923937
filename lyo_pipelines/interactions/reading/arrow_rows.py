"""Parquet and Arrow files to rows, batch by batch; a damaged file is damaged as a whole, a damaged value is one row's.

The limits are those of JSON lines: a row of more than `max_row_bytes` is rejected, rows are made in blocks of about `block_bytes`, and
a file may not unpack to a multiple of itself that no log has. A text that stands once in a file and in a million rows stays once in
memory until its rows are cut to size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.arrow_sizes import row_sizes
from lyo_pipelines.interactions.reading.arrow_values import column_values
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.interactions.reading.unpacking import check_unpacked
from lyo_pipelines.json_types import RawRow

_ROWS = 8_192
_ARROW_FILE = b"ARROW1"
_ERRORS = (pa.ArrowException, ValueError, OverflowError)
_TEXTS = ("NONE", "STRING", "JSON", "ENUM")
"""Logical types of byte arrays that may be read as what they are in the file: values and where they stand."""


def parquet_blocks(stream: IO[bytes], *, size: int, block_bytes: int, max_row_bytes: int) -> Iterator[RowBlock]:
    """Yield blocks of rows as {column: value} (arrow_values.py). size: of the file as stored. Raises UnreadableFileError."""
    try:
        metadata = pq.read_metadata(stream)
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        check_unpacked(sum(group.total_byte_size for group in groups), size)
        stream.seek(0)
        file = pq.ParquetFile(stream, page_checksum_verification=True, read_dictionary=_texts(metadata))
        _check_names(file.schema_arrow, "Parquet")
        yield from _blocks(file.iter_batches(batch_size=_ROWS), block_bytes, max_row_bytes)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged("Parquet", error) from error


def arrow_blocks(stream: IO[bytes], *, block_bytes: int, max_row_bytes: int) -> Iterator[RowBlock]:
    """The same of an Arrow (Feather) file or stream."""
    limits = block_bytes, max_row_bytes
    try:
        if stream.read(len(_ARROW_FILE)) == _ARROW_FILE:
            file = pa.ipc.open_file(stream)
            _check_names(file.schema, "Arrow")
            yield from _blocks((file.get_batch(number) for number in range(file.num_record_batches)), *limits)
        else:
            stream.seek(0)
            reader = pa.ipc.open_stream(stream)
            _check_names(reader.schema, "Arrow")
            yield from _blocks(reader, *limits)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged("Arrow", error) from error


def _texts(metadata: pq.FileMetaData) -> list[str]:
    columns = [metadata.schema.column(number) for number in range(len(metadata.schema))]
    return [
        column.path
        for column in columns
        if column.physical_type == "BYTE_ARRAY" and str(column.logical_type.type) in _TEXTS
    ]


def _check_names(schema: pa.Schema, kind: str) -> None:
    if len(set(schema.names)) != len(schema.names):
        raise UnreadableFileError(f"the {kind} file has repeated column names")


def _damaged(kind: str, error: BaseException) -> UnreadableFileError:
    said = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return UnreadableFileError(f"the {kind} file is damaged: {said}")


def _blocks(batches: Iterator[pa.RecordBatch], block_bytes: int, max_row_bytes: int) -> Iterator[RowBlock]:
    number = 1
    for batch in batches:
        for start in range(0, len(batch), _ROWS):
            part = batch.slice(start, _ROWS)
            for first, last, sizes in _cuts(part, block_bytes):
                yield _limited(part.slice(first, last - first), number + first, sizes, max_row_bytes)
            number += len(part)


def _cuts(batch: pa.RecordBatch, block_bytes: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """(first, last, bytes of each row) of parts of a batch that hold about so many bytes, at least one row each."""
    sizes = np.zeros(len(batch), np.int64)
    for column in batch.columns:
        sizes += row_sizes(column)
    ends = np.cumsum(sizes)
    first = 0
    while first < len(batch):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + block_bytes, "right")))
        yield first, last, sizes[first:last]
        first = last


def _limited(batch: pa.RecordBatch, number: int, sizes: np.ndarray, max_row_bytes: int) -> RowBlock:
    """A block whose rows of more bytes than allowed are rejected without being made."""
    huge = np.flatnonzero(sizes > max_row_bytes)
    if not len(huge):
        return _block(batch, number)
    block, start = RowBlock(), 0
    for at in [*huge.tolist(), len(batch)]:
        part = _block(batch.slice(start, at - start), number + start)
        block.rows += part.rows
        block.lines += part.lines
        block.bad += part.bad
        if at < len(batch):
            said = f"{int(sizes[at])} bytes; the limit is interactions.max_row_bytes"
            block.bad.append(BadRow(number + at, "row_too_long", said, b"", int(sizes[at])))
        start = at + 1
    return block


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
