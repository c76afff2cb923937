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
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.scratch import process_scratch

IN_MEMORY = 2**62
"""For `mapped_from`: nothing is put aside on disk."""


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
            raise no_space(size) from error
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
            raise no_space(self.size) from error

    def array(self, dtype: Any) -> np.ndarray:
        """Everything written so far, as a flat array that is only read; nothing may be written behind it."""
        if isinstance(self._held, BytesIO):
            return np.frombuffer(self._held.getbuffer(), dtype)
        self._held.flush()
        return np.asarray(np.memmap(self._held, dtype, "r"))


class TextSpool:
    """Texts put aside one array after the other. A null becomes an empty text."""

    def __init__(self, mapped_from: int) -> None:
        """Start with none; they lie in files from `mapped_from` bytes on."""
        self._characters, self._ends, self._total = Spool(mapped_from), Spool(mapped_from), 0
        self._ends.write(np.zeros(1, np.int64))

    def add(self, part: Any) -> None:
        """Append the texts of an Arrow array."""
        texts = pc.fill_null(part, "").cast(pa.large_string())
        if not len(texts):
            return
        _, offsets, characters = texts.buffers()
        there = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        self._ends.write(there[1:] - there[0] + self._total)
        if characters is not None:
            self._characters.write(np.frombuffer(characters, np.uint8)[there[0] : there[-1]])
        self._total += int(there[-1] - there[0])

    def texts(self) -> pa.LargeStringArray:
        """Everything added so far; nothing may be added behind it."""
        borders, characters = self._ends.array(np.int64), self._characters.array(np.uint8)
        return pa.LargeStringArray.from_buffers(len(borders) - 1, pa.py_buffer(borders), pa.py_buffer(characters))


def working_texts(parts: Iterable[Any], mapped_from: int) -> pa.LargeStringArray:
    """All texts of some Arrow arrays as one array, of which one at a time is in memory; see TextSpool."""
    spool = TextSpool(mapped_from)
    for part in parts:
        spool.add(part)
    return spool.texts()


class EqualHashes:
    """Owners of hashes; those with equal hashes are wanted together. They lie in parts, by the hash; one part at a time is sorted."""

    def __init__(self, entries: int, mapped_from: int) -> None:
        """entries: about how many there will be, by which the parts are as large as `mapped_from` bytes, or a 256th of all."""
        self._parts = min(-(-max(16 * entries, 1) // mapped_from), 256)
        # of several parts none waits in memory: together they would be as large as the list
        self._spools = [Spool(mapped_from if self._parts == 1 else 1) for _ in range(self._parts)]

    def add(self, hashes: np.ndarray, owners: np.ndarray) -> None:
        """Append hashes (n,) of 64 bits, and whose they are (n,), integers."""
        told = hashes.astype(np.uint64)
        part = (((told * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) % np.uint64(self._parts)).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        entries = np.column_stack([told[order], owners[order].astype(np.uint64)])
        borders = np.cumsum(np.bincount(part, minlength=self._parts))[:-1]
        for spool, mine in zip(self._spools, np.split(entries, borders), strict=True):
            spool.write(mine)

    def parts(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(hashes uint64, owners int64) of each part, sorted by both; a part is given up when the next one is asked for."""
        while self._spools:
            entries = self._spools.pop().array(np.uint64).reshape(-1, 2)
            order = np.lexsort((entries[:, 1], entries[:, 0]))
            yield entries[order, 0], entries[order, 1].astype(np.int64)


def _unnamed() -> Any:
    """A file that no folder lists: the system frees its space when nothing refers to it any more."""
    return tempfile.TemporaryFile(dir=process_scratch())


def no_space(size: int) -> WorkingSpaceError:
    """What to raise where so many bytes cannot be put aside."""
    folder = process_scratch().parent
    free = shutil.disk_usage(folder).free
    return WorkingSpaceError(
        f"{size / 1e9:.1f} GB have to be put aside in {folder}, where {free / 1e9:.1f} GB are free",
        hint="Set LYO_LOCAL_DIR to a folder on a larger disk (docs/scale.md says how much a split needs).",
    )
