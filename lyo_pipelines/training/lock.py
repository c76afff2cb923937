"""One training per device, machine-wide: a file lock that the kernel releases when its process dies, however it dies.

An orchestrator's limits see its own runs; a training process that outlived its killed worker is seen only here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.private_files import open_own_file, own_temporary_folder


class DeviceBusyError(LyoError):
    """Another training holds the device; the message names its process."""


class NoDeviceError(LyoError):
    """The recipe wants a device that this machine does not have."""


def lock_folder() -> Path:
    """Where the locks are: LYO_LOCK_DIR (one folder for several accounts that share devices), else this account's own."""
    folder = Settings.from_env().lock_dir
    if folder is None:
        return own_temporary_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def device_lock(
    device: str,
    label: str,
    *,
    wait_seconds: float,
    say: Callable[[str], None],
    check: Callable[[], None] = lambda: None,
    poll_seconds: float = 1.0,
) -> Iterator[None]:
    """Hold the only training slot of `device` ("cpu", or a GPU's own id) for the duration of the block.

    Waits up to wait_seconds (0: not at all) and says who holds it, at once and every minute; `check` is called meanwhile and
    may raise to give up. Raises DeviceBusyError with the holder's process id. The file stays; the lock does not: nothing has
    to be cleaned up after a kill.
    """
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in device)
    path = lock_folder() / f"{name}.lock"
    descriptor = open_own_file(path, 0o666)
    try:
        if _is_shared(path.parent):
            with contextlib.suppress(PermissionError):  # another account made it
                os.fchmod(descriptor, 0o666)
        _acquire(descriptor, device, wait_seconds, say, check, poll_seconds)
        holder = json.dumps(
            {"pid": os.getpid(), "training": label, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _is_shared(folder: Path) -> bool:
    """Whether other accounts may write into the folder: then they must be able to open its locks."""
    return bool(folder.stat().st_mode & 0o022)


def _acquire(
    descriptor: int,
    device: str,
    wait_seconds: float,
    say: Callable[[str], None],
    check: Callable[[], None],
    poll_seconds: float,
) -> None:
    started = time.monotonic()
    said = None
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            check()
            waited = time.monotonic() - started
            holder = _holder(descriptor)
            if waited >= wait_seconds:
                raise DeviceBusyError(
                    f"device {device} is busy: {holder} trains on it. Wait for it, stop it (SIGTERM: it makes a checkpoint first), "
                    f"or allow longer waiting with --wait."
                ) from None
            if said is None or waited - said >= 60:
                said = waited
                say(
                    f"waiting for device {device}: {holder} trains on it (waited {waited:.0f} of at most {wait_seconds:.0f} s)"
                )
            time.sleep(min(poll_seconds, max(0.05, wait_seconds - waited)))
        else:
            return


def _holder(descriptor: int) -> str:
    try:
        value = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
        return f"process {value['pid']} ({value['training']}, since {value['since']})"
    except (ValueError, KeyError):
        return "a process that has just started"
