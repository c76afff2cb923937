"""What landing a file would do, found out by reading it the same way; nothing is written anywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import FileSpec
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.fields.notes import Notes
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.landing.land_file import file_spec, mapping_for, reading_digest
from lyo_pipelines.interactions.preview.field_sources import FieldSource, field_sources
from lyo_pipelines.interactions.preview.tally import Tally
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.store.ledger import read_entry
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class FilePreview:
    """A file as it would land. rows: the first accepted rows as they would be. again: whether it landed before in the same way.

    unreadable: why nothing of it can be read, or None; then there is nothing else.
    """

    name: str
    format: str
    found: str = ""
    kind: Literal["interactions", "feedback"] = "interactions"
    read: int = 0
    accepted: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    examples_of_reasons: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    fields: tuple[FieldSource, ...] = ()
    ignored_fields: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()
    tally: Tally = field(default_factory=Tally)
    again: bool = False
    unreadable: str | None = None

    @property
    def rejected(self) -> int:
        """How many rows would be kept in lake/rejected."""
        return sum(self.rejected_by_reason.values())


def preview_file(
    lake: Lake,
    path: str,
    *,
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    format: str = "auto",
    mapping: Mapping | None = None,
    now: datetime | None = None,
    show: int = 5,
) -> FilePreview:
    """Read a file as `land_file` would with the same arguments, and say what would become of it. show: how many rows to keep."""
    name = Scrubber(pseudonyms, ()).text(path.rstrip("/").rsplit("/", 1)[-1], None, emails=True)
    try:
        source = InputFile.at(path)
        mapping = mapping_for(lake, path, format, mapping)
        spec = file_spec(source, source.sha256(), pseudonyms, config, format=format, mapping=mapping, now=now)
        before = read_entry(lake, spec.file_hash)
        again = before is not None and before.reading == reading_digest(spec.format, spec.mapping)
        with Reading(source, spec) as opened:
            return _preview(opened, spec, name, show, again=again)
    except (UnreadableFileError, MappingError) as error:
        return FilePreview(name, format, unreadable=str(error))


def _preview(opened: Reading, spec: FileSpec, name: str, show: int, *, again: bool) -> FilePreview:
    row_format = opened.row_format
    column = "feedback_at" if row_format.rows == "feedback" else "occurred_at"
    reasons: Counter[str] = Counter()
    examples: dict[str, str] = {}
    tally, notes, rows, read = Tally(), Notes(), [], 0
    for block in opened.converted():
        read += block.read
        tally.add(block.table, column)
        notes.update(block.notes)
        for record in block.rejected:
            reasons[record["reason"]] += 1
            examples.setdefault(record["reason"], f"line {record['line']}: {record['detail']}")
        if len(rows) < show:
            rows += block.table.slice(0, show - len(rows)).to_pylist()
    return FilePreview(
        name=name,
        format=row_format.name,
        found=opened.found,
        kind=row_format.rows,
        read=read,
        accepted=tally.rows,
        rejected_by_reason=dict(reasons.most_common()),
        examples_of_reasons=examples,
        notes=dict(notes.most_common()),
        fields=tuple(field_sources(opened, tally.filled)),
        ignored_fields=opened.ignored_fields,
        rows=tuple(rows),
        tally=tally,
        again=again,
    )
