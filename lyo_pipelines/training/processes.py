"""How many processes train together on this machine: what a recipe's `devices` means here. Light: no torch."""

from __future__ import annotations

import os

from lyo_pipelines.training.recipes import Recipe

UNDER_TORCHRUN = "TORCHELASTIC_RUN_ID"
"""In the environment of a process that torchrun started, alone or beside others."""


def local_processes(recipe: Recipe, gpus: int, cores: int | None = None) -> int:
    """Processes on this machine. gpus: that it may use, 0 for a training on the CPU; cores: default, those of this process.

    `auto` takes as many as there are, lowered to what the micro-batches of a step can be dealt to evenly.
    """
    if recipe.devices != "auto":
        return recipe.devices
    most = gpus or cores or len(os.sched_getaffinity(0))
    return next(count for count in range(most, 0, -1) if recipe.batch.accumulation % (count * recipe.nodes) == 0)


def torchrun_command(recipe: Recipe, processes: int, arguments: list[str]) -> str:
    """What to type on each of a recipe's nodes. arguments: of the training's command."""
    words = [
        "torchrun",
        f"--nnodes={recipe.nodes}",
        f"--nproc-per-node={processes}",
        "--rdzv-backend=c10d",
        "--rdzv-endpoint=FIRST_NODE:29500",
        "--rdzv-id=NAME",
        "--max-restarts=0",
        "-m lyo_pipelines.training.engine",
        *arguments,
    ]
    return " ".join(words)
