"""In which number format a training multiplies on the device at hand: the recipe's where that is native, else float32.

A CPU without instructions for bfloat16 emulates it, about forty times slower than float32: a training would seem to stand still.
Light: torch is asked only about a GPU.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from lyo_pipelines.training.recipes import Recipe

Dtype = Literal["float32", "bfloat16"]
_CPUINFO = Path("/proc/cpuinfo")
_NATIVE = re.compile(r"\b(avx512_bf16|amx_bf16|bf16)\b")
"""As Linux names the instructions: AVX-512 and AMX on x86, the last one on ARM."""


def multiplies_bfloat16(device: str) -> bool:
    """Whether a device ("cpu", "cuda" or "cuda:0") multiplies bfloat16 natively; a CPU that does not say so does not."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        return _NATIVE.search(_CPUINFO.read_text(encoding="utf-8")) is not None
    except OSError:
        return False


def training_dtype(recipe: Recipe, device: str) -> Dtype:
    """The dtype of a recipe's products on this device."""
    return "bfloat16" if recipe.dtype == "bfloat16" and multiplies_bfloat16(device) else "float32"
