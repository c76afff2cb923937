"""What is written when: whole batches or nothing, and on a full disk first what belongs to requests that were accepted.

Space is kept for them, and until it is free again nothing new is accepted. Threads and times do not belong here.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.serving.journal.records import begin_line, part_line
from lyo_pipelines.serving.journal.segments import Segments

Done = Callable[[OSError | None], None]
_log = logging.getLogger(__name__)


def _nobody(_: OSError | None) -> None:
    """Nobody waits for this one."""


@dataclass(frozen=True)
class Entry:
    """A line to append. opens: the row of a request that begins; part: more of its answer; closes: it ends one, or takes it back.

    must: it belongs to something that was accepted, so it is written as soon as it can be. sync: it is on the disk before `done` is
    called. counts: it makes a row.
    """

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


class Appender:
    """Appends to the newest segment and knows which requests have not ended. ended: rows of this segment so far."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._open: dict[str, _Open] = {}
        self._owed: list[Entry] = []
        self._full = not segments.keep_reserve()
        self._segment = segments.new(b"")
        self.ended = 0

    @property
    def owed(self) -> int:
        """Entries of accepted requests that the disk did not take yet."""
        return len(self._owed)

    def write(self, batch: Sequence[Entry]) -> None:
        """Write entries and tell each whether it is written; what is owed goes first."""
        owed, self._owed = self._owed, []
        if self._full:
            self._full = not self._segments.keep_reserve()
        if not self._full:
            try:
                self._append([*owed, *batch])
            except OSError as error:
                _log.error("the journal cannot be written: %s", error)
                self._full = True
                self._segments.give_reserve()
            else:
                return
        for entry in batch:
            if not entry.must:
                entry.done(OSError(errno.ENOSPC, "no space left for the journal"))
        owed += [entry for entry in batch if entry.must]
        try:
            self._append(owed)
        except OSError as error:
            for entry in owed:
                entry.done(error)
            self._owed = [replace(entry, done=_nobody) for entry in owed]  # it is told once, and written when it can be

    def go_on(self) -> None:
        """Go on in a new segment, which takes over the requests that have not ended; the old one is complete. Raises OSError."""
        old, self._segment = self._segment, self._segments.new(b"".join(self._carried()))
        self._segments.seal(old)
        self.ended = 0

    def finish(self) -> None:
        """Nobody writes any more."""
        self._segments.seal(self._segment, all_over=True)

    def _append(self, batch: Sequence[Entry]) -> None:
        """Write lines, whole or not at all. Raises OSError."""
        if not batch:
            return
        if self._segment.broken:
            self.go_on()
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
        self.ended += entry.counts

    def _carried(self) -> Iterable[bytes]:
        for interaction, found in self._open.items():
            yield begin_line(interaction, found.row)
            if found.parts:
                yield part_line(interaction, "".join(found.parts))
