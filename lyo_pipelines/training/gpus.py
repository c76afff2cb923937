"""Which GPUs this machine shows, by their own ids, without touching one: a process chooses its GPU before CUDA starts in it.

A lock is named by a GPU's own id, so that CUDA_VISIBLE_DEVICES, which numbers them anew in each process, cannot hide it. Light.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence

VISIBLE = "CUDA_VISIBLE_DEVICES"
_LINE = re.compile(r"^\s*(?:GPU|MIG)\b.*\(UUID: ((?:GPU|MIG)-[\w/-]+)\)\s*$", re.MULTILINE)
_LOCK = "gpu-"


def listed_gpus() -> list[str]:
    """The ids of all GPUs (and of the parts of one that is split) as nvidia-smi lists them; none where there is no such program."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return _LINE.findall(done.stdout) if done.returncode == 0 else []


def visible_gpus(listed: Sequence[str], visible: str | None) -> list[str]:
    """Those that CUDA_VISIBLE_DEVICES lets this process see, in its order: numbers, ids, or beginnings of ids; None: all.

    As CUDA reads it: an entry that names none ends the list.
    """
    if visible is None:
        whole = [one for one in listed if one.startswith("GPU-")]
        return whole or list(listed)
    found: list[str] = []
    for entry in (part.strip() for part in visible.split(",")):
        numbered = [one for one in listed if one.startswith("GPU-")]
        named = [one for one in listed if entry and one.startswith(entry)]
        if entry.isdigit() and int(entry) < len(numbered):
            found.append(numbered[int(entry)])
        elif len(named) == 1:
            found += named
        else:
            break
    return found


def lock_name(gpu: str) -> str:
    """The name of a GPU's lock."""
    return _LOCK + gpu.removeprefix("GPU-")


def show_only(locks: Sequence[str]) -> None:
    """Let this process, and those that it starts, see only the GPUs of these locks, in their order; before CUDA starts."""
    ids = (lock.removeprefix(_LOCK) for lock in locks)
    os.environ[VISIBLE] = ",".join(one if one.startswith("MIG-") else f"GPU-{one}" for one in ids)
