"""What went wrong, as an error that a person can mend: a full disk and too little memory look different in each library."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from lyo_pipelines.errors import LyoError
from lyo_pipelines.machine import FullDiskError, machine_error

FULL_BELOW_BYTES = 8 * 2**20
"""torch says only that its writer failed: with less than this left on the disk, that is why."""
_SHOWN = 150


class OutOfMemoryError(LyoError):
    """The device or the machine has not the memory that a step takes."""


def explained(error: Exception, folder: Path, *, go_on: str, less_memory: str) -> LyoError | None:
    """The error as one that a person can mend, or None when it is a fault of ours.

    folder: where the process writes (it need not be there yet). go_on: what to do once the machine is mended. less_memory: a
    sentence that says how to do with less.
    """
    text = (str(error) or type(error).__name__)[:_SHOWN]
    full = FullDiskError(f"the disk of {folder} is full ({text}).", hint=f"Free some space and {go_on}.")
    if any("No space left" in str(one) for one in _chain(error)):
        return error if isinstance(error, FullDiskError) else full
    if isinstance(error, LyoError):
        return error
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if shutil.disk_usage(there).free < FULL_BELOW_BYTES:
        return full
    if is_out_of_memory(error):
        return OutOfMemoryError(f"out of memory ({text}).", hint=less_memory)
    return machine_error(error, folder, go_on=go_on) if isinstance(error, OSError) else None


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out: Python's, a GPU's, or that of torch's allocator for the CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, nearest first."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__
