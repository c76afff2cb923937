"""When a process must stop early: a signal, or a parent that died. What is kept then belongs to the work that stops."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop. Nothing is wrong, so it is no LyoError, and no `except Exception` swallows it."""


@dataclass
class StopRequest:
    """Set by a signal or by the watch over the parent.

    at_once: whoever asks stops the work where it is (what is finished lies on the disk); otherwise the work looks here between
    two of its steps, and ends in order.
    """

    reason: str | None = None
    at_once: bool = False
    signals: int = field(default=0)

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal, as a shell says it; of SIGTERM where it was none."""
        return 128 + (signal.SIGINT if self.reason == "SIGINT" else signal.SIGTERM)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM ask for a stop during the block; a third one ends the process at once."""
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise Interrupted when a stop was asked for."""
        if self.reason:
            raise Interrupted(self.reason)

    def watch_parent(self, seconds: float = 2.0) -> None:
        """Stop when the parent process dies (an orchestrator's worker that was killed must not leave us running unseen).

        Polling getppid is used, not prctl(PR_SET_PDEATHSIG): that one fires when the parent's *thread* ends.
        """
        parent = os.getppid()

        def poll() -> None:
            tick = threading.Event()
            while os.getppid() == parent:
                tick.wait(seconds)
            self.reason = self.reason or f"its parent process {parent} died"
            if self.at_once and (main := threading.main_thread().ident):
                signal.pthread_kill(main, signal.SIGTERM)  # wakes it from a lock that it waits for, too

        threading.Thread(target=poll, name="parent-watch", daemon=True).start()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.signals += 1
        self.reason = self.reason or signal.Signals(number).name
        if self.signals >= 3:
            os._exit(128 + number)
        if self.at_once:
            raise Interrupted(self.reason)
