"""Reaching a Ray cluster, or starting one on this machine for the time of a run.

What Ray would do by itself and does not do here: report to its makers how it is used, open a dashboard, print its workers' output, lay
its files where other accounts read them, and take SIGTERM from whoever handled it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.scratch import SCRATCH_LOCK, remove_if_left

LOCAL = "local"
"""As an address: a cluster on this machine, for the time of a run."""
OBJECT_STORE_BYTES = 100 * 2**20
"""Of a cluster on this machine: dates and counts pass through it, rows never do (Ray takes 75 MB at least)."""
START_ATTEMPTS = 4
"""Ray gives a node 30 seconds to start, and a busy machine takes longer (seen with two cores and a load of ten)."""
START_SECONDS = 120.0
"""After so long no further attempt is made."""
_LONGEST_SOCKET = 107
"""Bytes of a socket's path: sun_path of unix(7) without its end."""
_BELOW = len("/r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")
_BUSY = "Where it timed out, this machine is too busy to start one: try again later, or set `cluster: curation: false`."
_ELSEWHERE = "LYO_RAY_ADDRESS says where it is; its nodes need the same versions of Python and Ray as this machine."


class ClusterError(LyoError):
    """The Ray cluster cannot be used, or failed beyond its retries."""


def load_ray() -> Any:
    """The library, told before it is loaded that nothing is reported. Raises ClusterError without the extra."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise ClusterError(
            "the configuration asks for a Ray cluster (`cluster:`), and Ray is not installed.",
            hint="pip install -c constraints.txt 'lyo_pipelines[ray]', or set it to false.",
        ) from error
    return ray


@contextmanager
def connected(address: str, *, local_workers: int) -> Iterator[Any]:
    """Ray, connected for the block. address: LOCAL, `host:port` of a head (from a node of its cluster) or `ray://host:port`.

    local_workers: processes of a cluster on this machine. A process that is connected already stays so. Raises ClusterError.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield ray
        return
    with _session_folder() as folder:
        options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
        if address == LOCAL:
            options |= {"num_cpus": local_workers, "num_gpus": 0, "include_dashboard": False}
            options |= {"object_store_memory": OBJECT_STORE_BYTES, "_temp_dir": str(folder)}
        try:
            _begin(ray, options, attempts=START_ATTEMPTS if address == LOCAL else 1)
            yield ray
        finally:
            ray.shutdown()


def _begin(ray: Any, options: dict[str, Any], *, attempts: int) -> None:
    begun = time.monotonic()
    for left in reversed(range(attempts)):
        try:
            with _keeping_sigterm(), _privately():
                ray.init(**options)
        except Exception as error:  # Ray raises whatever comes, also a bare Exception
            ray.shutdown()
            _end_started(options.get("_temp_dir"))
            if not left or time.monotonic() - begun > START_SECONDS:
                raise ClusterError(
                    f"the Ray cluster at {options['address']} cannot be used ({first_line(error)}).",
                    hint=_BUSY if options["address"] == LOCAL else _ELSEWHERE,
                ) from error
        else:
            return


def _end_started(folder: str | None) -> None:
    """End the processes of a start that failed: Ray does not, and they would slow down the next attempt."""
    import psutil

    for process in psutil.Process().children(recursive=True) if folder else ():
        with suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                process.kill()


def first_line(error: BaseException) -> str:
    """What an error says first; Ray's go on for pages."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@contextmanager
def _keeping_sigterm() -> Iterator[None]:
    """ray.init puts a handler of its own in the place of an orchestrator's, which would then not learn that it is to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _privately() -> Iterator[None]:
    """Ray keeps the token that its processes ask for in `~/.ray`; whoever reads it may run code."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _session_folder() -> Iterator[Path]:
    """A folder for Ray's sockets and logs, readable by this account alone, and removed; those of killed processes are removed, too.

    Ray opens what it is given to everybody, so it gets a folder inside. Paths of sockets must be short: `/tmp` where TMPDIR is long.
    """
    prefix = f"lyo-ray-{os.geteuid()}-"
    longest = _LONGEST_SOCKET - _BELOW - len(f"/{prefix}") - 8  # of tempfile's own letters
    parent = next((one for one in (tempfile.gettempdir(), "/tmp") if len(one) <= longest), tempfile.gettempdir())
    for left in Path(parent).glob(f"{prefix}*"):
        if (left / SCRATCH_LOCK).exists() and not left.is_symlink() and left.stat().st_uid == os.geteuid():
            remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with FileLock(str(folder / SCRATCH_LOCK)):
        try:
            yield folder / "r"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
