"""What killed programs left behind under a temporary name: readers skip it, and after a while it goes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from lyo_pipelines.storage.lake import TEMPORARY, Lake, NotLocalError

_WRITTEN = re.compile(re.escape(TEMPORARY) + r"[0-9a-f]+-.")
"""How a name for the time of a write looks; other names that readers skip (a cache of answers) are there on purpose."""
OLD = timedelta(days=1)
"""Age from which on nobody writes a file any more that still has its temporary name."""


@dataclass(frozen=True)
class Leftover:
    """A file or folder with a temporary name. bytes: of the file, or of all files in the folder."""

    path: Path
    bytes: int
    changed: float


def find_leftovers(lake: Lake, *, now: datetime, older_than: timedelta = OLD) -> list[Leftover]:
    """Leftovers of the lake, its review queue and its inbox that nobody has written to for a while; none on a remote lake.

    A folder counts by the newest file in it: a long training writes into one for days.
    """
    try:
        roots = [lake.local(lake.path()), lake.local(lake.side("review")), lake.local(lake.side("inbox"))]
    except NotLocalError:
        return []
    limit = (now - older_than).timestamp()
    return [found for root in roots if root.is_dir() for found in _below(root) if found.changed < limit]


def sweep_leftovers(lake: Lake, *, now: datetime, older_than: timedelta = OLD) -> list[Leftover]:
    """Remove them, and say what was removed."""
    found = find_leftovers(lake, now=now, older_than=older_than)
    for leftover in found:
        if leftover.path.is_dir() and not leftover.path.is_symlink():
            shutil.rmtree(leftover.path, ignore_errors=True)
        else:
            leftover.path.unlink(missing_ok=True)
    return found


def _below(folder: Path) -> Iterator[Leftover]:
    for entry in os.scandir(folder):
        try:
            if _WRITTEN.match(entry.name):
                yield _measured(Path(entry.path))
            elif entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path))
        except FileNotFoundError:  # it was finished or removed meanwhile
            continue


def _measured(path: Path) -> Leftover:
    files = [path, *(path.rglob("*") if path.is_dir() and not path.is_symlink() else ())]
    stats = [file.lstat() for file in files]
    return Leftover(path, sum(stat.st_size for stat in stats), max(stat.st_mtime for stat in stats))
