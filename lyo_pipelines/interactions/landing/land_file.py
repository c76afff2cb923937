"""One input file into the lake: whole or nothing, once, every row accounted for.

Order of a landing: everything is written under `lake/staging`, then moved to its place, then the ledger entry is written; a landing
counts only with its entry. Killed before it, the next run does the file again and replaces what lies there.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.images.references import files_at
from lyo_pipelines.images.store import image_path
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import FileSpec
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.fields.declared import Declared
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.fields.mapping_files import MappingFiles
from lyo_pipelines.interactions.fields.times import microseconds
from lyo_pipelines.interactions.formats.registry import settings_of
from lyo_pipelines.interactions.landing.file_names import input_name
from lyo_pipelines.interactions.landing.report import LandingReport, report_of
from lyo_pipelines.interactions.landing.stage import commit_file, landing_lock, stage_file, staging_folder
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.beside import Beside
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.store.key_fingerprint import require_key
from lyo_pipelines.interactions.store.landed_parts import FEEDBACK, LANDING, part_damage, parts_of_day
from lyo_pipelines.interactions.store.ledger import LedgerEntry, read_entry
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


def land_file(
    lake: Lake,
    path: str,
    *,
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    format: str = "auto",
    mapping: Mapping | None = None,
    now: datetime | None = None,
    fs: Any | None = None,
) -> LandingReport:
    """Land one file (local path or fsspec URL); landed before with the same reading, it changes nothing.

    fs: the file system in which `path` is a plain path, whatever signs of a URL stand in it. Without `mapping` the file's own is
    looked for (mapping_files.py). now: events later than it (plus the clock skew of the configuration) are rejected. A file that
    cannot be read at all comes back as a report with `unreadable`; nothing of it is in the lake then.
    """
    path = str(path)
    with landing_lock(lake), lake.full_disk_explained():
        name, file_hash = input_name(path, pseudonyms), ""
        require_key(lake, pseudonyms)
        try:
            source = InputFile.at(path, fs)
            file_hash = source.sha256()
            mapping = mapping_for(lake, path, format, mapping)
            spec = file_spec(source, file_hash, pseudonyms, config, format=format, mapping=mapping, now=now)
            return _land(lake, source, spec, name)
        except (UnreadableFileError, MappingError) as error:
            return LandingReport(file_hash, name, format, unreadable=str(error))


def mapping_for(lake: Lake, path: str, format: str, given: Mapping | None) -> Mapping | None:
    """The mapping that a file is read by, unless one of the package fits: what is given, else the file's own. Raises MappingError."""
    if given is None:
        found = MappingFiles(lake).find(path) if format in ("auto", "flat") else None
        return found.parse() if found else None
    if format not in ("auto", "flat"):
        raise MappingError(f"a mapping is for flat files; format {format} has none: leave one of them out")
    return given


def file_spec(
    source: InputFile,
    file_hash: str,
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    *,
    format: str,
    mapping: Mapping | None,
    now: datetime | None,
) -> FileSpec:
    """How a file is to be read."""
    earliest, latest = time_bounds(config, now)
    declared = Declared.of(config, source.name)
    return FileSpec(
        file_hash, format, mapping, config, pseudonyms, source.time, earliest, latest,
        declared=declared, beside=Beside.of(source),
    )  # fmt: skip


def time_bounds(config: InteractionsConfig, now: datetime | None) -> tuple[int, int]:
    """Earliest and latest acceptable time, in microseconds since 1970; what retention would take away again is too early."""
    earliest = config.earliest
    if config.keep_days is not None and now is not None:
        earliest = max(earliest, now.astimezone(UTC).date() - timedelta(days=config.keep_days))
    latest = datetime(2200, 1, 1, tzinfo=UTC) if now is None else now + timedelta(hours=config.clock_skew_hours)
    return microseconds(datetime.combine(earliest, time(), UTC)), microseconds(latest)


def reading_digest(format: str, mapping: Mapping | None, *settings: str) -> str:
    """Identifies how a file is read: the format asked for, its mapping, and the settings that decide what its rows mean."""
    said = "\n".join([format, "" if mapping is None else mapping.model_dump_json(), *filter(None, settings)])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def reading_of(spec: FileSpec, read_as: str) -> str:
    """The digest for a file that was found to be of a format: changed settings of it are another reading of the same bytes."""
    by_format, settings = Declared.of(spec.config, read_as), settings_of(read_as, spec.config)
    return reading_digest(spec.format, spec.mapping, str(spec.declared), str(by_format), settings)


def _lies_there(lake: Lake, entry: LedgerEntry) -> bool:
    """Whether all that a file brought is in the lake as it landed: what is damaged there is mended by landing the file anew."""
    stage = LANDING if entry.rows == "interactions" else FEEDBACK
    for day in map(date.fromisoformat, entry.days):
        parts = [part for part in parts_of_day(lake, day) if part.file_hash == entry.file_hash]
        if any(part_damage(lake, part, deep=True) for part in parts):
            return False
        # a lake from before remembers no parts; feedback may have been replaced by a later full export
        if not parts and stage == LANDING and not lake.exists(f"{lake.landing_dir(day)}/{entry.file_hash}.parquet"):
            return False
        paths = (f"{lake.landing_dir(day)}/{part.file_hash}.parquet" for part in parts if part.stage == LANDING)
        if not all(lake.exists(image_path(lake, file)) for path in paths for file in files_at(lake, path)):
            return False
    return True


def _land(lake: Lake, source: InputFile, spec: FileSpec, name: str) -> LandingReport:
    try:
        before = read_entry(lake, spec.file_hash)
    except DamagedFileError:  # the file itself is at hand: its entry is made anew
        before = None
    if (
        before is not None
        and before.reading == reading_of(spec, before.format)
        and not before.range_moved(spec.earliest, spec.latest)
        and _lies_there(lake, before)
    ):
        return report_of(before, (), already=True)
    with staging_folder(lake, spec.file_hash) as folder:
        with Reading(source, spec) as opened:
            staged = stage_file(lake, opened, spec, name, folder)
        after = InputFile.at(source.path, source.fs)
        if (after.size, after.mtime) != (source.size, source.mtime):
            raise UnreadableFileError("it changed while it was read: it is read again once it is complete")
        return commit_file(lake, staged, reading_of(spec, staged.format), full_export=spec.declared.full)
