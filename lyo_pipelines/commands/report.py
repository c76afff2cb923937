"""`lyo report SEGMENT`: the newest report of a segment."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from rich.console import Console

from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.known_segments import near_names_told
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import REPORT, is_complete
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched

_CREATED = re.compile(rb'"created_at": "([^"]+)"')
_BEGINNING = 65_536


class NoReportError(LyoError):
    """The segment has no finished report; the message says how to get one."""


def newest_report(lake: Lake, segment: str) -> tuple[Report, Path]:
    """The segment's newest finished report by its own time, and its folder. Raises NoReportError when there is none."""
    folders = [fetched(lake, lake.report_dir(segment, version)) for version in lake.names(lake.report_dir(segment))]
    finished = [folder for folder in folders if is_complete(folder)]
    if not finished:
        known = ", ".join(lake.names(lake.path("reports"))) or "none yet"
        raise NoReportError(
            f"no finished report of {segment} (segments with reports: {known}). `lyo train {segment}` makes one."
        )
    newest = finished[0] if len(finished) == 1 else max(finished, key=lambda folder: (_created(folder), folder.name))
    return Report.read(newest / REPORT), newest


def _created(folder: Path) -> datetime:
    """When a report was made, without reading more of it; one that does not say it near its beginning is read whole."""
    try:
        found = _CREATED.search((folder / REPORT).read_bytes()[:_BEGINNING])
        return datetime.fromisoformat(found[1].decode()) if found else Report.read(folder / REPORT).created_at
    except ValueError:
        return Report.read(folder / REPORT).created_at


def show_report(console: Console, segment: str, *, as_json: bool = False) -> None:
    """Print the newest report's table, or its JSON as it is."""
    lake = Lake(Settings.from_env().data_dir)
    with near_names_told(lake, segment):
        report, folder = newest_report(lake, segment)
    if as_json:
        print_json(console, report.model_dump(mode="json"))
        return
    print_summary(console, report, folder)
