"""Byte stream to blocks of whole, numbered lines in constant memory. What stands in a line belongs to the container readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True)
class Lines:
    """Whole lines of a file, joined by line feeds; `first` is the 1-based number of the first.

    too_long: full length in bytes when `data` is only the beginning of one line that exceeds the limit, else 0.
    """

    first: int
    data: bytes
    too_long: int = 0


def read_lines(stream: IO[bytes], *, block_bytes: int, max_line_bytes: int) -> Iterator[Lines]:
    """Yield the stream's lines in blocks of about `block_bytes`.

    Memory stays below block_bytes + max_line_bytes whatever the input: the rest of an overlong line is dropped as it is read.
    """
    number, pending, dropped = 1, b"", 0
    chunk = stream.read(block_bytes)
    while chunk:
        if dropped:  # inside an overlong line: look only for its end
            end = chunk.find(b"\n")
            dropped += len(chunk) if end < 0 else end
            if end >= 0:
                yield Lines(number, pending, too_long=len(pending) + dropped)
                number, pending, dropped, chunk = number + 1, b"", 0, chunk[end + 1 :]
        if not dropped:
            cut = chunk.rfind(b"\n")
            if cut >= 0:
                body = pending + chunk[:cut]
                yield Lines(number, body)
                number += body.count(b"\n") + 1
                pending = chunk[cut + 1 :]
            else:
                pending += chunk
            if len(pending) > max_line_bytes:
                pending, dropped = pending[:max_line_bytes], len(pending) - max_line_bytes
        chunk = stream.read(block_bytes)
    if dropped:
        yield Lines(number, pending, too_long=len(pending) + dropped)
    elif pending:
        yield Lines(number, pending)
