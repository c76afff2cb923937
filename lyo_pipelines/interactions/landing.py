"""One input file into the lake: whole or nothing, once, every row accounted for.

Order of a landing: everything is written under `lake/staging`, then moved to its place, then the ledger entry is written; a landing
counts only with its entry. Killed before it, the next run does the file again and replaces what lies there.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lyo_pipelines.config.interactions import InteractionsFigures
from lyo_pipelines.interactions.contract import FEEDBACK, LANDED
from lyo_pipelines.interactions.converter import FileSpec
from lyo_pipelines.interactions.day_writers import DayWriters, days_of
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.feedback import route_feedback, route_interactions
from lyo_pipelines.interactions.ledger import Entry, begin, landed, read_entry, write_entry
from lyo_pipelines.interactions.mapping import Mapping
from lyo_pipelines.interactions.mapping_files import MappingFiles
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.blocks import Reading
from lyo_pipelines.interactions.reading.source_file import SourceFile
from lyo_pipelines.interactions.rejected import RejectedWriter
from lyo_pipelines.interactions.repeats import find_repeats, repeat_path
from lyo_pipelines.interactions.report import LandingReport, report_of
from lyo_pipelines.interactions.scrub import Scrubber
from lyo_pipelines.interactions.staging import landing_lock, staging_folder
from lyo_pipelines.interactions.take_back import take_back
from lyo_pipelines.interactions.times import microseconds
from lyo_pipelines.storage.lake import Lake


def land_file(
    lake: Lake,
    path: str,
    *,
    pseudonyms: Pseudonyms,
    figures: InteractionsFigures,
    format: str = "auto",
    mapping: Mapping | None = None,
    now: datetime | None = None,
) -> LandingReport:
    """Land one file (local path or fsspec URL); landed before with the same reading, it changes nothing.

    Without `mapping` the file's own is looked for (mapping_files.py). now: events later than it (plus the clock skew of the figures)
    are rejected. A file that cannot be read at all comes back as a report with `unreadable`; nothing of it is in the lake then.
    """
    path = str(path)
    with landing_lock(lake), lake.full_disk_explained():
        name, file_hash = path.rstrip("/").rsplit("/", 1)[-1], ""
        try:
            source = SourceFile.at(path)
            name = Scrubber(pseudonyms, ()).text(source.name, None, emails=True)
            file_hash = source.sha256()
            if mapping is None and format in ("auto", "flat") and (found := MappingFiles(lake).find(path)):
                mapping = found.parse()
            elif mapping is not None and format not in ("auto", "flat"):
                raise MappingError(f"a mapping is for flat files; format {format} has none: leave one of them out")
            earliest, latest = _bounds(figures, now)
            spec = FileSpec(file_hash, format, mapping, figures, pseudonyms, source.time, earliest, latest)
            return _land(lake, source, spec, name)
        except (UnreadableFileError, MappingError) as error:
            return LandingReport(file_hash, name, format, unreadable=str(error))


def _bounds(figures: InteractionsFigures, now: datetime | None) -> tuple[int, int]:
    """Earliest and latest acceptable time, in microseconds since 1970."""
    latest = datetime(2200, 1, 1, tzinfo=UTC) if now is None else now + timedelta(hours=figures.clock_skew_hours)
    return microseconds(datetime.combine(figures.earliest, time(), UTC)), microseconds(latest)


def reading_digest(format: str, mapping: Mapping | None) -> str:
    """Identifies how a file is read: its format and mapping."""
    said = f"{format}\n{'' if mapping is None else mapping.model_dump_json()}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _land(lake: Lake, source: SourceFile, spec: FileSpec, name: str) -> LandingReport:
    reading = reading_digest(spec.format, spec.mapping)
    before = read_entry(lake, spec.file_hash)
    if before is not None and before.reading == reading:
        return report_of(before, (), already=True)
    with staging_folder(lake, spec.file_hash) as folder:
        staged = _stage(lake, source, spec, name, folder)
        return _commit(lake, staged, reading)


@dataclass(frozen=True)
class _Staged:
    file_hash: str
    name: str
    format: str
    rows: str
    reach_days: int
    read: int
    accepted: int
    by_reason: dict[str, int]
    days: dict[date, str]
    rejected: str | None
    ignored: tuple[str, ...]


def _stage(lake: Lake, source: SourceFile, spec: FileSpec, name: str, folder: str) -> _Staged:
    """Read the whole file into the staging folder. Raises UnreadableFileError."""
    figures = spec.figures
    with Reading(source, spec) as reading:
        shape = reading.shape
        schema, column = (FEEDBACK, "feedback_at") if shape.rows == "feedback" else (LANDED, "occurred_at")
        limits = {"buffer_bytes": figures.buffer_bytes, "max_open": figures.max_open_days}
        read = accepted = 0
        with (
            closing(DayWriters(lake, folder, schema, **limits)) as writers,
            closing(RejectedWriter(lake, f"{folder}/rejected.parquet", name, spec.file_hash)) as rejected,
        ):
            for block in reading.converted():
                read += block.read
                accepted += len(block.table)
                writers.add(block.table, days_of(block.table[column]))
                rejected.add(block.rejected)
            days, rejected_path = writers.finish(), rejected.finish()
        by_reason = dict(rejected.by_reason.most_common())
        if accepted + sum(by_reason.values()) != read:
            raise AssertionError(
                f"{name}: {read} rows read, {accepted} accepted, {sum(by_reason.values())} rejected: a row is lost"
            )
    after = SourceFile.at(source.path)
    if (after.size, after.mtime) != (source.size, source.mtime):
        raise UnreadableFileError("it changed while it was read: it is read again once it is complete")
    return _Staged(
        spec.file_hash,
        name,
        shape.name,
        shape.rows,
        figures.reach_days,
        read,
        accepted,
        by_reason,
        days,
        rejected_path,
        reading.ignored_fields,
    )


def _commit(lake: Lake, staged: _Staged, reading: str) -> LandingReport:
    """Route, move into place, and write the ledger entry last."""
    changed = take_back(lake, staged.file_hash) if begin(lake, staged.file_hash, reading) else set()
    known, applied = landed(lake), 0
    if staged.rows == "feedback":
        routed, applied = route_feedback(lake, staged.file_hash, staged.days, staged.reach_days)
        changed |= routed
    else:
        repeats = find_repeats(lake, staged.file_hash, staged.days, known, staged.reach_days)
        for day, keys in repeats.items():
            lake.write_table(keys, repeat_path(lake, day, staged.file_hash))
        changed |= set(repeats) | set(staged.days) | route_interactions(lake, staged.days, known, staged.reach_days)
    for day, path in staged.days.items():
        target = (
            lake.landing_dir(day) if staged.rows == "interactions" else lake.path("feedback", f"date={day.isoformat()}")
        )
        lake.move(path, f"{target}/{staged.file_hash}.parquet")
    if staged.rejected:
        lake.move(staged.rejected, lake.rejected(staged.file_hash))
    is_feedback = staged.rows == "feedback"
    entry = Entry(
        file_hash=staged.file_hash,
        name=staged.name,
        format=staged.format,
        rows=staged.rows,
        reading=reading,
        read=staged.read,
        accepted=staged.accepted,
        rejected=staged.read - staged.accepted,
        rejected_by_reason=staged.by_reason,
        days=[day.isoformat() for day in staged.days],
        feedback_read=staged.read if is_feedback else 0,
        feedback_applied=applied,
        feedback_pending=staged.accepted - applied if is_feedback else 0,
        ignored_fields=list(staged.ignored),
    )
    write_entry(lake, entry)
    return report_of(entry, tuple(sorted(changed)), already=False)
