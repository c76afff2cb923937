"""The inbox: which files are new, and landing all of them, whatever one of them is like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.interactions.fields.declared import Declared
from lyo_pipelines.interactions.fields.mapping_files import FoundMapping, MappingFiles
from lyo_pipelines.interactions.landing.clocks import with_clock_told
from lyo_pipelines.interactions.landing.confined import land_confined
from lyo_pipelines.interactions.landing.inbox_listing import ListedFile, is_settling, listed_files
from lyo_pipelines.interactions.landing.land_file import time_bounds
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.landing.set_aside import set_aside
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import modified_time, plain_name
from lyo_pipelines.interactions.store.ledger import file_token, mark_seen, read_entry, seen_tokens
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class InboxFile:
    """A file of the inbox that was not dealt with as it stands there now; token: what it is then known by."""

    listed: ListedFile
    token: str

    @property
    def name(self) -> str:
        """Its path below the inbox, with bytes that are no UTF-8 escaped: for people, logs and keys."""
        return plain_name(self.listed.name)


def scan_inbox(lake: Lake, config: InteractionsConfig, *, settle_seconds: float, now: datetime) -> list[InboxFile]:
    """Files of the inbox that were not landed or set aside yet, by name.

    A file younger than `settle_seconds` may still be growing and waits (0: none does). Nothing is read or hashed: a file is known by
    its path, size, time, mapping and what the configuration declares for its name; a change of these brings it up again.
    """
    return list(_new_files(lake, config, MappingFiles(lake), settle_seconds, now))


def _new_files(
    lake: Lake, config: InteractionsConfig, mappings: MappingFiles, settle_seconds: float, now: datetime
) -> Iterator[InboxFile]:
    seen = seen_tokens(lake, *time_bounds(config, now))
    for file in listed_files(lake):
        if is_settling(file.mtime, now.timestamp(), settle_seconds):
            continue
        declared = Declared.of(config, file.name.rpartition("/")[2])
        mark = file_token(file.name, file.size, file.mtime, f"{_digest(mappings.find(file.path))}{declared}")
        if mark not in seen:
            yield InboxFile(file, mark)


def land_inbox(lake: Lake, pseudonyms: Pseudonyms, config: InteractionsConfig, now: datetime) -> list[LandingReport]:
    """Land every new file; one that cannot be read is moved to `inbox/set_aside` with its reason, and the others go on.

    Whatever goes wrong with one file, one mapping, stays with it (confined.py); only a fault of the lake's own disk ends it all.
    A shared mapping that cannot be opened has a report of its own.
    """
    mappings = MappingFiles(lake)
    files = list(_new_files(lake, config, mappings, 0, now))
    reports = [
        LandingReport("", f"mappings/{name}", "", unreadable=why) for name, why in mappings.closed.items() if files
    ]
    for file in files:
        report = (
            land_confined(lake, file.listed.path, fs=lake.fs, pseudonyms=pseudonyms, config=config, now=now)
            if file.listed.trouble is None
            else LandingReport("", file.name, "", unreadable=file.listed.trouble)
        )
        report = with_clock_told(report, file.listed.mtime, now)
        reports.append(report)
        if report.unreadable is None or (
            not report.try_again
            and _unchanged(lake, file.listed)
            and not set_aside(lake, file.listed.name, report.unreadable)
        ):
            entry = read_entry(lake, report.file_hash) if report.file_hash and report.rejected else None
            mark_seen(lake, file.token, report.file_hash, entry)
    return reports


def _unchanged(lake: Lake, file: ListedFile) -> bool:
    """Whether the file is still what was found; one that is being written or was taken away is left alone."""
    if file.trouble is not None:
        return True
    lake.fs.invalidate_cache()
    if not lake.exists(file.path):
        return False
    info = lake.fs.info(file.path)
    return (int(info.get("size") or 0), modified_time(info) or 0.0) == (file.size, file.mtime)


def _digest(found: FoundMapping | None) -> str:
    return "" if found is None else found.digest
