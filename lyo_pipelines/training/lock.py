"""One training per device, machine-wide: a file lock that the kernel releases when its process dies, however it dies.

An orchestrator's limits see its own runs; a training process that outlived its killed worker is seen only here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Hold the only training slot of `device` ("cpu", or a GPU's own id) for the duration of the block; see device_locks."""
    with device_locks([device], 1, label, wait_seconds=wait_seconds, say=say, check=check, poll_seconds=poll_seconds):
        yield


@contextmanager
def device_locks(
    devices: Sequence[str],
    count: int,
    label: str,
    *,
    wait_seconds: float,
    say: Callable[[str], None],
    check: Callable[[], None] = lambda: None,
    poll_seconds: float = 1.0,
    together: bool = False,
) -> Iterator[list[str]]:
    """Hold the training slots of `count` of the devices, the first that are free, for the duration of the block; yields which.

    All at once or none: who waits holds nothing, so that two trainings that want several never wait for each other. Waits up to
    wait_seconds (0: not at all) and says who holds them, at once and every minute; `check` is called meanwhile and may raise to
    give up. together: processes that are started in the block hold them too (share_lock). Raises DeviceBusyError with the holders'
    process ids, NoDeviceError where there are not so many. The files stay; the locks do not: nothing has to be cleaned up after a
    kill.
    """
    if count > len(devices):
        raise NoDeviceError(
            f"the recipe wants {count} devices and this machine shows {len(devices)}: --set devices={len(devices)}"
        )
    mode = fcntl.LOCK_SH if together else fcntl.LOCK_EX
    started = time.monotonic()
    said = None
    while not (held := _free(devices, count, mode)):
        check()
        waited = time.monotonic() - started
        busy = _busy(devices)
        if waited >= wait_seconds:
            raise DeviceBusyError(
                f"{busy}. Wait for it, stop it (SIGTERM: it makes a checkpoint first), or allow longer waiting with --wait."
            )
        if said is None or waited - said >= 60:
            said = waited
            what = f"device {devices[0]}" if len(devices) == 1 else f"{count} of {len(devices)} devices"
            say(f"waiting for {what}: {busy} (waited {waited:.0f} of at most {wait_seconds:.0f} s)")
        time.sleep(min(poll_seconds, max(0.05, wait_seconds - waited)))
    try:
        holder = {"pid": os.getpid(), "training": label, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        for descriptor in held.values():
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield list(held)
    finally:
        _close(held.values())


@contextmanager
def share_lock(device: str) -> Iterator[None]:
    """Hold a device beside the process that started this one, and on when that one dies: it is busy until all of them are gone."""
    descriptor = _open(device)
    try:
        with contextlib.suppress(BlockingIOError):  # it died already, and another training took its place
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _free(devices: Sequence[str], count: int, mode: int) -> dict[str, int]:
    """{device: descriptor that holds its lock} of the first `count` that are free, or {} where fewer are."""
    held: dict[str, int] = {}
    for device in devices:
        descriptor = _open(device)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody else holds it, not even together
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        held[device] = descriptor
        if len(held) == count:
            return held
    _close(held.values())
    return {}


def _busy(devices: Sequence[str]) -> str:
    """Who holds the devices that are not free, for people."""
    told = []
    for device in devices:
        descriptor = _open(device)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told.append(f"device {device} is busy: {_holder(descriptor)} trains on it")
        finally:
            os.close(descriptor)
    return "; ".join(told) or f"device {devices[0]} is just changing hands"


def _open(device: str) -> int:
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in device)
    path = lock_folder() / f"{name}.lock"
    descriptor = open_own_file(path, 0o666)
    if _is_shared(path.parent):
        with contextlib.suppress(PermissionError):  # another account made it
            os.fchmod(descriptor, 0o666)
    return descriptor


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _is_shared(folder: Path) -> bool:
    """Whether other accounts may write into the folder: then they must be able to open its locks."""
    return bool(folder.stat().st_mode & 0o022)


def _holder(descriptor: int) -> str:
    try:
        value = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
        return f"process {value['pid']} ({value['training']}, since {value['since']})"
    except (ValueError, KeyError):
        return "a process that has just started"
