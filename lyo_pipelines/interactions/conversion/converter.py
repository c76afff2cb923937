"""Everything between a block of an input file and what is written: parse, take the format, convert, explain. It touches no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pyarrow as pa

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.images.normalise import LandedImage
from lyo_pipelines.interactions.contract import FEEDBACK, LANDED
from lyo_pipelines.interactions.conversion.columnar import gather_clean
from lyo_pipelines.interactions.conversion.feedback import feedback_table
from lyo_pipelines.interactions.conversion.findings import Findings
from lyo_pipelines.interactions.conversion.images import take_images
from lyo_pipelines.interactions.conversion.interactions import ConversionContext, interaction_table, landed_table
from lyo_pipelines.interactions.conversion.rejected import RejectedRecord, refused_rows, unparsed_rows
from lyo_pipelines.interactions.conversion.tell_language import tell_languages
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.declared import NOTHING, Declared
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.notes import Notes
from lyo_pipelines.interactions.fields.scales import OURS, Scale
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.formats.ready_mappings import ready_mapping
from lyo_pipelines.interactions.formats.registry import format_named
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.beside import NOWHERE, Beside
from lyo_pipelines.interactions.reading.block import RowBlock
from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import Lines
from lyo_pipelines.json_types import RawRow

_FAST_BYTES = 1 << 28
"""Arrow's reader takes a block whole; one beyond this (a huge row) is read line by line."""

UNFORESEEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, pa.ArrowException)
"""Errors that data can cause where no check foresaw them. Errors of the disk or of memory are not among them."""


@dataclass(frozen=True)
class RowIds:
    """Where interactions without an id of their own get one: `<prefix>:<value of the column>`."""

    prefix: str
    column: str


@dataclass(frozen=True)
class FileSpec:
    """All that is known of a file before its rows are converted; plain values, so that it can go to another process."""

    file_hash: str
    format: str
    mapping: Mapping | None
    config: InteractionsConfig
    pseudonyms: Pseudonyms
    file_time: str | None
    earliest: int
    latest: int
    ids: RowIds | None = None
    declared: Declared = NOTHING
    beside: Beside = NOWHERE


@dataclass(frozen=True)
class Converted:
    """A converted block.

    table: accepted rows (LANDED or FEEDBACK). rejected: records of the others. read: how many rows there were. notes, off_scale: as in
    Findings. images: the pictures that accepted rows name.
    """

    table: pa.Table
    rejected: list[RejectedRecord]
    read: int
    notes: Notes = field(default_factory=Counter)
    off_scale: str = ""
    images: dict[str, LandedImage] = field(default_factory=dict)


class Converter:
    """Converts the blocks of one file."""

    def __init__(self, spec: FileSpec) -> None:
        self._spec = spec
        declared, by_format = spec.declared, Declared.of(spec.config, spec.format)
        mapping = spec.mapping or ready_mapping(spec.format, spec.config.ready_mappings)
        scale, zone = declared.scale or by_format.scale, declared.zone or by_format.zone
        if mapping is not None and mapping.timezone is None:
            mapping = mapping.model_copy(update={"timezone": zone})
        self.row_format = format_named(spec.format, spec.config, mapping, spec.file_time)
        scrubber = Scrubber(spec.pseudonyms, spec.config.identifier_keys)
        self._minimiser = Minimiser(spec.pseudonyms, scrubber, spec.config.metadata_keys)
        self._context = ConversionContext(
            file_hash=spec.file_hash,
            source=self.row_format.name,
            pseudonyms=spec.pseudonyms,
            scrubber=scrubber,
            earliest=spec.earliest,
            latest=spec.latest,
            minimiser=self._minimiser,
            name_keys=spec.config.name_keys,
            id_prefix="" if spec.ids is None else f"{spec.ids.prefix}:",
            scale=Scale(*scale) if scale else OURS,
            zone=ZoneInfo(zone) if zone else UTC,
        )
        self._as_we_write = not scale and not zone

    @property
    def zone(self) -> tzinfo:
        """Of times that name none."""
        return self._context.zone

    def lines(self, lines: Lines) -> Converted:
        """Parse and convert lines of JSON; a clean block of canonical rows goes the fast way, with the same result."""
        plain = self.row_format.name == "canonical" and self._spec.ids is None and self._as_we_write
        if plain and not lines.too_long and len(lines.data) <= _FAST_BYTES and b'"image' not in lines.data:
            gathered = gather_clean(lines.data, self._spec.config.max_row_bytes)
            if gathered is not None:
                count = len(gathered.metadata)
                numbers = range(lines.first, lines.first + count)
                table, findings = landed_table(gathered, numbers, self._context, Findings())
                if not findings.bad:
                    return Converted(table, [], count, findings.notes())
        return self.block(parse_lines(lines, self._spec.config.max_row_bytes))

    def block(self, block: RowBlock) -> Converted:
        """Convert parsed rows; every one of them is in the result, accepted or rejected."""
        if self.row_format.expand is not None:
            block = _expanded(block, self.row_format.expand)
        records = unparsed_rows(block.bad, self._spec.pseudonyms)
        rows, sources, lines = block.rows, block.rows, block.lines
        if self.row_format.convert is not None:
            rows, kept, shaped = self._shaped(block)
            if self.row_format.rows == "interactions":
                tell_languages(rows, self.row_format.language, self._spec.config.language_from_text)
            sources, lines = [block.rows[index] for index in kept], [block.lines[index] for index in kept]
            records += shaped
        if self._spec.ids is not None and self.row_format.rows == "interactions":
            rows = [_identified(row, source, self._spec.ids) for row, source in zip(rows, sources, strict=True)]
        images: dict[str, LandedImage] = {}
        if self.row_format.rows == "interactions":
            rows, images = take_images(rows, self._spec.config.images, self._spec.beside)
        table, findings = self._table(rows, lines)
        if findings.bad:
            records += self._refused(sources, lines, findings.bad)
        if len(table) + len(records) != block.read:
            raise AssertionError(f"{block.read} rows were read, {len(table)} accepted and {len(records)} rejected")
        return Converted(table, records, block.read, findings.notes() + block.notes, findings.off_scale, images)

    def _table(self, rows: list[RawRow], lines: list[int]) -> tuple[pa.Table, Findings]:
        """Rows to a table. What no check foresaw costs one row, named by its error, and never the block."""
        to_table, schema = (
            (feedback_table, FEEDBACK) if self.row_format.rows == "feedback" else (interaction_table, LANDED)
        )
        try:
            return to_table(rows, lines, self._context)
        except UNFORESEEN as error:
            if len(rows) == 1:
                return schema.empty_table(), Findings({0: RowError("unforeseen", type(error).__name__)})
            half = len(rows) // 2
            first, found = self._table(rows[:half], lines[:half])
            second, found_later = self._table(rows[half:], lines[half:])
            return pa.concat_tables([first, second]), found.followed_by(found_later, half)

    def _shaped(self, block: RowBlock) -> tuple[list[RawRow], list[int], list[RejectedRecord]]:
        """Canonical rows, the index of each in the block, and records of the others."""
        convert = self.row_format.convert
        assert convert is not None
        rows, kept, bad = [], [], {}
        for index, row in enumerate(block.rows):
            try:
                rows.append(convert(row))
                kept.append(index)
            except RowError as error:
                bad[index] = error
            except RecursionError:
                bad[index] = RowError("too_deep", "the row is nested too deeply")
            except UNFORESEEN as error:
                bad[index] = RowError("unforeseen", type(error).__name__)
        return rows, kept, self._refused(block.rows, block.lines, bad) if bad else []

    def _refused(self, rows: list[RawRow], lines: list[int], bad: dict[int, RowError]) -> list[RejectedRecord]:
        limit = self._spec.config.max_rejected_characters
        users = {index: self.row_format.user(rows[index]) for index in bad}
        return refused_rows(rows, lines, bad, users=users, minimiser=self._minimiser, limit=limit)


def _expanded(block: RowBlock, expand: Callable[[RawRow], list[RawRow]]) -> RowBlock:
    """The rows that the lines of a block stand for, each with the number of its line."""
    result = RowBlock(bad=block.bad, notes=block.notes)
    for row, line in zip(block.rows, block.lines, strict=True):
        rows = expand(row)
        result.rows += rows
        result.lines += [line] * len(rows)
    return result


def _identified(row: RawRow, source: RawRow, ids: RowIds) -> RawRow:
    key = source.get(ids.column)
    if row.get("interaction_id") not in (None, "") or key in (None, ""):
        return row
    return {**row, "interaction_id": f"{ids.prefix}:{key}"}
