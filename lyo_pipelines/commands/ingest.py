"""`lyo ingest PATH` and `lyo ingest --table NAME`: land now, say what became of every row, bring the touched days up to date."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.client.follow import RunFailedError
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.paths import require_path
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.faults import EXIT_CODE
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.days.unattached import said_of, unattached_feedback
from lyo_pipelines.interactions.fields.notes import shown_notes
from lyo_pipelines.interactions.formats.ready_mappings import mapping_at
from lyo_pipelines.interactions.landing.confined import land_confined
from lyo_pipelines.interactions.landing.inbox_listing import ListedFile, listed_in
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import plain_name
from lyo_pipelines.interactions.tables.errors import TableError
from lyo_pipelines.interactions.tables.pull import pull_table, table_named
from lyo_pipelines.storage.lake import Lake


def ingest_path(console: Console, path: Path, *, format: str, mapping: str | None, build: bool) -> None:
    """Land one file or every file of a folder, print the reports, and rebuild what became stale."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    files = input_files(path)
    parsed = mapping_at(mapping, config.interactions.ready_mappings) if mapping else None
    now = datetime.now(UTC)
    reports = [
        LandingReport("", plain_name(file.name), "", unreadable=file.trouble)
        if file.trouble is not None
        else land_confined(
            lake, file.path, pseudonyms=pseudonyms, config=config.interactions, format=format, mapping=parsed, now=now
        )
        for file in files
    ]
    _print(console, reports)
    if waiting := said_of(unattached_feedback(lake)):
        console.print(waiting, highlight=False)
    _bring_up_to_date(console, lake, config, build=build)
    faults = [report.fault for report in reports if report.fault]
    for fault in faults:
        sys.stderr.write(fault + "\n")
    if faults:
        raise SystemExit(EXIT_CODE)


def input_files(path: Path) -> list[ListedFile]:
    """The file, or what a folder holds at any depth, but for what is hidden, no data or still being written.

    Raises MissingPathError.
    """
    require_path(path)
    if path.is_dir():
        return listed_in(path)
    return [ListedFile(str(path), path.name, 0, 0.0)]


def ingest_table(console: Console, name: str, *, again: bool, build: bool) -> None:
    """Land what is new in one configured table, print the report, and rebuild what became stale."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    table = table_named(config.interactions, name)
    now = datetime.now(UTC)
    report = pull_table(
        lake, table, pseudonyms=pseudonyms, config=config.interactions, now=now, env=os.environ, again=again
    )
    _print(console, [report])
    if report.unreadable:
        raise TableError(report.unreadable)
    _bring_up_to_date(console, lake, config, build=build)


def _bring_up_to_date(console: Console, lake: Lake, config: Config, *, build: bool) -> None:
    stale = days_to_rebuild(lake, config.curation)
    if not stale:
        console.print("Every day is up to date.")
    elif build:
        _rebuild(console, lake, stale)
    else:
        console.print(f"{len(stale)} days wait to be rebuilt; a running Dagster does so by itself.")


def _rebuild(console: Console, lake: Lake, stale: list[date]) -> None:
    """Let Dagster's own sensor rebuild the stale days, so that the UI shows them; wait until nothing is stale."""
    config = load_config(Settings.from_env().config_path)
    console.print(f"Rebuilding {len(stale)} days ({stale[0]} … {stale[-1]}) in Dagster …", highlight=False)
    server = start_server(3000)
    client, began = Client(server.url), time.time()
    try:
        while days_to_rebuild(lake, config.curation):
            failed = [
                run for run in client.runs(limit=5, pipelineName="daily_data") if run.failed and (run.end or 0) >= began
            ]
            if failed:
                raise RunFailedError(f"a day could not be rebuilt: {client.failure(failed[0].run_id)}")
            time.sleep(2)
        console.print(f"Up to date after {time.time() - began:.0f} s.", highlight=False)
    finally:
        server.stop()


def _print(console: Console, reports: list[LandingReport]) -> None:
    shown = Table("file", "format", "read", "accepted", "rejected", "what to know")
    for report in reports:
        ignored = f"unknown fields ignored: {', '.join(report.ignored_fields)}" if report.ignored_fields else ""
        told = f"told by {report.found}" if report.found and report.found not in ("given", "a mapping") else ""
        rejected = ", ".join(f"{reason} ({n})" for reason, n in report.rejected_by_reason.items())
        already = (
            ("nothing new" if report.name.startswith("table ") else "already read") if report.already_landed else ""
        )
        notes = (report.unreadable, already or rejected, told, shown_notes(Counter(report.notes)), ignored, report.note)
        shown.add_row(
            report.name,
            report.format or "?",
            *(f"{n:,}" for n in (report.read, report.accepted, report.rejected)),
            "; ".join(note for note in notes if note),
        )
    console.print(shown)
