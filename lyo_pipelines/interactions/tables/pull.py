"""Reading what is new in a table and landing it, batch by batch.

A batch is landed like a file: staged, moved, its ledger entry last, and the entry holds how far the table was read with it. Killed or
disconnected anywhere, the next reading begins at the last entry: rows before it are known (new_rows.py), rows after it are read again.
Rows that changed are landed again and take the place of what they were (duplicates.py), which re-opens their day.
What lies outside the overlap is not looked at again: rows deleted in the table stay in the lake, and a transaction that commits later
than the overlap reaches is missed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from filelock import FileLock

from lyo_pipelines.config.interactions import InteractionsConfig, TableConfig
from lyo_pipelines.interactions.conversion.converter import FileSpec, RowIds
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.fields.declared import Declared
from lyo_pipelines.interactions.fields.mapping import Mapping as RowMapping
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines.interactions.fields.times import OUT_OF_RANGE
from lyo_pipelines.interactions.landing.land_file import reading_digest, time_bounds
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.landing.stage import commit_file, landing_lock, stage_file, staging_folder
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.key_fingerprint import require_key
from lyo_pipelines.interactions.store.ledger import batch_name
from lyo_pipelines.interactions.tables.batch import NewRows, TableBatch
from lyo_pipelines.interactions.tables.errors import TableError
from lyo_pipelines.interactions.tables.new_rows import Walk
from lyo_pipelines.interactions.tables.server import Source, connect_table
from lyo_pipelines.interactions.tables.state import (
    TableState,
    read_seen,
    read_state,
    take_table_back,
    write_seen,
    write_state,
)
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.lease import leased


def pull_table(
    lake: Lake,
    table: TableConfig,
    *,
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    now: datetime,
    env: Mapping[str, str],
    again: bool = False,
) -> LandingReport:
    """Land what is new in a table; one report over all its batches. `again`: take back all that was read before, first; what the
    table no longer holds is then gone.

    A table that cannot be read (on) comes back as a report with `unreadable`; the batches before that are landed and counted.
    """
    reports: list[LandingReport] = []
    note, broken = "", None
    with landing_lock(lake):
        require_key(lake, pseudonyms)
    with _table_lock(lake, table.name):
        state = read_state(lake, table.name)
        try:
            reading = _reading(lake, table)
            if again or state.taking_back:
                state = _taken_back(lake, table, state, env)
            if state.reading and state.reading != reading.digest:
                state = replace(state, format="", found="")
                note = (
                    "its configuration changed: rows read before keep their old reading "
                    f"(`lyo ingest --table {table.name} --again` takes them back and reads all anew)"
                )
            state = replace(state, reading=reading.digest)
            spec = _spec(table, reading.mapping, pseudonyms, config, now)
            reports.extend(_land_batches(lake, table, state, spec, env))  # what came before an error stays
        except (UnreadableFileError, MappingError) as error:
            broken = str(error)
    return _summary(table, reports, note, broken)


@dataclass(frozen=True)
class _Reading:
    mapping: RowMapping | None
    digest: str


def _reading(lake: Lake, table: TableConfig) -> _Reading:
    """The table's mapping, and what identifies how its rows are read. Raises MappingError."""
    mapping = None
    if table.mapping is not None:
        path = lake.side("mappings", table.mapping)
        if not lake.exists(path):
            raise MappingError(f"table {table.name}: no mapping {table.mapping} below {lake.side('mappings')}")
        mapping = parse_mapping(lake.fs.cat_file(path), table.mapping)
    source = f"{table.table}\n{table.query}\n{table.watermark}\n{table.key}\n{reading_digest(table.format, mapping)}"
    return _Reading(mapping, hashlib.sha256(source.encode()).hexdigest()[:12])


def _spec(
    table: TableConfig,
    mapping: RowMapping | None,
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    now: datetime,
) -> FileSpec:
    earliest, latest = time_bounds(config, now)
    ids = RowIds(table.name, table.key)
    declared = Declared(table.rating_scale, table.time_zone)
    return FileSpec("", table.format, mapping, config, pseudonyms, None, earliest, latest, ids, declared)


def _taken_back(lake: Lake, table: TableConfig, state: TableState, env: Mapping[str, str]) -> TableState:
    """The state after all that was read before is taken back: only once it is sure that the table can be read anew."""
    with connect_table(table, env) as connection:
        Source.of(connection, table, "")
    with landing_lock(lake):
        return take_table_back(lake, table.name, state)


def _land_batches(
    lake: Lake, table: TableConfig, state: TableState, spec: FileSpec, env: Mapping[str, str]
) -> Iterator[LandingReport]:
    config = spec.config
    with connect_table(table, env) as connection:
        source = Source.of(connection, table, state.kind)
        if source.newest is not None:
            state = replace(state, kind=source.scale.kind)
        walk = Walk(state.place, read_seen(lake, table.name, state), source.scale.overlap)
        chunks = source.chunks(
            state.place,
            chunk_bytes=config.block_bytes,
            max_row_bytes=config.max_row_bytes,
            at_most=table.batch_rows,
        )
        rows = NewRows(chunks, walk, source.scale, spec.pseudonyms.matching_key("table row"))
        new = iter(rows)
        while (first := next(new, None)) is not None:
            number = state.batch + 1
            name = batch_name(table.name, number)
            with landing_lock(lake), lake.full_disk_explained(), staging_folder(lake, name) as folder:
                form = {"format": state.format} if state.format else {}
                batch = TableBatch(first, new, replace(spec, file_hash=name, **form), state.found, table.batch_rows)
                staged = stage_file(lake, batch, batch.spec, f"table {table.name}, batch {number}", folder)
                told = {"batch": number, "format": batch.spec.format, "found": batch.found, "met": None}
                state = replace(state, **told).at(walk.place)
                write_seen(lake, table.name, number, walk.seen(complete=False))
                report = commit_file(lake, staged, state.reading, state.said())
            write_state(lake, table.name, state)
            yield report
        state = replace(state.at(walk.place), met=source.count(walk.place))
        write_seen(lake, table.name, state.batch, walk.seen(complete=True))
        write_state(lake, table.name, state)


@contextmanager
def _table_lock(lake: Lake, name: str) -> Iterator[None]:
    """Wait until no other process reads this table into this lake. On a remote lake: as in staging.landing_lock."""
    try:
        folder = lake.local(lake.path("tables"))
    except NotLocalError:
        with leased(lake, f"table-{name}"):
            yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder / f".{name}.lock")):
        yield


def _summary(table: TableConfig, reports: list[LandingReport], note: str, broken: str | None) -> LandingReport:
    reasons, notes = Counter[str](), Counter[str]()
    for report in reports:
        reasons.update(report.rejected_by_reason)
        notes.update(report.notes)
    last = reports[-1] if reports else None
    if outside := sum(reasons[reason] for reason in OUT_OF_RANGE):
        again = (
            f"`lyo ingest --table {table.name} --again` reads them once the range (or this machine's clock) has moved"
        )
        note = "; ".join(filter(None, (note, f"{outside:,} rows lie outside the accepted times: {again}")))
    return LandingReport(
        file_hash=batch_name(table.name, 0)[:16],
        name=f"table {table.name}",
        format=last.format if last else table.format,
        read=sum(report.read for report in reports),
        accepted=sum(report.accepted for report in reports),
        rejected=sum(report.rejected for report in reports),
        rejected_by_reason=dict(reasons.most_common()),
        days=tuple(sorted({day for report in reports for day in report.days})),
        feedback_read=sum(report.feedback_read for report in reports),
        feedback_applied=sum(report.feedback_applied for report in reports),
        feedback_pending=sum(report.feedback_pending for report in reports),
        already_landed=not reports and broken is None,
        unreadable=broken,
        ignored_fields=last.ignored_fields if last else (),
        found=last.found if last else "",
        note=note,
        notes=dict(notes.most_common()),
    )


def table_named(config: InteractionsConfig, name: str) -> TableConfig:
    """A configured table. Raises TableError with the names that are configured."""
    for table in config.tables:
        if table.name == name:
            return table
    known = ", ".join(table.name for table in config.tables) or "none is"
    raise TableError(
        f"no table {name!r} is configured under interactions.tables ({known}): see config/interactions.yaml"
    )
