"""At most one in so many seconds: under Dagster every message is a row of its database."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY_SECONDS = 10.0
"""Between two messages of progress."""


class Throttle:
    """Says when the next message is due; the first is due at once."""

    def __init__(self, seconds: float = EVERY_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self._last: float | None = None

    def due(self) -> bool:
        """Whether a message may go out now; when it may, the time until the next one begins."""
        now = self.clock()
        if self._last is not None and now - self._last < self.seconds:
            return False
        self._last = now
        return True

    def reset(self) -> None:
        """Let the next message be due at once."""
        self._last = None
