"""What landing a file would do, found out by reading its beginning the same way; nothing is written anywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.faults import fault_report
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import Converted, FileSpec
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.fields.notes import Notes
from lyo_pipelines.interactions.formats.mapping_gaps import open_gaps
from lyo_pipelines.interactions.landing.file_names import input_name
from lyo_pipelines.interactions.landing.land_file import file_spec, mapping_for, reading_of
from lyo_pipelines.interactions.landing.stop_ratings import REASON, StoppedRatings, off_scale_note, without_ratings
from lyo_pipelines.interactions.preview.field_sources import FieldSource, field_sources
from lyo_pipelines.interactions.preview.tally import Tally
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.store.ledger import read_entry
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.storage.lake import Lake

ROWS = 5_000
"""How many rows are looked at, to the end of the block in which the last of them stands."""
_HASHED_BYTES = 1 << 28
"""Larger files are not hashed: whether they landed before is not said then."""


@dataclass(frozen=True)
class FilePreview:
    """A file as it would land. rows: the first accepted rows as they would be. again: whether it landed before in the same way.

    whole: whether it was read to its end; else everything is about its first `read` rows. ready: whether `format` names a mapping of
    the package. unreadable: why nothing of it can be read, or None; then there is nothing else. fault: as in LandingReport.
    """

    name: str
    format: str
    found: str = ""
    kind: Literal["interactions", "feedback"] = "interactions"
    ready: bool = False
    whole: bool = True
    read: int = 0
    accepted: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    examples_of_reasons: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    fields: tuple[FieldSource, ...] = ()
    ignored_fields: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()
    tally: Tally = field(default_factory=Tally)
    again: bool = False
    unreadable: str | None = None
    fault: str = ""

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
    rows: int = ROWS,
) -> FilePreview:
    """Read the first `rows` rows of a file as `land_file` would with the same arguments, and say what would become of them.

    show: how many rows to keep. Whatever goes wrong with the file is in the preview; an OSError of the lake passes.
    """
    name = input_name(path, pseudonyms)
    try:
        source = InputFile.at(path)
        mapping = mapping_for(lake, path, format, mapping)
        file_hash = source.sha256() if source.size <= _HASHED_BYTES else ""
        here = config.model_copy(update={"workers": 1})  # a few blocks are not worth processes
        spec = file_spec(source, file_hash, pseudonyms, here, format=format, mapping=mapping, now=now)
        before = read_entry(lake, file_hash) if file_hash else None
        again = before is not None and before.reading == reading_of(spec, before.format)
        with Reading(source, spec, rows) as opened:
            return _preview(opened, spec, name, show, rows, again=again)
    except (UnreadableFileError, MappingError) as error:
        return FilePreview(name, format, unreadable=str(error))
    except OSError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}, which nobody foresaw: a fault of lyo_pipelines. Please report it"
        return FilePreview(name, format, unreadable=why, fault=fault_report(error))


class _Seen:
    """What was converted so far, with its ratings and without them: which of both counts is known at the end."""

    def __init__(self, show: int) -> None:
        self.read = 0
        self.off_scale = ""
        self.notes = Notes()
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._rated, self._unrated = Tally(show), Tally(show)
        self._stopped = StoppedRatings()

    def add(self, block: Converted) -> None:
        self.read += block.read
        self.notes.update(block.notes)
        self.off_scale = self.off_scale or block.off_scale
        for record in block.rejected:
            self._reject(record["reason"], f"line {record['line']}: {record['detail']}")
        self._rated.add(block.table)
        self._unrated.add(without_ratings(block.table, self._stopped, ""))

    def _reject(self, reason: str, example: str) -> None:
        self._reasons[reason] += 1
        self._examples.setdefault(reason, example)

    def counted(self) -> tuple[Tally, Counter[str], dict[str, str]]:
        """What is accepted, and reasons against the others with their counts and with an example of each."""
        if not self.off_scale:
            return self._rated, self._reasons, self._examples
        self.notes[off_scale_note(self.off_scale)] = self._stopped.ratings
        for record in self._stopped.rejected:
            self._reject(REASON, f"line {record['line']}: {self.off_scale}")
        return self._unrated, self._reasons, self._examples


def _preview(opened: Reading, spec: FileSpec, name: str, show: int, limit: int, *, again: bool) -> FilePreview:
    row_format = opened.row_format
    seen, whole = _Seen(show), True
    blocks = opened.converted()
    for block in blocks:
        seen.add(block)
        if seen.read >= limit:
            whole = next(blocks, None) is None
            break
    whole = whole and not opened.cut
    tally, reasons, examples = seen.counted()
    return FilePreview(
        name=name,
        format=row_format.name,
        found=opened.found,
        kind=row_format.rows,
        ready=spec.mapping is None and opened.mapping is not None,
        whole=whole,
        read=seen.read,
        accepted=tally.rows,
        rejected_by_reason=dict(reasons.most_common()),
        examples_of_reasons=examples,
        notes=dict(seen.notes.most_common()),
        gaps=tuple(open_gaps(opened.gaps, tally.filled)),
        fields=tuple(field_sources(opened, tally.filled)),
        ignored_fields=opened.ignored_fields,
        rows=tuple(tally.shown),
        tally=tally,
        again=again,
    )
