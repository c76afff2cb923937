"""JSON that is not one object a line (an array, an object around arrays, pretty-printed objects) to lines of one value each.

The values are found by their brackets, in constant memory, and handed on as `Lines`, so that all after it is as with JSON lines; the
number of a line is the number of its value in the file, from 1. A broken value is one line: reading goes on where the next one
begins on a line of its own as the first did; without such lines, all that follows it is lost with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import orjson

from lyo_pipelines.interactions.reading.json_brackets import BracketScanner
from lyo_pipelines.interactions.reading.json_envelope import envelope_around, is_beside, is_rows
from lyo_pipelines.interactions.reading.lines import Lines

_ROWS = 8_192
_LOOK_AHEAD = 1 << 18
_OVERLAP = 4_096
_SPACE = b" \t\r\n,:"
_FIRST_NAME = re.compile(rb'\{(\s*)("(?:[^"\\\r\n]|\\.)*"\s*:)')
_SCALAR = re.compile(rb'"(?:[^"\\\r\n]|\\.)*"|[^",\]}\s]+')
_AFTER = re.compile(rb"\s*+(.)", re.DOTALL)
_MAY_FOLLOW = b",:]}{["
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_STILL_BROKEN = bytes.maketrans(b"\r\n", b"\0\0")
"""A line feed within a string must not become a space: that would mend a value into another one."""
_NO_END = b"["
"""Stands for what is missing where a file ends within an array: a value that no reader of JSON takes."""


@dataclass(frozen=True)
class _Value:
    """One value's bytes; size: its full length, more than the bytes where only its beginning was kept."""

    data: bytes
    size: int


def json_lines(stream: IO[bytes], *, block_bytes: int, max_row_bytes: int) -> Iterator[Lines]:
    """Yield the rows of a JSON text, one a line, in blocks of about `block_bytes`.

    Memory stays below about block_bytes + 2 max_row_bytes, whatever the input.
    """
    first, held = 1, 0
    lines: list[bytes] = []
    for value in _Values(stream, block_bytes, max_row_bytes).rows():
        too_long = value.size > max_row_bytes
        if not too_long:
            lines.append(value.data)
            held += value.size
        if lines and (too_long or held >= block_bytes or len(lines) >= _ROWS):
            yield Lines(first, b"\n".join(lines))
            first, held, lines = first + len(lines), 0, []
        if too_long:
            yield Lines(first, value.data[:max_row_bytes], value.size)
            first += 1
    if lines:
        yield Lines(first, b"\n".join(lines))


class _Values:
    """The stream, a buffer of it (all before `_at` is done with), and how values begin in it."""

    def __init__(self, stream: IO[bytes], block_bytes: int, limit: int) -> None:
        self._stream, self._block, self._limit = stream, block_bytes, limit
        self._buffer, self._at = b"", 0
        self._indent: bytes | None = None
        self._beginning: re.Pattern[bytes] | None = None
        self._kept, self._dropped = b"", 0

    def rows(self) -> Iterator[_Value]:
        """The values of the text: the elements of its arrays, and objects that stand by themselves."""
        while sign := self._next():
            if sign == b"[":
                yield from self._elements()
            elif sign == b"{" and self._is_envelope():
                yield from self._members()
            else:
                yield self._value()

    def _elements(self) -> Iterator[_Value]:
        """The values of the array that begins at `_at`."""
        self._at += 1
        while sign := self._next():
            if sign == b"]":
                self._at += 1
                return
            yield self._value()
        yield _Value(_NO_END, 1)

    def _members(self) -> Iterator[_Value]:
        """The elements of all arrays of rows in the envelope that begins at `_at`; what it says of itself is no row.

        A name that no envelope has (it came after gigabytes of rows) is a value that is no row: nothing goes without a word.
        """
        self._at += 1
        while sign := self._next():
            if sign == b"}":
                self._at += 1
                return
            name = self._value()
            if is_rows(name.data) and self._next() == b"[":
                yield from self._elements()
                continue
            if not is_rows(name.data) and not is_beside(name.data):
                yield name
            if self._next() not in (b"", b"}"):
                self._value()
        yield _Value(_NO_END, 1)

    def _is_envelope(self) -> bool:
        while (found := envelope_around(self._buffer[self._at : self._at + _LOOK_AHEAD])) is None:
            if len(self._buffer) - self._at >= _LOOK_AHEAD or not self._more():
                return False
        return found

    # -- one value -------------------------------------------------------------------------------------------------
    def _value(self) -> _Value:
        """The value that begins at `_at`; reading stands after it then."""
        self._kept, self._dropped = b"", 0
        if self._buffer[self._at] not in b"[{":
            return self._scalar()
        self._learn_beginning()
        scanner, at = BracketScanner(), self._at
        while True:
            at, ended = scanner.scan(self._buffer, at)
            if ended:
                return self._balanced(at)
            if scanner.broken:
                return self._up_to_next()
            if at - self._at > self._limit:
                if not self._dropped and self._next_beginning() is not None:
                    return self._up_to_next()
                self._drop(at)
            done = at - self._at
            if not self._more():
                return self._up_to_next()
            at = self._at + done

    def _scalar(self) -> _Value:
        while True:
            found = _SCALAR.match(self._buffer, self._at)
            end = self._at + 1 if found is None else found.end()
            if (end < len(self._buffer) and found) or end - self._at > self._limit or not self._more():
                break
        if not self._separated(end):
            return self._up_to_next()
        self._drop(end)
        return self._taken(_ONE_LINE)

    def _balanced(self, end: int) -> _Value:
        """A value whose brackets are balanced, unless it swallowed another: one bracket more and one less are balanced, too."""
        if not self._separated(end):
            return self._up_to_next()
        again = None if self._dropped else self._next_beginning(end)
        if again is None or _is_json(self._buffer[self._at : end]):
            self._drop(end)
            return self._taken(_ONE_LINE)
        self._drop(again)
        return self._taken(_STILL_BROKEN)

    def _separated(self, end: int) -> bool:
        """Whether what follows a value is what may follow one; after a quote too many it is in the middle of some text."""
        found = _AFTER.match(self._buffer, end)
        return found is None or found.group(1) in _MAY_FOLLOW

    def _up_to_next(self) -> _Value:
        """A broken value: all up to where the next one begins, or to the end of the file."""
        while (again := self._next_beginning()) is None:
            self._drop(max(self._at, len(self._buffer) - _OVERLAP))
            if not self._more():
                again = len(self._buffer)
                break
        self._drop(again)
        return self._taken(_STILL_BROKEN)

    def _taken(self, table: bytes) -> _Value:
        data = self._kept.rstrip(_SPACE)
        cut = len(self._kept) - len(data)
        if b"\n" in data or b"\r" in data:
            data = data.translate(table)
        return _Value(data, self._dropped - cut)

    # -- how values begin ------------------------------------------------------------------------------------------
    def _learn_beginning(self) -> None:
        """How the first value begins (the indentation of its line, its first name) is how others are found again.

        Only where nothing within a value can begin like that: a part of a row must never be taken for a row.
        """
        found = _FIRST_NAME.match(self._buffer, self._at)
        if self._beginning is not None or found is None or self._indent is None:
            return
        space, name = found.groups()
        if b"\n" in space and len(space[space.rindex(b"\n") :]) <= len(self._indent):
            return
        self._beginning = re.compile(re.escape(self._indent) + rb"(\{\s*" + re.escape(name) + rb")")

    def _next_beginning(self, end: int | None = None) -> int | None:
        """Where the next value seems to begin, before `end`."""
        if self._beginning is None:
            return None
        found = self._beginning.search(self._buffer, self._at + 1, len(self._buffer) if end is None else end)
        return None if found is None else found.start(1)

    # -- the buffer ------------------------------------------------------------------------------------------------
    def _next(self) -> bytes:
        """The sign at which the next value begins (then at `_at`); b"" at the end. Notes how far its line is indented."""
        while True:
            end, buffer = self._at, self._buffer
            while end < len(buffer) and buffer[end] in _SPACE:
                end += 1
            line = buffer.rfind(b"\n", self._at, end)
            if line >= 0 and self._beginning is None:
                self._indent = buffer[line:end]
            self._at = end
            if end < len(buffer):
                return buffer[end : end + 1]
            if not self._more():
                return b""

    def _more(self) -> bool:
        """Read on; whether anything came."""
        chunk = self._stream.read(self._block)
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        return bool(chunk)

    def _drop(self, end: int) -> None:
        """Let `_at` be `end`; of what lies before it, as much is kept as a row may be long."""
        self._kept += self._buffer[self._at : min(end, self._at + max(0, self._limit + 1 - len(self._kept)))]
        self._dropped += end - self._at
        self._at = end


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
