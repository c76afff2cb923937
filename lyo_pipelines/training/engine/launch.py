"""Several processes for one training on this machine, started and watched by torchrun's own launcher.

This process holds the devices, speaks to Dagster of what comes before and after, passes a signal on, and ends all when one ends
badly. Several machines are started by torchrun on each of them (see docs/several-devices.md): this only says how.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import uuid
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.stopping import Interrupted, StopRequest

MODULE = "lyo_pipelines.training.engine"
STOPPING_SECONDS = 120
"""How long the processes may take to end a step and write its checkpoint after a signal."""
_STOPPED = {128 + number for number in (signal.SIGINT, signal.SIGTERM)}


class FailedProcessError(LyoError):
    """One of the processes of a training ended badly, so all of them did."""


def run_processes(count: int, arguments: Sequence[str], *, threads: int | None, stop: StopRequest) -> None:
    """Run the training's command in `count` processes to its end; threads: of each, on a CPU (None: as the environment says).

    Raises FailedProcessError when one ends badly (the others are ended then), Interrupted after a signal to us or to one of them.
    """
    _silence()
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ.setdefault(
        "GLOO_SOCKET_IFNAME", _loopback()
    )  # they are all here, whatever this machine's name resolves to
    stop.at_once = True  # nothing here has a step to end
    stop.check()
    with tempfile.TemporaryDirectory(prefix="lyo-processes-") as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=count,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
            shutdown_timeout=STOPPING_SECONDS,
        )
        try:
            elastic_launch(config, sys.executable)("-m", MODULE, *arguments)
        except SignalException as error:
            stop.reason = stop.reason or signal.Signals(error.sigval).name
            raise Interrupted(stop.reason) from error
        except ChildFailedError as error:
            rank, code = _cause(error)
            if code in _STOPPED:
                stop.reason = stop.reason or signal.Signals(code - 128).name
                raise Interrupted(stop.reason) from error
            raise FailedProcessError(_said(rank, count, code)) from error


def _loopback() -> str:
    """The network interface that does not leave this machine."""
    return next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")


def _silence() -> None:
    """The launcher's own log would say at length what we say in a sentence."""
    for name in ("torch.distributed.elastic", "torch.distributed.launcher"):
        log = logging.getLogger(name)
        log.addHandler(logging.NullHandler())
        log.propagate = False


def _cause(error: ChildFailedError) -> tuple[int, int]:
    """(rank, exit code) of the process that pulled the others down: one that was killed, else the first that ended."""
    killed = [(rank, failure.exitcode) for rank, failure in error.failures.items() if failure.exitcode < 0]
    rank, failure = error.get_first_failure()
    return killed[0] if killed else (rank, failure.exitcode)


def _said(rank: int, count: int, code: int) -> str:
    """What is said of the process that ended first."""
    if code < 0:
        return (
            f"process {rank} of {count} was killed by {signal.Signals(-code).name}, and the others were ended. "
            "Start again: it resumes from its last checkpoint."
        )
    return f"process {rank} of {count} failed (exit code {code}) and the others were ended; what it said stands above."
