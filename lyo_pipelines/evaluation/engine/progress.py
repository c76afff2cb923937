"""Telling how far the evaluation is: progress.jsonl for a live display, throttled log lines, Dagster Pipes when launched by it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOG_EVERY_SECONDS = 15.0
"""Under Dagster every log line is a database row."""


@dataclass
class Progress:
    """Where the evaluation stands; `stage` names what is done, `model` for whom."""

    path: Path
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _stage: tuple[str, str] = ("", "")
    _started: float = 0.0
    _said: float = field(default=-1e9)

    def start(self, stage: str, model: str, total: int, done: int = 0) -> None:
        """A stage begins; `done` of its `total` were there already."""
        self._stage, self._started, self._first, self._said = (stage, model), self.clock(), done, -1e9
        self.update(done, total)

    def update(self, done: int, total: int, **more: Any) -> None:
        """One more batch is done."""
        seconds = self.clock() - self._started
        fresh = done - self._first
        eta = seconds / fresh * (total - done) if fresh else None
        stage, model = self._stage
        line = {"stage": stage, "model": model, "done": done, "total": total, "seconds": round(seconds, 2)}
        line |= {"eta_seconds": None if eta is None else round(eta, 1), **more}
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
        if done >= total or self.clock() - self._said >= LOG_EVERY_SECONDS:
            self._said = self.clock()
            left = "" if not eta else f", about {eta:.0f} s left"
            self.say(f"{stage} of {model}: {done}/{total} in {seconds:.0f} s{left}")
