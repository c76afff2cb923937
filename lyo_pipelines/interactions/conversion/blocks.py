"""From a file to converted blocks: container and format are found here, or obeyed when they are given."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, islice
from zoneinfo import ZoneInfo

from lyo_pipelines.interactions.chats.pictures import SHOWN
from lyo_pipelines.interactions.contract import FEEDBACK_INPUT_FIELDS, INPUT_FIELDS
from lyo_pipelines.interactions.conversion.converter import Converted, Converter, FileSpec
from lyo_pipelines.interactions.conversion.parallel import convert_in_processes, may_start_processes
from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.fields.header_names import field_name
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.formats.chat_metadata import STATED
from lyo_pipelines.interactions.formats.detect import DetectedFormat, detect_format
from lyo_pipelines.interactions.formats.label_studio import is_flat_annotation
from lyo_pipelines.interactions.formats.mapping_gaps import Gap, gaps_of
from lyo_pipelines.interactions.formats.message_feedback import BESIDE
from lyo_pipelines.interactions.formats.ready_mappings import detect_mapping, ready_mapping, with_defaults
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.messages.columns import lacking, message_columns, shown_columns
from lyo_pipelines.interactions.messages.gathering import Gathering
from lyo_pipelines.interactions.reading.arrow_rows import arrow_blocks, parquet_blocks
from lyo_pipelines.interactions.reading.block import RowBlock
from lyo_pipelines.interactions.reading.container import container_of
from lyo_pipelines.interactions.reading.csv_rows import csv_blocks
from lyo_pipelines.interactions.reading.json_values import json_lines
from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import Lines, read_lines
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.personal import is_field_name

_LIKE_FEEDBACK = re.compile(
    r"(?i)rating|feedback|thumb|star(?:s|_|$)|score|vote|reaction|complaint|helpful|(?:^|_)(?:dis)?like[sd]?(?:_|$)|satisf"
)


_LOOKED_AT = 2_000
"""Rows of single messages that are put together for `sample`."""


class Reading:
    """An opened file: its format and how that was found, the fields that nobody asked for, what its mapping asks for in vain (`gaps`),
    its first rows as its format takes them (`sample`), its converted blocks. `cut`: not all of it was read. `message_times`: where
    single messages say their time. A context manager.
    """

    def __init__(self, source: InputFile, spec: FileSpec, most_rows: int = sys.maxsize) -> None:
        """Open a file. most_rows: where its rows must be put together, how many are read (to the end of a block)."""
        self._stack = ExitStack()
        self._most_rows, self.cut = most_rows, False
        self.message_times: tuple[str, ...] = ()
        self._source, self._spec = source, spec
        self.ignored_fields: tuple[str, ...] = ()
        self.found = ""
        self.sample: Sequence[Row] = ()
        self.gaps: Sequence[Gap] = ()
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def row_format(self) -> RowFormat:
        """The format the rows are read as."""
        return self._converter.row_format

    @property
    def mapping(self) -> Mapping | None:
        """The mapping that the rows are read by, where one is."""
        return self._spec.mapping

    def _open(self) -> None:
        config = self._spec.config
        container = container_of(self._source)
        opened = self._source.content() if container in ("parquet", "arrow") else self._source.text()
        stream = self._stack.enter_context(opened)
        if container in ("jsonl", "json"):
            lines = (
                read_lines(stream, block_bytes=config.block_bytes, max_line_bytes=config.max_row_bytes)
                if container == "jsonl"
                else json_lines(stream, block_bytes=config.block_bytes, max_row_bytes=config.max_row_bytes)
            )
            first = list(islice(lines, 1))
            sample = parse_lines(first[0], config.max_row_bytes) if first else RowBlock()
            self._blocks: Callable[[], Iterator[Converted]] = lambda: self._from_lines(chain(first, lines))
            rows = (parse_lines(part, config.max_row_bytes) for part in chain(first, lines))
        else:
            limits = {"block_bytes": config.block_bytes, "max_row_bytes": config.max_row_bytes}
            if container == "csv":
                blocks = csv_blocks(stream, **limits, rename=field_name if self._spec.mapping is None else str)
            else:
                blocks = (
                    parquet_blocks(stream, size=self._source.size, **limits)
                    if container == "parquet"
                    else arrow_blocks(stream, **limits)
                )
            head = list(islice(blocks, 1))
            sample = head[0] if head else RowBlock()
            self._blocks = lambda: (self._converter.block(block) for block in chain(head, blocks))
            rows = chain(head, blocks)
        self.sample = sample.rows
        found = format_for(self._spec, sample.rows)
        self._spec, self.found = replace(self._spec, format=found.format, mapping=found.mapping), found.why
        self._converter = Converter(self._spec)
        self.ignored_fields = ignored_fields(self._spec.format, sample.rows)
        if (gathering := self._gathering(sample.rows)) is not None:
            self.sample = gathering.joined(sample.rows[:_LOOKED_AT])
            self._blocks = lambda: map(self._converter.block, gathering.blocks(self._looked_at(rows)))
        self.gaps = gaps_of(found.mapping, self.sample) if found.mapping is not None else []

    def _gathering(self, rows: Sequence[Row]) -> Gathering | None:
        """What puts the rows together, where each is one message."""
        spec, config = self._spec, self._spec.config
        columns = None if spec.mapping is None else spec.mapping.messages
        if spec.format == "single_messages":
            columns = message_columns(rows)
        if columns is None:
            return None
        self.message_times = () if columns.time is None else columns.time.source
        limits = {
            "most_messages": config.single_messages.most_messages,
            "history_turns": config.single_messages.history_turns,
            "buffer_bytes": config.buffer_bytes,
            "block_bytes": config.block_bytes,
        }
        named = None if spec.mapping is None else spec.mapping.timezone
        zone = ZoneInfo(named) if named else self._converter.zone
        return Gathering(columns, rows, zone=zone, **limits)

    def _looked_at(self, blocks: Iterator[RowBlock]) -> Iterator[RowBlock]:
        """The blocks of the file; for a look at its beginning no more than that."""
        read = 0
        for block in blocks:
            if read >= self._most_rows:
                self.cut = True
                return
            read += block.read
            yield block

    def _from_lines(self, lines: Iterator[Lines]) -> Iterator[Converted]:
        config = self._spec.config
        large = self._source.size >= config.parallel_from_bytes
        if large and config.workers > 1 and may_start_processes():
            return convert_in_processes(lines, self._spec, config.workers)
        return map(self._converter.lines, lines)

    def converted(self) -> Iterator[Converted]:
        """The file's blocks, converted, in order."""
        return self._blocks()


def format_for(spec: FileSpec, rows: Sequence[Row]) -> DetectedFormat:
    """The format to read by, and why. Raises UnreadableFileError when it was not given and cannot be told from the first rows."""
    if spec.format == "auto" and spec.mapping is not None:
        return DetectedFormat("flat", "a mapping", spec.mapping)
    if spec.format == "single_messages" and message_columns(rows) is None:
        why = lacking(rows) or "no columns say the conversation, whether user or assistant speaks, and the text"
        raise UnreadableFileError(f"its rows are no single messages that can be put together: {why}")
    if spec.format not in ("auto", "langfuse"):
        mapping = spec.mapping or ready_mapping(spec.format, spec.config.ready_mappings)
        return DetectedFormat(spec.format, "given", mapping)
    found = detect_format(rows)
    if spec.format == "auto" and (ready := detect_mapping(rows, found)) is not None:
        mapping, why = ready
        return DetectedFormat(mapping.name, why, with_defaults(mapping, spec.config.ready_mappings))
    if spec.format == "auto" and (found is None or found.format == "feedback"):
        columns = message_columns(rows)
        if columns is not None:
            return DetectedFormat("single_messages", shown_columns(columns))
    if found is None or (spec.format == "langfuse" and not found.format.startswith("langfuse")):
        if not rows:
            raise UnreadableFileError("no row of its beginning can be parsed")
        if is_flat_annotation(rows[0]):
            raise UnreadableFileError(
                "it looks like Label Studio's JSON-MIN or CSV, which has a row for each annotation of a task: export JSON instead, "
                "where the annotations of a task stand together"
            )
        if (missing := lacking(rows)) is not None:
            raise UnreadableFileError(
                f"each row seems to be one message of a conversation, but {missing}: say it in a mapping <file>.mapping.yaml beside "
                "it, under `messages` (`lyo mapping draft` begins one)"
            )
        names = ", ".join(sorted(map(shown_key, rows[0])))[:200]
        raise UnreadableFileError(
            f"its format cannot be told from the fields ({names}): write a mapping <file>.mapping.yaml beside it "
            "(`lyo mapping draft` begins one), or give --format"
        )
    return found


def ignored_fields(name: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """Names in the first rows that nothing asks for; of chats only those that look like feedback, which must not go unseen."""
    known = {"canonical": {*INPUT_FIELDS, *SHOWN}, "feedback": FEEDBACK_INPUT_FIELDS}.get(name)
    names = {str(key)[:80] for row in rows for key in row}
    if name in ("openai_messages", "sharegpt", "single_messages"):
        names, known = {name for name in names if _LIKE_FEEDBACK.search(name)}, {*STATED, *BESIDE}
    if known is None:
        return ()
    return tuple(sorted(map(shown_key, names - set(known))))[:50]


def shown_key(key: object) -> str:
    """The name of a field as it may be shown: a file whose keys are data must not bring them into messages."""
    return str(key) if is_field_name(str(key)) else "…"
