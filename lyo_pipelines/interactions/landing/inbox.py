"""The inbox: which files are new, and landing all of them, whatever one of them is like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.interactions.fields.mapping_files import SUFFIX, FoundMapping, MappingFiles
from lyo_pipelines.interactions.landing.land_file import LandingReport, land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import modified_time
from lyo_pipelines.interactions.store.ledger import file_token, mark_seen, seen_tokens
from lyo_pipelines.storage.lake import Lake

SET_ASIDE = "set_aside"
_REASON = ".reason.txt"
_NO_DATA = (SUFFIX, _REASON, ".tmp", ".part", ".crdownload", ".md")


@dataclass(frozen=True)
class InboxFile:
    """A file of the inbox. path: for land_file; name: below the inbox; size in bytes; mtime: seconds since 1970."""

    path: str
    name: str
    size: int
    mtime: float
    token: str


def scan_inbox(lake: Lake, *, settle_seconds: float, now: datetime) -> list[InboxFile]:
    """Files of the inbox that were not landed or set aside yet, by name.

    A file younger than `settle_seconds` may still be growing and waits. Nothing is read or hashed: a file is known by its path,
    size, time and mapping; changing its mapping brings it up again.
    """
    inbox = lake.side("inbox")
    lake.fs.invalidate_cache()
    try:
        listing = lake.fs.find(inbox, detail=True)
    except FileNotFoundError:
        return []
    seen, mappings = seen_tokens(lake), MappingFiles(lake)
    files = []
    for path, info in sorted(listing.items()):
        name = path[len(inbox) :].lstrip("/")
        parts = name.split("/")
        if any(part.startswith(".") for part in parts) or parts[0] == SET_ASIDE or name.lower().endswith(_NO_DATA):
            continue
        mtime = modified_time(info) or 0.0
        if settle_seconds and now.timestamp() - mtime < settle_seconds:
            continue
        size = int(info.get("size") or 0)
        mark = file_token(name, size, mtime, _digest(mappings.find(path)))
        if mark not in seen:
            files.append(InboxFile(_url(lake, path), name, size, mtime, mark))
    return files


def land_inbox(lake: Lake, pseudonyms: Pseudonyms, config: InteractionsConfig, now: datetime) -> list[LandingReport]:
    """Land every new file; a file that cannot be read is moved to `inbox/set_aside` with its reason, and the others go on."""
    reports = []
    for file in scan_inbox(lake, settle_seconds=0, now=now):
        report = land_file(lake, file.path, pseudonyms=pseudonyms, config=config, now=now)
        reports.append(report)
        if report.unreadable is None:
            mark_seen(lake, file.token, report.file_hash)
        elif _unchanged(lake, file):
            _set_aside(lake, file, report.unreadable)
    return reports


def _unchanged(lake: Lake, file: InboxFile) -> bool:
    """Whether the file is still what was found; one that is being written or was taken away is left alone."""
    path = f"{lake.side('inbox')}/{file.name}"
    lake.fs.invalidate_cache()
    if not lake.exists(path):
        return False
    info = lake.fs.info(path)
    return (int(info.get("size") or 0), modified_time(info) or 0.0) == (file.size, file.mtime)


def _set_aside(lake: Lake, file: InboxFile, reason: str) -> None:
    """Move a file (and its own mapping) out of the way; the reason is written first, so that no file is there without one."""
    source, target = f"{lake.side('inbox')}/{file.name}", lake.side("inbox", SET_ASIDE, file.name)
    lake.write_text(
        f"{file.name} was not read: {reason}\nMend it (or its mapping) and move it back into the inbox.\n",
        target + _REASON,
    )
    lake.move(source, target)
    if lake.exists(source + SUFFIX):
        lake.move(source + SUFFIX, target + SUFFIX)


def _digest(found: FoundMapping | None) -> str:
    return "" if found is None else found.digest


def _url(lake: Lake, path: str) -> str:
    return lake.fs.unstrip_protocol(path) if "://" in lake.root else path
