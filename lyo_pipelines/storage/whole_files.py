"""Local files and folders that appear whole: written under a temporary name that readers skip, then renamed.

For what a program is given as a plain path (an adapter, a report, a model); the lake's own paths are written through the lake.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lyo_pipelines.storage.lake import TEMPORARY, sync_folder


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Yield a path to write to that becomes `path` in one rename, once it is on the disk; after an error it is removed.

    A device or pipe is written to itself: a rename would put a file in the place of /dev/null.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8); it is on the disk when this returns."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def whole_folder(path: Path) -> Generator[Path]:
    """Yield an empty folder that becomes `path` in one rename, its files on the disk; after an error it is removed.

    Its parent must be there; `path` must not, or be an empty folder.
    """
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        temporary.mkdir()
        yield temporary
        for file in temporary.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        sync_folder(temporary)
        temporary.rename(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
