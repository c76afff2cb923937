"""CSV and TSV to rows, streaming; a record may span lines and is numbered by its first."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.interactions.reading.lines import read_lines

_ROWS = 8_192
_KEPT = 1 << 20
_DELIMITERS = ",;\t|"


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


def csv_blocks(stream: IO[bytes], *, block_bytes: int, max_row_bytes: int) -> Iterator[RowBlock]:
    """Yield blocks of rows as {column: text}; an empty cell is None. The delimiter is the most frequent one of the header.

    Raises UnreadableFileError when there is no usable header.
    """
    feed = _Feed(stream, block_bytes, max_row_bytes)
    source = iter(feed)
    first = next(source, "")
    delimiter = max(_DELIMITERS, key=first.count)
    feed.start()
    try:
        header = next(csv.reader([first], delimiter=delimiter))
    except (csv.Error, StopIteration) as error:
        raise UnreadableFileError(f"the CSV header cannot be read: {error}") from error
    header = [name.strip() for name in header]
    if len(set(header)) != len(header) or not all(header):
        raise UnreadableFileError("the CSV header has empty or repeated column names")
    csv.field_size_limit(max(max_row_bytes, 131_072))
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    block, held = RowBlock(), 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            block.bad.append(_bad(feed.record[:1], "broken_csv", str(error)))
            feed.start(again=True)  # a stray quote must not swallow the rows after it
            reader = csv.reader(iter(feed), delimiter=delimiter, strict=True)
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


def _add(block: RowBlock, header: list[str], cells: list[str], feed: _Feed, limit: int) -> None:
    if not cells:
        return
    if feed.size > limit:
        block.bad.append(
            _bad(feed.record, "row_too_long", f"{feed.size} bytes; the limit is interactions.max_row_bytes")
        )
    elif len(cells) != len(header):
        block.bad.append(
            _bad(feed.record, "wrong_number_of_cells", f"expected {len(header)} cells, found {len(cells)}")
        )
    elif not all(map(_valid, cells)):
        block.bad.append(_bad(feed.record, "broken_utf8", "the row is not valid UTF-8"))
    else:
        block.rows.append({name: cell or None for name, cell in zip(header, cells, strict=True)})
        block.lines.append(feed.first)


def _valid(cell: str) -> bool:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _bad(record: list[tuple[int, bytes, int]], reason: str, detail: str) -> BadRow:
    raw = b"\n".join(line for _, line, _ in record)[:_KEPT]
    return BadRow(record[0][0], reason, detail, raw, sum(size for _, _, size in record))
