"""The thread that appends to the journal: what waits is written at once and brought to the disk once for all of it (group commit).

On a full disk answers that were begun may still end: space is kept for them, and until it is free again nothing new is accepted.
"""

from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.serving.journal.records import begin_line, part_line
from lyo_pipelines.serving.journal.segments import Segments

Done = Callable[[OSError | None], None]


def _nobody(_: OSError | None) -> None:
    """Nobody waits for this one."""


_RETRY_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A line to append. opens: the row of a request that begins; closes: whether it ends one (or takes it back); must: it belongs to
    something that was accepted, so it is written as soon as it can be; sync: it is on the disk before `done` is called."""

    line: bytes
    interaction: str = ""
    opens: RawRow | None = None
    part: str | None = None
    closes: bool = False
    must: bool = False
    sync: bool = False
    counts: bool = False
    done: Done = _nobody


@dataclass
class _Open:
    row: RawRow
    parts: list[str] = field(default_factory=list)


class Writer:
    """Appends entries in their order. rows, seconds: when a segment is sealed and goes to the inbox."""

    def __init__(self, segments: Segments, *, rows: int, seconds: float) -> None:
        self._segments, self._rows, self._seconds = segments, rows, seconds
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._open: dict[str, _Open] = {}
        self._owed: list[Entry] = []
        self._full = False
        self._ended, self._since = 0, time.monotonic()
        self._segment = segments.new(b"")
        segments.keep_reserve()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Entries that are not written yet."""
        return self._queue.qsize() + len(self._owed)

    def put(self, entry: Entry) -> None:
        """Append; from any thread."""
        self._queue.put(entry)

    def close(self) -> None:
        """Write what waits, seal the last segment, and end. Called once nobody puts any more."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch, last = self._next()
            if self._owed or batch:
                self._write([*self._owed, *batch])
            if last:
                break
            if self._ended >= self._rows or (self._ended and time.monotonic() - self._since >= self._seconds):
                self._seal()
            elif not batch:
                self._segments.publish_again()
        self._segments.finish(self._segment)

    def _next(self) -> tuple[list[Entry], bool]:
        """What waits, and whether it is the last; nothing after a while."""
        batch: list[Entry] = []
        with suppress(queue.Empty):
            entry = self._queue.get(timeout=min(_RETRY_SECONDS, self._seconds))
            while entry is not None:
                batch.append(entry)
                entry = self._queue.get_nowait()
            return batch, True
        return batch, False

    def _write(self, batch: list[Entry]) -> None:
        self._owed = []
        if self._full:
            self._full = not self._segments.keep_reserve()
        if not self._full:
            try:
                self._append(batch)
            except OSError as error:
                _log.error("the journal cannot be written: %s", error)
                self._full = True
                self._segments.give_reserve()
            else:
                return
        for entry in batch:
            if not entry.must:
                entry.done(OSError(errno.ENOSPC, "no space left for the journal"))
        owed = [entry for entry in batch if entry.must]
        try:
            self._append(owed)
        except OSError as error:
            for entry in owed:
                entry.done(error)
            self._owed = [replace(entry, done=_nobody) for entry in owed]  # it is told once, and written when it can be

    def _append(self, batch: list[Entry]) -> None:
        """Write lines, whole or not at all. Raises OSError."""
        if not batch:
            return
        if self._segment.broken:
            self._go_on()
        self._segment.append(b"".join(entry.line for entry in batch), sync=any(entry.sync for entry in batch))
        for entry in batch:
            self._follow(entry)
        for entry in batch:
            entry.done(None)

    def _follow(self, entry: Entry) -> None:
        if entry.opens is not None:
            self._open[entry.interaction] = _Open(entry.opens)
        elif entry.part is not None and (found := self._open.get(entry.interaction)) is not None:
            found.parts.append(entry.part)
        elif entry.closes:
            self._open.pop(entry.interaction, None)
        self._ended += entry.counts

    def _seal(self) -> None:
        try:
            self._go_on()
        except OSError as error:
            _log.error("the journal cannot be rotated: %s", error)
            self._since = time.monotonic()

    def _go_on(self) -> None:
        """Go on in a new segment, which takes over the requests that have not ended, and send the old one to the inbox."""
        old, self._segment = self._segment, self._segments.new(b"".join(self._carried()))
        self._segments.seal(old)
        self._ended, self._since = 0, time.monotonic()

    def _carried(self) -> Iterable[bytes]:
        for interaction, found in self._open.items():
            yield begin_line(interaction, found.row)
            if found.parts:
                yield part_line(interaction, "".join(found.parts))
