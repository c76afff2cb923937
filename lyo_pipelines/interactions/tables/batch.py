"""Rows of a table as they come from its server to converted blocks: only new rows, as many as one landing takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lyo_pipelines.interactions.conversion.blocks import format_for, ignored_fields
from lyo_pipelines.interactions.conversion.converter import Converted, Converter, FileSpec
from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.formats.detect import DetectedFormat
from lyo_pipelines.interactions.formats.mapping_gaps import Gap, gaps_of
from lyo_pipelines.interactions.formats.row_format import RowFormat
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import Lines
from lyo_pipelines.interactions.tables.new_rows import UNMARKED, Walk
from lyo_pipelines.interactions.tables.server import RawRow
from lyo_pipelines.interactions.tables.watermarks import Watermark

_SINGLE_MESSAGES = (
    "its rows are single messages, and what is new holds only a part of a conversation: let `query` put those of a conversation into "
    "one row, with json_agg(json_build_object('role', …, 'content', …) order by …) as messages"
)


class NewRows:
    """The rows of one reading that were not landed before, chunk by chunk. `walk` tells how far it came with what was taken."""

    def __init__(self, chunks: Iterator[list[RawRow]], walk: Walk, scale: Watermark, key: str) -> None:
        self.walk = walk
        self.met = 0
        self._chunks, self._scale, self._key = chunks, scale, key.encode()

    def __iter__(self) -> Iterator[list[RawRow]]:
        for chunk in self._chunks:
            self.met += len(chunk)
            new = self.walk.fresh(self._positions(chunk), self._digests(chunk), [row[1] for row in chunk])
            if new.any():
                yield [row for row, fresh in zip(chunk, new.tolist(), strict=True) if fresh]

    def _positions(self, chunk: list[RawRow]) -> np.ndarray:
        marks = [row[1] for row in chunk if row[1] is not None]
        if not marks:
            return np.full(len(chunk), UNMARKED)
        if self._scale.kind in ("uuid7", "text"):
            return np.array(self._scale.positions(marks, self.walk.place), np.int64)
        return np.array([row[0] for row in chunk], np.int64)

    def _digests(self, chunk: list[RawRow]) -> np.ndarray:
        """Keyed, because a digest of a whole row could be guessed; of a row that is too long, its key, watermark and length."""
        start, digests = hashlib.blake2b(key=self._key, digest_size=8), []
        for _, mark, key, row, size in chunk:
            hasher = start.copy()
            hasher.update((row if row is not None else f"{mark}\n{key}\n{size}").encode("utf-8", "surrogatepass"))
            digests.append(hasher.digest())
        return np.frombuffer(b"".join(digests), "<u8")


class TableBatch:
    """Up to `rows` new rows (the chunk that reaches it is taken whole), as a landing wants them."""

    def __init__(
        self, first: list[RawRow], more: Iterator[list[RawRow]], spec: FileSpec, found: str, rows: int
    ) -> None:
        sample = block_of(first, 1, spec.config.max_row_bytes).rows
        told = DetectedFormat(spec.format, found, spec.mapping) if found else format_for(spec, sample)
        if told.format == "single_messages" or (told.mapping is not None and told.mapping.messages is not None):
            raise UnreadableFileError(_SINGLE_MESSAGES)
        self.spec = replace(spec, format=told.format, mapping=told.mapping)
        self.found = told.why
        self.ignored_fields = ignored_fields(told.format, sample)
        self.gaps: Sequence[Gap] = gaps_of(told.mapping, sample) if told.mapping is not None else []
        self._converter = Converter(self.spec)
        self._first, self._more, self._rows = first, more, rows

    @property
    def row_format(self) -> RowFormat:
        """The format the rows are read as."""
        return self._converter.row_format

    def converted(self) -> Iterator[Converted]:
        """The rows, converted; lines count from 1 in each batch."""
        chunk, taken = self._first, 0
        while chunk is not None:
            yield self._converter.block(block_of(chunk, taken + 1, self.spec.config.max_row_bytes))
            taken += len(chunk)
            chunk = next(self._more, None) if taken < self._rows else None


def block_of(chunk: list[RawRow], first: int, max_row_bytes: int) -> RowBlock:
    """Rows as the JSON reader gives them; one that is too long is a row that could not be read."""
    # a line feed in JSON stands between values only (a `json` column keeps the spaces it was written with)
    lines = [b"" if row[3] is None else _line(row[3]) for row in chunk]
    block = parse_lines(Lines(first, b"\n".join(lines)), max_row_bytes)
    for number, (_, _, key, row, size) in enumerate(chunk, first):
        if row is None:
            detail = f"{size} bytes; the limit is interactions.max_row_bytes"
            block.bad.append(BadRow(number, "row_too_long", detail, str(key).encode(), size))
    return block


def _line(row: str) -> bytes:
    return row.replace("\n", " ").replace("\r", " ").encode("utf-8", "surrogatepass")
