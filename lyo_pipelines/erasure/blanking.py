"""Files of the inbox without some of their rows: blanked in the kind of file they came in, and compared with the file before.

Every other row keeps its line and reads as it did, or nothing is changed: whoever cannot be sure sets the file aside as a whole.
"""

# pyarrow brings no types, so a table is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.arrow_rows import parquet_blocks
from lyo_pipelines.interactions.reading.block import RowBlock
from lyo_pipelines.interactions.reading.container import container_of
from lyo_pipelines.interactions.reading.csv_rows import csv_blocks
from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import read_lines
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.reading.unpacking import compression
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.damage import PARQUET
from lyo_pipelines.storage.texts import texts_of

_BLOCK, _ROW = 1 << 22, 1 << 26
"""Bytes of a block, and of a row: a longer one reads as another row in both files, and is not blanked."""
_WRITERS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}
_NO_ROW: dict[str, object] = {}


class NotSureError(Exception):
    """These rows cannot be taken out of this file so that all others stay as they are."""


def blanked(content: bytes, name: str, lines: set[int]) -> bytes:
    """The file without the rows that begin on these lines (1-based; rows of Parquet count from 1). Raises NotSureError.

    JSON lines and CSV become empty lines, rows of Parquet nulls; it is packed as before, once (gzip, bzip2, xz, zstd, a zip).
    """
    try:
        kind = container_of(_source(content, name))
        if kind == "parquet":
            told = _without_rows(content, lines)
        elif kind in ("jsonl", "csv"):
            inner = _unpacked(content, name)
            ends = lines if kind == "jsonl" else _lines_of_records(content, name, lines)
            told = _packed(content, without_lines(inner, sorted(ends)))
        else:
            raise NotSureError(f"a file of kind {kind}")
        _require_same(content, told, name, lines)
    except (UnreadableFileError, pa.ArrowException, OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise NotSureError(str(error)) from error
    return told


def without_lines(content: bytes, lines: list[int]) -> bytes:
    """The same text with these lines (1-based) empty, so that every other line keeps its number."""
    parts = content.split(b"\n")
    for line in lines:
        if line <= len(parts):
            parts[line - 1] = b""
    return b"\n".join(parts)


def hits_in(content: bytes, name: str, pattern: re.Pattern[bytes], texts: re.Pattern[str]) -> int:
    """How often a pattern is found in what a file holds once it is unpacked, and in its stored bytes."""
    found = len(pattern.findall(content))
    with suppress(UnreadableFileError, pa.ArrowException, OSError, ValueError, zipfile.BadZipFile, EOFError):
        source = _source(content, name)
        if content[:4] == b"PAR1":
            return found + sum(len(texts.findall(text)) for text in texts_of(pq.read_table(io.BytesIO(content))))
        if compression(content[:8]):
            with source.content() as handle:
                found += len(pattern.findall(handle.read()))
    return found


def _source(content: bytes, name: str) -> InputFile:
    """The file as the readers take it, in memory."""
    return InputFile(_Memory(content), name, name.rpartition("/")[2], len(content), None)


class _Memory:
    """What InputFile asks of a file system, of one file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, _path: str, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def _unpacked(content: bytes, name: str) -> bytes:
    with _source(content, name).content() as handle:
        return handle.read()


def _packed(before: bytes, inner: bytes) -> bytes:
    kind = compression(before[:8])
    if kind is None:
        return inner
    if kind != "zip":
        return _WRITERS[kind](inner)
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(before)) as old, zipfile.ZipFile(written, "w") as new:
        for info in old.infolist():
            is_data = not info.is_dir() and info.file_size and not info.filename.startswith("__MACOSX/")
            new.writestr(info, inner if is_data else old.read(info), compress_type=info.compress_type)
    return written.getvalue()


def _rows(content: bytes, name: str) -> Iterator[tuple[int, object]]:
    """(line, row) of every row, parsed or not; rows that hold nothing at all are none."""
    source = _source(content, name)
    kind = container_of(source)
    with source.content() if kind == "parquet" else source.text() as stream:
        for block in _blocks(kind, stream, source.size):
            told: list[tuple[int, object]] = [
                (line, row if any(value is not None for value in row.values()) else _NO_ROW)
                for line, row in zip(block.lines, block.rows, strict=True)
            ]
            told += [(bad.line, (bad.reason, bad.raw, bad.size)) for bad in block.bad]
            yield from sorted(((line, row) for line, row in told if row is not _NO_ROW), key=lambda one: one[0])


def _blocks(kind: str, stream: Any, size: int) -> Iterator[RowBlock]:
    if kind == "jsonl":
        lines = read_lines(stream, block_bytes=_BLOCK, max_line_bytes=_ROW)
        return (parse_lines(one, _ROW) for one in lines)
    if kind == "csv":
        return csv_blocks(stream, block_bytes=_BLOCK, max_row_bytes=_ROW)
    return parquet_blocks(stream, size=size, block_bytes=_BLOCK, max_row_bytes=_ROW)


def _lines_of_records(content: bytes, name: str, lines: set[int]) -> set[int]:
    """All lines of the records of a CSV that begin on the given ones: up to where the next one begins."""
    begins = [line for line, _ in _rows(content, name)]
    last = _unpacked(content, name).count(b"\n") + 1
    following = dict(zip(begins, [*begins[1:], last + 1], strict=True))
    if missing := lines - following.keys():
        raise NotSureError(f"{len(missing)} of the rows do not begin where they should")
    return {line for first in lines for line in range(first, following[first])}


def _without_rows(content: bytes, lines: set[int]) -> bytes:
    table = pq.read_table(io.BytesIO(content))
    mask = pa.array([number in lines for number in range(1, len(table) + 1)])
    columns = [pc.if_else(mask, pa.scalar(None, column.type), column) for column in table.columns]
    fields = [field.with_nullable(True) for field in table.schema]
    written = io.BytesIO()
    pq.write_table(pa.table(columns, schema=pa.schema(fields, table.schema.metadata)), written, **PARQUET)
    return written.getvalue()


def _require_same(before: bytes, after: bytes, name: str, lines: set[int]) -> None:
    """Raise NotSureError unless all rows but these are as they were, on the lines where they were, and these are gone."""
    kept = ((line, row) for line, row in _rows(before, name) if line not in lines)
    nothing_left = after[:4] != b"PAR1" and not _unpacked(after, name).strip()
    for old, new in zip_longest(kept, () if nothing_left else _rows(after, name)):
        if repr(old) != repr(new):  # two nan are one value here
            raise NotSureError("another row would change")
