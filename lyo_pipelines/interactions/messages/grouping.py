"""Rows of a file by the conversation they belong to, wherever they stand in it, in bounded memory.

Rows are held as bytes; beyond a size they are sorted and put aside in a file on this machine's disk that no folder lists, and all such
runs are merged in the end. Texts of people lie there as long as the file is read, and are gone with it or with the process.
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import IO, TypeAlias

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.scratch import process_scratch
from lyo_pipelines.storage.working_space import no_space

_MOST_RUNS = 128
"""Files open at once: more runs are merged to one."""
_BESIDE = 200
"""Bytes that a held row takes beside its content."""

Entry: TypeAlias = tuple[str, int, bytes]
"""Conversation, number of the row in the file, the row's bytes."""


class ByConversation:
    """Collects rows and gives them back conversation by conversation, the rows of each in the order of the file."""

    def __init__(self, buffer_bytes: int) -> None:
        """Start with none. buffer_bytes: how much is held in memory before it is put aside."""
        self._buffer_bytes = buffer_bytes
        self._held: list[Entry] = []
        self._size = 0
        self._runs: list[IO[bytes]] = []

    def add(self, conversation: str, line: int, row: RawRow) -> None:
        """Take one row. Raises WorkingSpaceError where the disk is full."""
        content = pickle.dumps(row, pickle.HIGHEST_PROTOCOL)
        self._held.append((conversation, line, content))
        self._size += len(content) + len(conversation) + _BESIDE
        if self._size >= self._buffer_bytes:
            self._put_aside()

    def conversations(self, most_messages: int) -> Iterator[tuple[str, list[tuple[int, bytes]], bool]]:
        """(conversation, [(number of the row, its bytes)], whether it is too long) of all rows. To be called once.

        One of more than `most_messages`, or of more bytes than are held, comes in pieces that are all too long. While everything was
        held in memory, conversations come in the order in which they begin in the file. `row_of` makes rows of the bytes.
        """
        if not self._runs:
            together: dict[str, list[tuple[int, bytes]]] = {}
            for conversation, line, content in self._held:
                together.setdefault(conversation, []).append((line, content))
            self._held.clear()
            yield from ((name, rows, len(rows) > most_messages) for name, rows in together.items())
            return
        self._put_aside()
        for conversation, entries in groupby(_merged(self._runs), key=itemgetter(0)):
            rows, size, too_long = list[tuple[int, bytes]](), 0, False
            for _, line, content in entries:
                rows.append((line, content))
                size += len(content) + _BESIDE
                if len(rows) > most_messages or size > self._buffer_bytes:
                    yield conversation, rows, True
                    rows, size, too_long = [], 0, True
            if rows:
                yield conversation, rows, too_long
        self.close()

    def close(self) -> None:
        """Give up what was put aside."""
        for run in self._runs:
            run.close()
        self._runs.clear()

    def _put_aside(self) -> None:
        if not self._held:
            return
        self._held.sort(key=itemgetter(0, 1))
        self._runs.append(_written(self._held, self._size))
        self._held.clear()
        self._size = 0
        if len(self._runs) >= _MOST_RUNS:
            merged = _written(_merged(self._runs), self._buffer_bytes * len(self._runs))
            self.close()
            self._runs.append(merged)


def row_of(content: bytes) -> RawRow:
    """The row that was added."""
    return pickle.loads(content)  # bytes that this process wrote, in a file that nobody else can open


def _written(entries: Iterable[Entry], size: int) -> IO[bytes]:
    run = tempfile.TemporaryFile(dir=process_scratch())  # noqa: SIM115 - it is closed when it was merged
    try:
        for entry in entries:
            pickle.dump(entry, run, pickle.HIGHEST_PROTOCOL)
        run.flush()
    except OSError as error:
        run.close()
        raise no_space(size) from error
    run.seek(0)
    return run


def _entries(run: IO[bytes]) -> Iterator[Entry]:
    while True:
        try:
            yield pickle.load(run)  # as in row_of
        except EOFError:
            return


def _merged(runs: Iterable[IO[bytes]]) -> Iterator[Entry]:
    return heapq.merge(*map(_entries, runs), key=itemgetter(0, 1))
