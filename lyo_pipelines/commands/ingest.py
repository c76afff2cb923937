"""`lyo ingest PATH` and `lyo ingest --table NAME`: land now, say what became of every row, bring the touched days up to date."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.commands.days import bring_up_to_date
from lyo_pipelines.commands.ingest_preview import NothingReadError, names_in
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.commands.paths import require_path
from lyo_pipelines.commands.rejected import examples_of_reasons
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.faults import EXIT_CODE
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.days.unattached import said_of, unattached_feedback
from lyo_pipelines.interactions.fields.notes import shown_notes
from lyo_pipelines.interactions.formats.ready_mappings import mapping_at
from lyo_pipelines.interactions.landing.confined import land_confined
from lyo_pipelines.interactions.landing.inbox_listing import ListedFile, listed_in
from lyo_pipelines.interactions.landing.notices import note_landing
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.preview.preview_file import preview_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import plain_name
from lyo_pipelines.interactions.tables.errors import TableError
from lyo_pipelines.interactions.tables.pull import pull_table, table_named
from lyo_pipelines.retraining.new_names import NewName
from lyo_pipelines.storage.lake import Lake

_REASONS = 8
_LOOKED_AT = 20
"""Files of a folder whose beginnings are looked at for names that nobody knows."""


class NotWantedError(LyoError):
    """A person said no to names that are new; nothing was read."""


def ingest_path(
    console: Console,
    path: Path,
    *,
    format: str,
    mapping: str | None,
    build: bool,
    ask: Callable[[str], bool] | None = None,
) -> list[LandingReport]:
    """Land one file or every file of a folder, print the reports, and rebuild what became stale.

    ask: puts a question to a person about tasks, languages and subjects that nobody knows; without it they are told of on stderr.
    Raises NothingReadError when no row was taken, NotWantedError when the person says no.
    """
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    files = input_files(path)
    parsed = mapping_at(mapping, config.interactions.ready_mappings) if mapping else None
    now = datetime.now(UTC)
    reading = {"pseudonyms": pseudonyms, "config": config.interactions, "format": format, "mapping": parsed, "now": now}
    if new := _new_names_in(lake, config, files, reading):
        _ask_about(new, ask)
    reports = [
        LandingReport("", plain_name(file.name), "", unreadable=file.trouble)
        if file.trouble is not None
        else land_confined(lake, file.path, **reading)
        for file in files
    ]
    note_landing(lake, reports, now)
    _print(console, lake, reports)
    if waiting := said_of(unattached_feedback(lake)):
        console.print(waiting, highlight=False)
    _bring_up_to_date(console, lake, config, build=build)
    faults = [report.fault for report in reports if report.fault]
    for fault in faults:
        sys.stderr.write(fault + "\n")
    if faults:
        raise SystemExit(EXIT_CODE)
    require_something(reports)
    return reports


def require_something(reports: Sequence[LandingReport]) -> None:
    """Tell on stderr what could not be read; raises NothingReadError where no row at all was taken."""
    for report in reports:
        if report.unreadable and len(reports) > 1:
            sys.stderr.write(f"{report.name}: not read: {report.unreadable}\n")
    if not reports or any(report.accepted or report.already_landed for report in reports):
        return
    first = next((report for report in reports if report.unreadable), None)
    if first is not None:
        raise NothingReadError(
            f"{first.name}: not read: {first.unreadable}", hint="`--dry-run` shows what is seen of it."
        )
    if any(report.rejected for report in reports):
        rejected = sum(report.rejected for report in reports)
        raise NothingReadError(
            f"all {rejected:,} rows were rejected", hint="`lyo rejected` shows them, each with its reason."
        )


def input_files(path: Path) -> list[ListedFile]:
    """The file, or what a folder holds at any depth, but for what is hidden, no data or still being written.

    Raises MissingPathError.
    """
    require_path(path)
    if path.is_dir():
        return listed_in(path)
    return [ListedFile(str(path), path.name, 0, 0.0)]


def _new_names_in(lake: Lake, config: Config, files: Sequence[ListedFile], reading: dict[str, object]) -> list[NewName]:
    """Tasks, languages and subjects in the beginnings of files that nobody knows."""
    looked_at = [file for file in files if file.trouble is None][:_LOOKED_AT]
    previews = [preview_file(lake, file.path, show=0, **reading) for file in looked_at]  # pyright: ignore[reportArgumentType]
    return names_in(lake, config, previews)


def _ask_about(new: Sequence[NewName], ask: Callable[[str], bool] | None) -> None:
    said = "\n".join(f"! {name.says}." for name in new)
    how = (
        "Each becomes part of a segment of its own. If one is a slip, a mapping gives it its name (`values`, docs/logs.md); if it is "
        "meant, data/curriculum.yaml names it."
    )
    if ask is None:
        sys.stderr.write(f"{said}\n{how}\n")
    elif not ask(f"{said}\n{how}\nLand them as they are?"):
        raise NotWantedError(
            "nothing was read", hint="`--dry-run` shows the rows; `lyo mapping draft FILE` begins a mapping."
        )


def ingest_table(console: Console, name: str, *, again: bool, build: bool) -> list[LandingReport]:
    """Land what is new in one configured table, print the report, and rebuild what became stale."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    table = table_named(config.interactions, name)
    now = datetime.now(UTC)
    report = pull_table(
        lake, table, pseudonyms=pseudonyms, config=config.interactions, now=now, env=os.environ, again=again
    )
    note_landing(lake, [report], now)
    _print(console, lake, [report])
    if report.unreadable:
        raise TableError(report.unreadable)
    _bring_up_to_date(console, lake, config, build=build)
    require_something([report])
    return [report]


def _bring_up_to_date(console: Console, lake: Lake, config: Config, *, build: bool) -> None:
    if build:
        if not bring_up_to_date(console, lake):
            console.print("Every day is up to date.")
    elif stale := days_to_rebuild(lake, config.curation):
        reach = f"{stale[0]}" if len(stale) == 1 else f"{stale[0]} to {stale[-1]}"
        console.print(
            f"{len(stale)} days wait to be built ({reach}): `lyo build`, or a running Dagster, does it.",
            highlight=False,
        )
    else:
        console.print("Every day is up to date.")


def print_reports(console: Console, reports: Sequence[LandingReport]) -> None:
    """What became of each file, as JSON."""
    print_json(console, [asdict(report) for report in reports])


def _print(console: Console, lake: Lake, reports: list[LandingReport]) -> None:
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
    reasons: dict[str, tuple[str, str]] = {}
    for report in reports:
        if report.rejected and not report.already_landed:
            reasons = examples_of_reasons(lake, report.file_hash) | reasons
    for reason, (place, detail) in list(reasons.items())[:_REASONS]:
        console.print(f"  {reason}: {place}: {escape(detail)}", highlight=False, soft_wrap=True)
    if reasons:
        console.print("`lyo rejected` shows every rejected row.", highlight=False)
