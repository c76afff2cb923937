"""The thread that appends to the journal: what waits is written at once and brought to the disk once for all of it (group commit)."""

from __future__ import annotations

import logging
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from lyo_pipelines.serving.journal.appending import Appender, Entry
from lyo_pipelines.serving.journal.segments import Segments

_TICK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Writer:
    """Appends entries in their order. rows, seconds: when a segment is sealed and goes to the inbox, beside the writing."""

    def __init__(self, segments: Segments, *, rows: int, seconds: float) -> None:
        self._segments, self._rows, self._seconds = segments, rows, seconds
        self._appender = Appender(segments)
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._since = time.monotonic()
        self._publisher = ThreadPoolExecutor(1, "journal-to-inbox")
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Entries that are not written yet."""
        return self._queue.qsize() + self._appender.owed

    def put(self, entry: Entry) -> None:
        """Append; from any thread."""
        self._queue.put(entry)

    def close(self) -> None:
        """Write what waits, send everything to the inbox, and end. Called once nobody puts any more."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        last = False
        while not last:
            batch, last = self._next()
            self._appender.write(batch)
            ended = self._appender.ended
            if ended >= self._rows or (ended and time.monotonic() - self._since >= self._seconds):
                self._seal()
            elif not batch and self._segments.sealed:
                self._publisher.submit(self._publish)  # what could not be put into the inbox
        self._appender.finish()
        self._publisher.submit(self._publish)
        self._publisher.shutdown(wait=True)

    def _next(self) -> tuple[list[Entry], bool]:
        """What waits, and whether it is the last; nothing after a while."""
        batch: list[Entry] = []
        with suppress(queue.Empty):
            entry = self._queue.get(timeout=min(_TICK_SECONDS, self._seconds))
            while entry is not None:
                batch.append(entry)
                entry = self._queue.get_nowait()
            return batch, True
        return batch, False

    def _seal(self) -> None:
        self._since = time.monotonic()
        try:
            self._appender.go_on()
        except OSError as error:
            _log.error("the journal cannot be rotated, tried again later: %s", error)
        else:
            self._publisher.submit(self._publish)

    def _publish(self) -> None:
        try:
            self._segments.publish()
        except OSError as error:
            _log.error("rows cannot be put into the inbox, tried again later: %s", error)
