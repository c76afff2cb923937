"""Landings that no run of Dagster did (`lyo ingest`): noted in `lake/landings/`, so that the next Dagster tells of them.

A note is written after its files have landed. Whoever runs Dagster then shows it (a sensor does) and removes it; one that is shown
twice does no harm.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.json_types import is_dict, is_list
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

_FOLDER = "landings"


@dataclass(frozen=True)
class LandingNotice:
    """One landing: `name` of its note, when it ended (ISO 8601, UTC), and each file's public name, format, counts, reasons
    and trouble."""

    name: str
    at: str
    files: tuple[dict[str, object], ...]

    def total(self, field: str) -> int:
        """Sum of a count over all files."""
        return sum(value for file in self.files if isinstance(value := file.get(field), int))


def note_landing(lake: Lake, reports: Sequence[LandingReport], now: datetime) -> None:
    """Note what landed; nothing where nothing new did."""
    new = [report for report in reports if not report.already_landed]
    if not new:
        return
    files = [
        {
            "name": report.public_name,
            "format": report.format or "unreadable",
            "found": report.found,
            "read": report.read,
            "accepted": report.accepted,
            "rejected": report.rejected,
            "conserved": report.conserved,
            "reasons": report.rejected_by_reason,
            "days": [day.isoformat() for day in report.days],
            "unreadable": report.unreadable,
        }
        for report in new
    ]
    name = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}.json"
    lake.write_json({"at": now.isoformat(timespec="seconds"), "files": files}, lake.path(_FOLDER, name))


def noted_landings(lake: Lake) -> list[LandingNotice]:
    """Notes that are there, oldest first; a damaged one is left out."""
    found = []
    for name in lake.names(lake.path(_FOLDER)):
        try:
            told = lake.read_json(lake.path(_FOLDER, name))
        except (OSError, DamagedFileError):
            continue
        if is_dict(told) and is_list(files := told.get("files")):
            found.append(LandingNotice(name, str(told.get("at", "")), tuple(file for file in files if is_dict(file))))
    return found


def forget_landings(lake: Lake, names: Sequence[str]) -> None:
    """Remove notes that were shown."""
    for name in names:
        if lake.exists(path := lake.path(_FOLDER, name)):
            lake.fs.rm(path)
