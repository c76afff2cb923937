"""What a training ran on, in a few words: what a forecast groups runs by and a price is looked up for. Never a host's name."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def machine_name(device: str, *, threads: int | None = None) -> str:
    """ "NVIDIA H200" of a GPU; "CPU, 2 threads, <model of the processor>" of a CPU. threads: None for all that this process may
    use."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    count = threads or len(os.sched_getaffinity(0))
    parts = ["CPU", f"{count} thread{'' if count == 1 else 's'}", *_processor()]
    return ", ".join(parts)


def _processor() -> list[str]:
    """The processor's own name, where the system tells it."""
    try:
        found = re.search(
            r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
        )
    except OSError:
        return []
    return [" ".join(found[1].split())] if found else []
