"""The journal as the gateway's event loop uses it: nothing here blocks, and what returns is as safe as it says."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.serving.journal.appending import Entry
from lyo_pipelines.serving.journal.records import begin_line, drop_line, end_line, feedback_line, part_line
from lyo_pipelines.serving.journal.segments import Segments
from lyo_pipelines.serving.journal.writer import Writer
from lyo_pipelines.storage.lake import Lake

_REMEMBERED = 10_000
"""Interactions whose last feedback is remembered, so that the same said twice is one row."""


class JournalFullError(Exception):
    """What was to be written is not on the disk."""


class JournalTakenError(LyoError):
    """Another gateway writes the journal of this data directory."""


class Journal:
    """One journal of one data directory, used within one event loop. recovered: rows that a killed gateway left behind."""

    def __init__(self, writer: Writer, recovered: int, end: ExitStack) -> None:
        self._writer, self.recovered, self._end = writer, recovered, end
        self._said: OrderedDict[str, bytes] = OrderedDict()

    @classmethod
    def opened(
        cls, lake: Lake, *, rows: int, seconds: float, reserve_bytes: int, clock: Callable[[], float]
    ) -> Journal:
        """Recover what was left behind and begin. clock: seconds since 1970. Blocks while it reads.

        Raises JournalTakenError; NotLocalError on a remote lake.
        """
        folder = lake.local(lake.side("gateway", "journal"))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as undo:
            undo.enter_context(_only_writer(folder))
            segments = Segments(folder, lake, reserve_bytes=reserve_bytes, clock=clock)
            recovered = segments.recover()
            return cls(Writer(segments, rows=rows, seconds=seconds), recovered, undo.pop_all())

    @property
    def waiting(self) -> int:
        """Lines that are not written yet."""
        return self._writer.waiting

    async def begin(self, interaction: str, row: RawRow) -> None:
        """Accept a request: a kill of this process does not lose it any more. Raises JournalFullError."""
        await self._put(Entry(begin_line(interaction, row), interaction, opens=row))

    def part(self, interaction: str, text: str) -> None:
        """Remember what was told of its answer, in case it never ends."""
        self._writer.put(Entry(part_line(interaction, text), interaction, part=text))

    def drop(self, interaction: str) -> None:
        """It was turned away after all."""
        self._writer.put(Entry(drop_line(interaction), interaction, closes=True, must=True))

    async def end(self, interaction: str, row: RawRow) -> None:
        """Its answer ends; it is on the disk when this returns. Raises JournalFullError; it is written all the same when it can be."""
        line = end_line(interaction, row)
        await self._put(Entry(line, interaction, closes=True, must=True, sync=True, counts=True))

    async def feedback(self, target: str, row: RawRow, at: str) -> bool:
        """Keep feedback; whether it says something new. Raises JournalFullError. row: without its time, which is `at`."""
        said, before = orjson.dumps(row, option=orjson.OPT_SORT_KEYS), self._said.pop(target, None)
        self._said[target] = said
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if before == said:
            return False
        try:
            await self._put(Entry(feedback_line({**row, "feedback_at": at}), sync=True, counts=True))
        except JournalFullError:
            self._said.pop(target, None)
            raise
        return True

    async def close(self) -> None:
        """Write what waits and send everything to the inbox."""
        await asyncio.to_thread(self._writer.close)
        self._end.close()

    async def _put(self, entry: Entry) -> None:
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()

        def tell(error: OSError | None) -> None:
            if written.done():  # nobody waits any more
                return
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(JournalFullError(str(error)))

        self._writer.put(replace(entry, done=lambda error: loop.call_soon_threadsafe(tell, error)))
        await written


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / ".lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise JournalTakenError(
            f"another gateway writes {folder}.", hint="Stop it, or give this one another data directory (LYO_DATA_DIR)."
        ) from None
    try:
        yield
    finally:
        lock.release()
