"""The files of a journal: segments that are appended to, sealed, turned into files of the inbox, and then gone.

A segment is removed only after its rows lie in the inbox, and none before those that came earlier: a request that was carried over
into a later segment must not be taken for one that never ended. Publishing again gives the same bytes under the same name.
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lyo_pipelines.serving.journal.records import SegmentRows, as_lines, fold
from lyo_pipelines.storage.lake import TEMPORARY, Lake

SUFFIX = ".jsonl"
RESERVE = "reserve"


class Segment:
    """An open file of lines. broken: what was written last may not have reached the disk, so nothing may follow it."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self._size = path, size
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self.broken = False

    def append(self, data: bytes, *, sync: bool) -> None:
        """Append all of it, or nothing. Raises OSError."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            self.broken = not self._taken_back()
            raise
        if sync:
            try:
                os.fsync(self._file)
            except OSError:
                self._taken_back()
                self.broken = True  # nobody knows what of the earlier lines is on the disk
                raise
        self._size += len(data)

    def close(self) -> None:
        """End it, on the disk as far as the disk lets it."""
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)

    def _taken_back(self) -> bool:
        """Whether the file ends again where it did."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            return False  # half a line may be at its end: it counts for nothing
        return True


class Segments:
    """The segments of one folder, in order of their names, and the inbox that they go to. clock: seconds since 1970.

    sealed: those that are complete and not yet in the inbox, oldest first.
    """

    def __init__(self, folder: Path, lake: Lake, *, reserve_bytes: int, clock: Callable[[], float]) -> None:
        self._folder, self._lake, self._reserve, self._clock = folder, lake, reserve_bytes, clock
        self.sealed: deque[tuple[Path, bool]] = deque()
        self._newest = ""

    def recover(self) -> int:
        """Send to the inbox what a gateway that was killed left behind; how many rows."""
        for left in self._folder.glob(f"{TEMPORARY}*"):
            left.unlink()
        paths = sorted(self._folder.glob(f"*{SUFFIX}"))
        rows = fold([path.read_bytes() for path in paths], all_over=True)
        for path, found in zip(paths, rows, strict=True):
            self._publish(path, found)
        return sum(len(found.interactions) for found in rows)

    def new(self, carried: bytes) -> Segment:
        """A new segment that begins with what is carried over; it is there whole or not at all."""
        name = f"{int(self._clock() * 1e6):017d}-{uuid.uuid4().hex[:8]}"
        if name <= self._newest:  # the clock was set back: names still grow
            name = f"{int(self._newest.partition('-')[0]) + 1:017d}-{uuid.uuid4().hex[:8]}"
        path = self._folder / f"{name}{SUFFIX}"
        temporary = self._folder / f"{TEMPORARY}{name}"
        try:
            _write_synced(temporary, carried)
            temporary.replace(path)
            _sync_folder(self._folder)
            segment = Segment(path, len(carried))
        except OSError:
            for left in (temporary, path):  # what it would carry over stays in the old one
                left.unlink(missing_ok=True)
            raise
        self._newest = name
        return segment

    def seal(self, old: Segment, *, all_over: bool = False) -> None:
        """It is complete. all_over: no other goes on, so what has not ended in it never will."""
        old.close()
        self.sealed.append((old.path, all_over))

    def publish(self) -> None:
        """Send the complete segments to the inbox. Raises OSError; what is left is tried again, here or at the next start."""
        while self.sealed:
            path, all_over = self.sealed[0]
            self._publish(path, fold([path.read_bytes()], all_over=all_over)[0])
            self.sealed.popleft()

    def keep_reserve(self) -> bool:
        """Have the reserve on the disk; whether it is there."""
        path = self._folder / RESERVE
        if path.exists() and path.stat().st_size == self._reserve:
            return True
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                if self._reserve:
                    os.posix_fallocate(handle, 0, self._reserve)
            finally:
                os.close(handle)
        except OSError:
            self.give_reserve()
            return False
        return True

    def give_reserve(self) -> None:
        """Free the space that was kept."""
        (self._folder / RESERVE).unlink(missing_ok=True)

    def _publish(self, path: Path, rows: SegmentRows) -> None:
        name = path.name.removesuffix(SUFFIX)
        for found, file in ((rows.interactions, f"gateway-{name}"), (rows.feedback, f"gateway-{name}-feedback")):
            target = self._lake.side("inbox", f"{file}{SUFFIX}")
            if found and not self._lake.exists(target):
                self._lake.write_text(as_lines(found).decode(), target)
        path.unlink()
        _sync_folder(self._folder)


def _write_synced(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    segment = Segment(path, 0)
    try:
        segment.append(data, sync=True)
    finally:
        segment.close()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
