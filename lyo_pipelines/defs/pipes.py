"""How a child process's messages are read: whole lines only. What the messages say belongs to the engines that send them.

Dagster's own reader of a message file parses whatever stands after the last line end; a message of more than a few kilobytes
(a picture) that it meets half written ends its thread, and the materialization is lost with it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

POLL_SECONDS = 0.02
_BLOCK = 1 << 16


class WholeLinesReader(dg.PipesMessageReader):
    """Reads messages from a temporary file that the child appends to, each once its line is complete."""

    @contextmanager
    def read_messages(self, handler: dg.PipesMessageHandler) -> Iterator[dict[str, Any]]:  # as Dagster declares it
        """Follow a new file in a thread until the session closes; yields where the child has to write."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "messages"
            path.touch()
            closed = threading.Event()
            thread = threading.Thread(target=_follow, args=(path, closed, handler), daemon=True)
            thread.start()
            try:
                yield {"path": str(path)}
            finally:
                closed.set()
                thread.join()

    def no_messages_debug_text(self) -> str:
        """What to say when nothing came."""
        return "Attempted to read messages from a local temporary file."


def _follow(path: Path, closed: threading.Event, handler: dg.PipesMessageHandler) -> None:
    try:
        for line in whole_lines(blocks(path, closed)):
            handler.handle_message(json.loads(line))
    except Exception:
        handler.report_pipes_framework_exception("WholeLinesReader", sys.exc_info())
        raise


def blocks(path: Path, closed: threading.Event) -> Iterator[bytes]:
    """What is appended to a file, as it comes, until `closed` is set and the end is reached."""
    with path.open("rb") as handle:
        while True:
            ending = closed.is_set()  # asked first: what was written before it was set is still read
            if block := handle.read(_BLOCK):
                yield block
            elif ending:
                return
            else:
                closed.wait(POLL_SECONDS)


def whole_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join parts and yield line by line; a last line without its end, which a killed writer leaves, is left out."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
