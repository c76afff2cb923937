"""Files of this process alone on this machine's disk, for a lake whose storage has no rename; what killed processes left is removed.

A process is known to be gone by its lock: the system takes that from it, however it ends.
"""

from __future__ import annotations

import atexit
import os
import shutil
import uuid
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

SCRATCH_LOCK = ".lock"
"""Held by the process that a folder belongs to."""


def process_scratch() -> Path:
    """The scratch folder of this process; made, and those of processes that are gone removed, at the first call."""
    return _scratch(os.getpid())


@cache
def _scratch(pid: int) -> Path:
    from lyo_pipelines.config.settings import Settings

    parent = Settings.from_env().local_folder / "scratch"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(str(parent / SCRATCH_LOCK)):
        for folder in parent.iterdir():
            if folder.is_dir():
                remove_if_left(folder)
        mine = parent / f"{pid}-{uuid.uuid4().hex[:8]}"
        mine.mkdir(mode=0o700)
        lock = FileLock(str(mine / SCRATCH_LOCK))
        lock.acquire()
    _HELD[pid] = lock
    atexit.register(shutil.rmtree, mine, ignore_errors=True)
    return mine


_HELD = dict[int, FileLock]()
"""Kept, so that the lock lives as long as the process."""


def remove_if_left(folder: Path) -> None:
    """Remove a folder whose process is gone; one whose lock is held stays."""
    try:
        with FileLock(str(folder / SCRATCH_LOCK), timeout=0):
            pass
    except (Timeout, OSError):
        return
    shutil.rmtree(folder, ignore_errors=True)
