"""Where a JSON value ends, told by its brackets, over a buffer that is filled step by step."""

from __future__ import annotations

import re

_IN_STRING = rb'[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+'
_STRING_REST = re.compile(_IN_STRING, re.DOTALL)
_TO_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:"' + _IN_STRING + rb'"[^"\[\]{}]*+)*+', re.DOTALL)
_QUOTE, _BACKSLASH = 0x22, 0x5C
_OPENING = frozenset(b"[{")


class BracketScanner:
    """Follows one object or array to its end. broken: a string in it ends with its line, which no JSON allows."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self.broken = False

    def scan(self, buffer: bytes, at: int) -> tuple[int, bool]:
        """Go on from `at`; returns how far it came, and whether the value ended there.

        Not ended: the buffer is used up (but for a backslash whose sign is not there yet), or the value is broken.
        """
        while at < len(buffer):
            if self._in_string:
                at = _matched(_STRING_REST, buffer, at)
                if at == len(buffer) or (buffer[at] == _BACKSLASH and at + 1 == len(buffer)):
                    break
                if buffer[at] != _QUOTE:
                    self.broken = True
                    break
                self._in_string, at = False, at + 1
                continue
            at = _matched(_TO_BRACKET, buffer, at)
            if at == len(buffer):
                break
            sign, at = buffer[at], at + 1
            if sign == _QUOTE:
                self._in_string = True
                continue
            self._depth += 1 if sign in _OPENING else -1
            if self._depth <= 0:
                return at, True
        return at, False


def _matched(pattern: re.Pattern[bytes], buffer: bytes, at: int) -> int:
    found = pattern.match(buffer, at)
    return at if found is None else found.end()
