"""What lies in the inbox: every entry that could be data, and the names that are none. Nothing is opened here."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.interactions.fields.mapping_files import SUFFIX
from lyo_pipelines.interactions.reading.source_file import modified_time, plain_name
from lyo_pipelines.interactions.reading.unpacking import PICTURES
from lyo_pipelines.storage.lake import Lake, NotLocalError

SET_ASIDE = "set_aside"
REASON = ".reason.txt"
_BESIDE = (SUFFIX, REASON, ".md", *PICTURES)
_UNFINISHED = (
    *(".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".aria2"),
    *(".tmp", ".temp", ".swp", ".swo", ".lock", "~", "._copying_", ".inprogress", ".uploading"),
)
"""Ends of names under which browsers, SFTP clients, editors and Hadoop write a file before they give it its own."""
CLOCKS_DIFFER = 60.0
"""Seconds by which the clock of a file server may be ahead of ours."""
_NO_FOLDER = ("_temporary", "__macosx", "lost+found")
_OF_SPARK = re.compile(r"_(success|committed_.*|started_.*|common_metadata|metadata)", re.IGNORECASE)
_OPEN_IN_EDITOR = re.compile(r"~\$.*|#.*#")


@dataclass(frozen=True)
class ListedFile:
    """An entry of the inbox. path: in the lake's file system; name: below the inbox; size in bytes; mtime: seconds since 1970.

    trouble: why there is nothing to read (a link to nothing, a named pipe, a folder that cannot be listed), or None.
    """

    path: str
    name: str
    size: int
    mtime: float
    trouble: str | None = None


def listed_files(lake: Lake) -> list[ListedFile]:
    """All entries of the inbox that could be data, by name; empty when there is no inbox."""
    inbox = lake.side("inbox")
    try:
        local = lake.local(inbox)
    except NotLocalError:
        return _data(_remote(lake, inbox))
    return listed_in(local) if local.is_dir() else []


def listed_in(folder: Path) -> list[ListedFile]:
    """All entries of a local folder that could be data, at any depth, by name."""
    return _data(local_entries(folder))


def local_entries(folder: Path) -> Iterator[ListedFile]:
    """All entries of a local folder at any depth but the folders, whatever they are and are called."""
    return _local(folder, "", frozenset({_place(folder.stat())}))


def is_no_data(name: str) -> bool:
    """Whether an entry (a path below the inbox) is hidden, set aside, no data, or a file that is still being written."""
    return name.split("/", maxsplit=1)[0] == SET_ASIDE or is_unfinished(name) or name.lower().endswith(_BESIDE)


def is_settling(mtime: float, now: float, settle_seconds: float) -> bool:
    """Whether a file may still be growing. One whose time lies far ahead was written by another clock, and would wait for ever."""
    return settle_seconds > 0 and -CLOCKS_DIFFER < now - mtime < settle_seconds


def is_unfinished(name: str) -> bool:
    """Whether a path is hidden, a lock, or what somebody is still writing or uploading under a name for the time being."""
    *folders, last = name.lower().split("/")
    if any(part.startswith(".") for part in (*folders, last)):
        return True
    if any(folder in _NO_FOLDER or folder.endswith(_UNFINISHED) for folder in folders):
        return True
    special = _OF_SPARK.fullmatch(last) or _OPEN_IN_EDITOR.fullmatch(last)
    return special is not None or last.endswith(_UNFINISHED)


def _data(found: Iterator[ListedFile]) -> list[ListedFile]:
    return sorted((file for file in found if not is_no_data(file.name)), key=lambda file: file.name)


def _remote(lake: Lake, inbox: str) -> Iterator[ListedFile]:
    lake.fs.invalidate_cache()
    try:
        listing = lake.fs.find(inbox, detail=True)
    except FileNotFoundError:
        return
    for path, info in listing.items():
        yield ListedFile(path, path[len(inbox) :].lstrip("/"), int(info.get("size") or 0), modified_time(info) or 0.0)


def _local(folder: Path, below: str, above: frozenset[tuple[int, int]]) -> Iterator[ListedFile]:
    """Entries of a folder and its folders. above: device and inode of the folders that lead here, against links in a circle."""
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        yield ListedFile(str(folder), below.rstrip("/"), 0, 0.0, f"the folder cannot be listed: {error.strerror}")
        return
    for entry in entries:
        name, path = f"{below}{entry.name}", Path(entry.path)
        try:
            found, trouble = path.stat(), None
        except OSError as error:  # a link to nothing, or one in a circle
            found = _there(path)
            if found is None:
                continue  # taken away since
            trouble = f"it cannot be opened: {error.strerror or error}"
            if stat.S_ISLNK(found.st_mode):
                trouble += f" (it is a link to {plain_name(str(path.readlink()))})"
        if trouble is None and stat.S_ISDIR(found.st_mode):
            if (place := _place(found)) not in above:
                yield from _local(path, f"{name}/", above | {place})
                continue
            found, trouble = path.lstat(), "it is a link that leads back to its own folder"
        elif trouble is None and not stat.S_ISREG(found.st_mode):
            trouble = f"it is no file but {_KINDS.get(stat.S_IFMT(found.st_mode), 'something else')}"
        yield ListedFile(str(path), name, found.st_size, found.st_mtime, trouble)


_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def _place(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _there(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
