"""The processes that train together: which one this is, and the few things that they must agree on.

Alone, a process is the first of one, and every question answers itself. Who starts several belongs to launch.py, how a model is
split to sharded.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.processes import UNDER_TORCHRUN

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: one of them may fetch a base model or hash a large checkpoint meanwhile."""
T = TypeVar("T")
_LOST = ("Connection closed by peer", "Connection reset by peer", "Connection refused", "Broken pipe")


class LostProcessError(LyoError):
    """Another of the processes that train together ended."""


@dataclass(frozen=True)
class Ranks:
    """This process (`rank`, from 0) among `count`; of the `local` ones on this machine it is number `local_rank`."""

    rank: int = 0
    count: int = 1
    local: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that reports, writes and decides."""
        return self.rank == 0

    def any(self, here: bool) -> bool:
        """Whether it holds in any process. All of them must ask."""
        return here if self.count == 1 else self.total(float(here))[0] > 0

    def total(self, *values: float) -> list[float]:
        """The sums over all processes, to the last bit the same in each."""
        if self.count == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(sums)
        dist.broadcast(sums, 0)
        return sums.tolist()

    def of_first(self, value: T) -> T:
        """What the first process says."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
        return box[0]

    def wait(self) -> None:
        """Until all are here."""
        self.total(0.0)

    def first_alone(self, work: Callable[[], T]) -> T:
        """What `work` gives, done by the first process alone before the others do it: what it makes for all is there by then.

        (Within a process group only the first process saves a model at all: the others' `save_pretrained` writes no weights.)
        """
        if not self.first:
            self.wait()
        found = work()
        if self.first:
            self.wait()
        return found

    def agree_to_stop(self, stop: StopRequest) -> bool:
        """Whether any process was asked to stop; then all of them are."""
        asked = self.any(stop.reason is not None)
        if asked and stop.reason is None:
            stop.reason = "another process of this training was asked to"
        return asked


ALONE = Ranks()


def announced(environment: Mapping[str, str] | None = None) -> Ranks:
    """Which process this is by what torchrun wrote into its environment; ALONE where it was started by itself."""
    told = os.environ if environment is None else environment
    if UNDER_TORCHRUN not in told:
        return ALONE
    return Ranks(*(int(told[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "LOCAL_RANK")))


def join(ranks: Ranks, device: str) -> None:
    """Meet the others: messages between processors go by gloo, tensors on GPUs by nccl. Alone there is nobody to meet."""
    if ranks.count == 1 or dist.is_initialized():
        return
    if device == "cuda":
        torch.cuda.set_device(ranks.local_rank)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=PATIENCE)


def lost_another(error: Exception) -> LostProcessError | None:
    """The error as one that says that another process ended, or None where it says something else."""
    if isinstance(error, RuntimeError) and any(sign in str(error) for sign in _LOST):
        return LostProcessError("another process of this training ended, so this one ends too.")
    return None
