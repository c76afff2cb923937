"""A landing in two steps: everything read and converted into the staging folder, then put into place, the ledger entry last.

Where the rows come from (a file, a batch of a table) is the caller's; both are `Readable`.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from filelock import FileLock

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.images.references import files_in
from lyo_pipelines.images.store import write_image
from lyo_pipelines.interactions.contract import FEEDBACK, LANDED
from lyo_pipelines.interactions.conversion.converter import Converted, FileSpec
from lyo_pipelines.interactions.conversion.rejected import RejectedWriter, split_moments
from lyo_pipelines.interactions.days.clashing_ids import (
    SCOPED,
    Clashes,
    clashes_path,
    scope_clashing_ids,
    write_clashes,
)
from lyo_pipelines.interactions.days.cross_day_duplicates import duplicates_path, find_duplicates
from lyo_pipelines.interactions.days.damage import forget_damage
from lyo_pipelines.interactions.days.feedback_routing import (
    forget_feedback,
    note_routed,
    route_feedback,
    route_interactions,
)
from lyo_pipelines.interactions.fields.notes import Notes
from lyo_pipelines.interactions.formats.mapping_gaps import Gap, filled_in, open_gaps
from lyo_pipelines.interactions.formats.row_format import RowFormat
from lyo_pipelines.interactions.landing.file_names import UserInName, digest_name
from lyo_pipelines.interactions.landing.full_exports import REPLACED, replace_earlier_exports
from lyo_pipelines.interactions.landing.report import LandingReport, report_of
from lyo_pipelines.interactions.landing.stop_ratings import off_scale_note, stop_ratings
from lyo_pipelines.interactions.store.day_writers import DayWriters, days_of
from lyo_pipelines.interactions.store.landed_parts import FEEDBACK as FEEDBACK_PARTS
from lyo_pipelines.interactions.store.landed_parts import LANDING, forget_files, note_part, noted_days
from lyo_pipelines.interactions.store.ledger import (
    LedgerEntry,
    Reached,
    begin_landing,
    landed_files,
    was_begun,
    write_entry,
)
from lyo_pipelines.interactions.store.tombstones import read_tombstones
from lyo_pipelines.private_files import narrow_folder
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.lease import leased
from lyo_pipelines.storage.rewriting import finish_rewriting

NEW_IMAGES = "pictures that were not in the lake yet"


class ConvertedSource(Protocol):
    """What can be landed: converted blocks, their format and how it was found, what a mapping asks for in vain."""

    ignored_fields: tuple[str, ...]
    found: str
    gaps: Sequence[Gap]

    @property
    def row_format(self) -> RowFormat:
        """The format the rows are read as."""
        ...

    def converted(self) -> Iterator[Converted]:
        """The blocks in order."""
        ...


@dataclass(frozen=True)
class StagedFile:
    """A landing that was read to its end and counts for nothing yet."""

    file_hash: str
    name: str
    format: str
    found: str
    rows: str
    reach_days: int
    read: int
    accepted: int
    by_reason: dict[str, int]
    days: dict[date, str]
    rejected: str | None
    ignored: tuple[str, ...]
    notes: Notes
    clashes: Clashes
    too_early: int | None = None
    too_late: int | None = None


def stage_file(lake: Lake, reading: ConvertedSource, spec: FileSpec, name: str, folder: str) -> StagedFile:
    """Read everything into the staging folder. Raises UnreadableFileError."""
    config, row_format = spec.config, reading.row_format
    schema, column = (FEEDBACK, "feedback_at") if row_format.rows == "feedback" else (LANDED, "occurred_at")
    limits = {"buffer_bytes": config.buffer_bytes, "max_open": config.max_open_days}
    read = accepted = images = 0
    notes, off_scale, filled = Notes(), "", Counter[str]()
    # the key of a table's row is its own, whatever the row holds now
    with_ids = row_format.rows == "interactions" and spec.ids is None
    keys: list[np.ndarray] = []
    user = UserInName(name, spec.pseudonyms)
    tombstones = read_tombstones(lake)
    with (
        closing(DayWriters(lake, folder, schema, **limits)) as writers,
        closing(RejectedWriter(lake, f"{folder}/rejected.parquet", name, spec.file_hash)) as rejected,
    ):
        for block in reading.converted():
            read += block.read
            table, erased = tombstones.without_erased(block.table, spec.pseudonyms)
            accepted += len(table)
            for file in sorted(files_in(table)):
                images += write_image(lake, block.images[file])
            user.look(block.table)
            writers.add(table, days_of(table[column]))
            rejected.add([*tombstones.silenced(block.rejected, spec.pseudonyms), *erased])
            notes.update(block.notes)
            if with_ids:
                keys.append(table["interaction_key"].to_numpy())
            off_scale = off_scale or block.off_scale
            if reading.gaps:
                filled.update(filled_in(table))
        days = writers.finish()
        if off_scale:
            days, stopped = stop_ratings(lake, days, off_scale, schema)
            notes[off_scale_note(off_scale)] = stopped.ratings
            rejected.add(stopped.rejected)
            accepted -= len(stopped.rejected)
        if user.found:
            name = digest_name(name, spec.file_hash)
            rejected.rename(name)
        rejected_path = rejected.finish()
    notes.update({NEW_IMAGES: images} if images else {})
    notes.update(dict.fromkeys(open_gaps(reading.gaps, filled), accepted))
    clashes = Clashes()
    if with_ids:
        clashes = scope_clashing_ids(
            lake, spec.file_hash, days, landed_files(lake),
            keys=keys, reach_days=config.reach_days, matching_key=spec.pseudonyms.matching_key("interaction_key"),
        )  # fmt: skip
        notes.update({SCOPED: clashes.rows} if clashes.rows else {})
    by_reason = dict(rejected.by_reason.most_common())
    early, late = split_moments(rejected.moments, spec.earliest)
    if accepted + sum(by_reason.values()) != read:
        raise AssertionError(
            f"{name}: {read} rows read, {accepted} accepted, {sum(by_reason.values())} rejected: a row is lost"
        )
    return StagedFile(
        spec.file_hash,
        name,
        row_format.name,
        reading.found,
        row_format.rows,
        config.reach_days,
        read,
        accepted,
        by_reason,
        days,
        rejected_path,
        reading.ignored_fields,
        notes,
        clashes,
        early,
        late,
    )


def commit_file(
    lake: Lake, staged: StagedFile, reading: str, reached: Reached | None = None, *, full_export: str | None = None
) -> LandingReport:
    """Route, move into place, write the ledger entry last. reading, reached: as in LedgerEntry; full_export: see full_exports.py."""
    begun = was_begun(lake, staged.file_hash)
    forget_files(lake, {staged.file_hash}, noted_days(lake) if begun else staged.days)
    begin_landing(lake, staged.file_hash, reading)
    changed = take_back_file(lake, staged.file_hash) if begun else set()
    known, applied = landed_files(lake), 0
    parts: list[tuple[str, date]] = [
        (LANDING if staged.rows == "interactions" else FEEDBACK_PARTS, day) for day in staged.days
    ]
    if staged.rows == "feedback":
        routed, applied = route_feedback(lake, staged.file_hash, staged.days, staged.reach_days)
        changed |= routed
    else:
        duplicates = find_duplicates(lake, staged.file_hash, staged.days, known, staged.reach_days)
        for day, keys in duplicates.items():
            lake.write_table(keys, duplicates_path(lake, day, staged.file_hash))
        changed |= (clashing := write_clashes(lake, staged.file_hash, staged.clashes))
        parts += [("repeats", day) for day in duplicates] + [("clashes", day) for day in clashing]
        changed |= set(duplicates) | set(staged.days) | route_interactions(lake, staged.days, known, staged.reach_days)
    for day, path in staged.days.items():
        target = (
            lake.landing_dir(day) if staged.rows == "interactions" else lake.path("feedback", f"date={day.isoformat()}")
        )
        lake.move(path, f"{target}/{staged.file_hash}.parquet")
    if staged.rejected:
        lake.move(staged.rejected, lake.rejected(staged.file_hash))
    is_feedback, notes = staged.rows == "feedback", dict(staged.notes)
    if is_feedback and full_export and staged.accepted:  # an export of nothing at all is rather a broken one
        days, replaced = replace_earlier_exports(lake, staged.file_hash, full_export)
        changed |= days
        notes |= {REPLACED: replaced} if replaced else {}
    entry = LedgerEntry(
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
        found=staged.found,
        notes=notes,
        reached=reached,
        too_early=staged.too_early,
        too_late=staged.too_late,
    )
    write_entry(lake, entry)
    for stage, day in parts:
        note_part(lake, stage, day, f"{staged.file_hash}.parquet")
    if is_feedback:
        note_routed(lake, staged.file_hash, changed)
    forget_damage(lake, {*changed, *staged.days})
    return report_of(entry, tuple(sorted(changed)), already=False)


@contextmanager
def landing_lock(lake: Lake) -> Iterator[None]:
    """Wait until no other process lands files into this lake; a killed process gives its lock back by dying.

    A rewriting of many files (of a new key, of an erasure) that was killed midway is finished first.

    In object storage it is a lease, which a killed process loses after a while (lease.py). Other remote storages have no lock: one
    writer at a time is then the deployment's duty.
    """
    try:
        folder = lake.local(lake.path())
    except NotLocalError:
        with leased(lake, "landing"):
            finish_rewriting(lake)
            yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    group = Settings.from_env().group_reads
    for private in (
        folder,
        *(lake.local(lake.side(name)) for name in ("inbox", "review", "gateway", "erasure_requests")),
    ):
        narrow_folder(private, group=group)
    with FileLock(str(folder / ".landing.lock")):
        finish_rewriting(lake)
        yield


@contextmanager
def staging_folder(lake: Lake, file_hash: str) -> Iterator[str]:
    """A fresh folder to prepare a landing in; it is gone afterwards. What killed landings left there is removed first.

    Call it under `landing_lock`.
    """
    parent = lake.path("staging")
    if lake.exists(parent):
        lake.fs.rm(parent, recursive=True)
    folder = f"{parent}/{file_hash}-{uuid.uuid4().hex[:8]}"
    lake.fs.makedirs(folder, exist_ok=True)
    try:
        yield folder
    finally:
        if lake.exists(folder):
            lake.fs.rm(folder, recursive=True)


def take_back_file(lake: Lake, file_hash: str) -> set[date]:
    """Remove all that bears the hash of a file; the days of raw_interactions that it touched.

    Call it only while the file has no ledger entry (ledger.begin).
    """
    name = f"{file_hash}.parquet"
    days = set()
    for day in lake.days("landing", name=name):
        lake.fs.rm(f"{lake.landing_dir(day)}/{name}")
        days.add(day)
    for day in lake.days("repeats", name=name):
        lake.fs.rm(duplicates_path(lake, day, file_hash))
        days.add(day)
    for day in lake.days("clashes", name=name):
        lake.fs.rm(clashes_path(lake, day, file_hash))
        days.add(day)
    for day in lake.days("feedback", name=name):
        lake.fs.rm(lake.path("feedback", f"date={day.isoformat()}", name))
    if lake.exists(lake.rejected(file_hash)):
        lake.fs.rm(lake.rejected(file_hash))
    return days | forget_feedback(lake, file_hash)
