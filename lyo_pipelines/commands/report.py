"""`lyo report SEGMENT`: the newest report of a segment."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import is_complete
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake


class NoReportError(LyoError):
    """The segment has no finished report; the message says how to get one."""


def newest_report(lake: Lake, segment: str) -> tuple[Report, Path]:
    """The segment's newest finished report by its own time, and its folder. Raises NoReportError when there is none."""
    folders = [lake.local(lake.report_dir(segment, version)) for version in lake.names(lake.report_dir(segment))]
    finished = [(read_report(folder), folder) for folder in folders if is_complete(folder)]
    if not finished:
        known = ", ".join(lake.names(lake.path("reports"))) or "none yet"
        raise NoReportError(
            f"no finished report of {segment} (segments with reports: {known}). `lyo train {segment}` makes one."
        )
    return max(finished, key=lambda found: (found[0].created_at, found[1].name))


def show_report(console: Console, segment: str) -> None:
    """Print the newest report's table."""
    parse_parent(segment)
    report, folder = newest_report(Lake(Settings.from_env().data_dir), segment)
    print_summary(console, report, folder)
