"""CSV and TSV to rows, streaming; a record may span lines and is numbered by its first."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import IO, cast

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.interactions.reading.csv_layout import (
    HEAD,
    CsvHeader,
    OldMacLines,
    Rejoined,
    csv_header,
    csv_layout,
)
from lyo_pipelines.interactions.reading.empty_cells import row_of_cells
from lyo_pipelines.interactions.reading.lines import read_lines

_ROWS = 8_192
_KEPT = 1 << 20


class _Feed:
    """Hands the reader one line at a time and remembers which lines its current record consumed."""

    def __init__(self, stream: IO[bytes], block_bytes: int, max_row_bytes: int) -> None:
        self._lines = _numbered(stream, block_bytes, max_row_bytes)
        self._again: list[tuple[int, bytes, int]] = []
        self.record: list[tuple[int, bytes, int]] = []

    def __iter__(self) -> Iterator[str]:
        while (line := self._again.pop() if self._again else next(self._lines, None)) is not None:
            self.record.append(line)
            yield line[1].decode("utf-8", "surrogateescape") + "\n"

    @property
    def first(self) -> int:
        """Number of the record's first line."""
        return self.record[0][0]

    @property
    def size(self) -> int:
        """Bytes of the record."""
        return sum(line[2] for line in self.record)

    def start(self, *, again: bool = False) -> None:
        """Begin a new record; `again`: at the second line of this one, whose first was broken."""
        if again:
            self._again.extend(reversed(self.record[1:]))
        self.record = []


def _numbered(stream: IO[bytes], block_bytes: int, limit: int) -> Iterator[tuple[int, bytes, int]]:
    for lines in read_lines(stream, block_bytes=block_bytes, max_line_bytes=limit):
        if lines.too_long:
            yield lines.first, lines.data, lines.too_long
            continue
        for number, line in enumerate(lines.data.split(b"\n"), lines.first):
            yield number, line.removesuffix(b"\r"), len(line)


def csv_blocks(
    stream: IO[bytes], *, block_bytes: int, max_row_bytes: int, rename: Callable[[str], str] = str
) -> Iterator[RowBlock]:
    """Yield blocks of rows as {column: text}; an empty cell, or one that holds a word for nothing (empty_cells.py), is None.

    The delimiter is the one that cuts the first records best, or that a first line `sep=;` names. Raises UnreadableFileError when
    there is no usable header. rename: from a name of the header to that of the column.
    """
    csv.field_size_limit(max(max_row_bytes, 131_072))
    head = _beginning(stream)
    layout = csv_layout(head)
    whole = cast("IO[bytes]", Rejoined(head, stream))
    feed = _Feed(cast("IO[bytes]", OldMacLines(whole)) if layout.old_mac else whole, block_bytes, max_row_bytes)
    source = iter(feed)
    if layout.said:
        next(source, None)
        feed.start()
    reader = csv.reader(source, delimiter=layout.delimiter, strict=True)
    header = _header(reader, feed, rename)
    block, held = RowBlock(), 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            block.bad.append(_bad(feed.record[:1], "broken_csv", str(error)))
            feed.start(again=True)  # a stray quote must not swallow the rows after it
            reader = csv.reader(iter(feed), delimiter=layout.delimiter, strict=True)
            continue
        if cells is None:
            break
        held += feed.size
        _add(block, header, cells, feed, max_row_bytes)
        feed.start()
        if block.read >= _ROWS or held >= block_bytes:
            yield block
            block, held = RowBlock(), 0
    if block.read:
        yield block


def _beginning(stream: IO[bytes]) -> bytes:
    head = b""
    while len(head) < HEAD and (more := stream.read(HEAD - len(head))):
        head += more
    return head


def _header(reader: Iterator[list[str]], feed: _Feed, rename: Callable[[str], str]) -> CsvHeader:
    """The first record that holds anything; a name may span lines."""
    try:
        cells = next((cells for cells in reader if any(cell.strip() for cell in cells)), [])
    except csv.Error as error:
        raise UnreadableFileError(f"the CSV header cannot be read: {error}") from error
    feed.start()
    return csv_header(cells, rename)


def _add(block: RowBlock, header: CsvHeader, cells: list[str], feed: _Feed, limit: int) -> None:
    if not cells:
        return
    names = header.names
    if feed.size > limit:
        block.bad.append(
            _bad(feed.record, "row_too_long", f"{feed.size} bytes; the limit is interactions.max_row_bytes")
        )
        return
    if len(cells) != len(names):
        cells = _fitted(cells, header)
    if len(cells) != len(names):
        detail = (
            f"expected {len(names)} cells, found {len(cells)}: is a cell with a delimiter or a quote in it not quoted?"
        )
        block.bad.append(_bad(feed.record, "wrong_number_of_cells", detail))
    elif not all(map(_valid, cells)):
        detail = "the row is not valid UTF-8: save the file as UTF-8"
        block.bad.append(_bad(feed.record, "broken_utf8", detail))
    else:
        row = row_of_cells(names, cells, block.notes)
        for place in header.unnamed:
            if row[names[place]] is None:
                del row[names[place]]
        block.rows.append(row)
        block.lines.append(feed.first)


def _fitted(cells: list[str], header: CsvHeader) -> list[str]:
    """Cells as many as the header's, where only empty ones are too many, and only ones without a name are missing."""
    size = len(header.names)
    if len(cells) > size and not any(cell.strip() for cell in cells[size:]):
        return cells[:size]
    if len(cells) < size and header.unnamed.issuperset(range(len(cells), size)):
        return cells + [""] * (size - len(cells))
    return cells


def _valid(cell: str) -> bool:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _bad(record: list[tuple[int, bytes, int]], reason: str, detail: str) -> BadRow:
    raw = b"\n".join(line for _, line, _ in record)[:_KEPT]
    return BadRow(record[0][0], reason, detail, raw, sum(size for _, _, size in record))
