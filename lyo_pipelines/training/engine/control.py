"""When training must stop early: a signal, or a parent that died. Both end in a clean checkpoint."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from types import FrameType


class Interrupted(Exception):
    """Training was asked to stop; its checkpoint is written. Nothing is wrong, so it is no LyoError."""


@dataclass
class StopRequest:
    """Set by a signal or by the watch over the parent; read between micro-batches."""

    reason: str | None = None
    signals: int = field(default=0)

    def listen(self) -> None:
        """Let SIGINT and SIGTERM ask for a clean stop; a third one ends the process at once."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

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

        threading.Thread(target=poll, name="parent-watch", daemon=True).start()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.signals += 1
        self.reason = self.reason or signal.Signals(number).name
        if self.signals >= 3:
            os._exit(128 + number)
