"""Where a landing is prepared before it counts, and the lock that lets one process at a time land files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from lyo_pipelines.storage.lake import Lake, NotLocalError


@contextmanager
def landing_lock(lake: Lake) -> Iterator[None]:
    """Wait until no other process lands files into this lake; a killed process gives its lock back by dying.

    On a remote lake there is no lock: one writer at a time is then the deployment's duty.
    """
    try:
        folder = lake.local(lake.path())
    except NotLocalError:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder / ".landing.lock")):
        yield


@contextmanager
def staging_folder(lake: Lake, file_hash: str) -> Iterator[str]:
    """A fresh folder to prepare a landing in; it is gone afterwards. What killed landings left there is removed first.

    Call it under `landing_lock`.
    """
    parent = lake.path("staging")
    if lake.exists(parent):
        lake.fs.rm(parent, recursive=True)
    folder = f"{parent}/{file_hash}-{uuid.uuid4().hex[:8]}"
    lake.fs.makedirs(folder, exist_ok=True)
    try:
        yield folder
    finally:
        if lake.exists(folder):
            lake.fs.rm(folder, recursive=True)
