"""Arrays and texts of one computation that may be larger than memory: beyond a size they lie in files on this machine's disk.

The files have no name and are mapped into memory, so that numpy and Arrow read them like any array, the system keeps in memory what
is used, and they are gone with the last reference or the process, however it ends. They lie in the scratch folder (scratch.py).
"""

# pyarrow brings no types, so every array is unknown here:
# pyright: reportUnknownMemberType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.scratch import process_scratch


class WorkingSpaceError(LyoError):
    """The disk of the scratch folder has too little space for what a computation puts aside."""


def working_array(shape: tuple[int, ...], dtype: Any, mapped_from: int) -> np.ndarray:
    """An array of zeros that may be written to; in a file where it has `mapped_from` bytes or more.

    Raises WorkingSpaceError where the disk cannot hold it: the space is taken at once.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size < max(mapped_from, 1):
        return np.zeros(shape, dtype)
    with _unnamed() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a mapped page that finds no space later would end the process
        except OSError as error:
            raise _no_space(size) from error
        return np.asarray(np.memmap(file, dtype, "r+", shape=shape))


class Spool:
    """Bytes written one after the other, in memory until they are `mapped_from`, in a file from then on."""

    def __init__(self, mapped_from: int) -> None:
        """Start with none."""
        self._most = mapped_from
        self._held: BytesIO | BinaryIO = BytesIO()
        self.size = 0

    def write(self, block: Any) -> None:
        """Append the bytes of a buffer. Raises WorkingSpaceError where the disk is full."""
        view = memoryview(block).cast("B") if len(block) else b""
        self.size += len(view)
        try:
            if isinstance(self._held, BytesIO) and self.size >= self._most:
                before, self._held = self._held, _unnamed()
                self._held.write(before.getbuffer())
            self._held.write(view)
        except OSError as error:
            raise _no_space(self.size) from error

    def array(self, dtype: Any) -> np.ndarray:
        """Everything written so far, as a flat array that is only read; nothing may be written behind it."""
        if isinstance(self._held, BytesIO):
            return np.frombuffer(self._held.getbuffer(), dtype)
        self._held.flush()
        return np.asarray(np.memmap(self._held, dtype, "r"))


def working_texts(parts: Iterable[Any], mapped_from: int) -> pa.LargeStringArray:
    """All texts of some Arrow arrays, one after the other, as one array; in a file where they have `mapped_from` bytes or more.

    A null becomes an empty text. Only one part is in memory at a time.
    """
    data, ends, total = Spool(mapped_from), Spool(mapped_from), 0
    ends.write(np.zeros(1, np.int64))
    for part in parts:
        texts = pc.fill_null(part, "").cast(pa.large_string())
        _, offsets, characters = texts.buffers()
        if not len(texts):
            continue
        there = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        ends.write(there[1:] - there[0] + total)
        if characters is not None:
            data.write(np.frombuffer(characters, np.uint8)[there[0] : there[-1]])
        total += int(there[-1] - there[0])
    borders = ends.array(np.int64)
    return pa.LargeStringArray.from_buffers(len(borders) - 1, pa.py_buffer(borders), pa.py_buffer(data.array(np.uint8)))


def _unnamed() -> Any:
    """A file that no folder lists: the system frees its space when nothing refers to it any more."""
    return tempfile.TemporaryFile(dir=process_scratch())


def _no_space(size: int) -> WorkingSpaceError:
    folder = process_scratch().parent
    free = shutil.disk_usage(folder).free
    return WorkingSpaceError(
        f"{size / 1e9:.1f} GB have to be put aside in {folder}, where {free / 1e9:.1f} GB are free",
        hint="Set LYO_LOCAL_DIR to a folder on a larger disk (docs/scale.md says how much a split needs).",
    )
