"""On which devices a training may run here. Which of them are free belongs to lock.py; transformers is not loaded for it."""

from __future__ import annotations

import os

import torch

from lyo_pipelines.training.gpus import VISIBLE, listed_gpus, lock_name, visible_gpus
from lyo_pipelines.training.lock import NoDeviceError
from lyo_pipelines.training.recipes import Recipe


def choose_device(recipe: Recipe) -> tuple[str, list[str]]:
    """Return (torch device, names of the locks of what may be used): a GPU's own, or that of the CPU. CUDA is not started by it.

    Raises NoDeviceError when the recipe wants a GPU and there is none.
    """
    gpus: list[str] = []
    if recipe.device != "cpu" and torch.backends.cuda.is_built():
        gpus = visible_gpus(listed_gpus(), os.environ.get(VISIBLE))
        if (
            not gpus and torch.cuda.is_available()
        ):  # without nvidia-smi CUDA itself must be asked, and then it shows what it shows
            gpus = [f"GPU-{torch.cuda.get_device_properties(n).uuid}" for n in range(torch.cuda.device_count())]
    if gpus:
        return "cuda", [lock_name(gpu) for gpu in gpus]
    if recipe.device == "cuda":
        raise NoDeviceError(
            f"recipe {recipe.name!r} wants a GPU and this machine shows none: use another recipe (cpu_demo) or --set device=cpu."
        )
    return "cpu", ["cpu"]
