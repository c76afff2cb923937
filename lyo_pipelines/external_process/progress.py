"""How far work in stages is: a line of progress.jsonl for each step, for a live display, and now and then a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lyo_pipelines.external_process.json_lines import append_json_line
from lyo_pipelines.external_process.throttle import EVERY_SECONDS, Throttle


@dataclass
class Progress:
    """Where the work stands; a stage says what is done, a model for whom. `say` gets a sentence at most every so many seconds."""

    path: Path
    say: Callable[[str], None]
    every_seconds: float = EVERY_SECONDS
    clock: Callable[[], float] = time.monotonic
    _stage: tuple[str, str] = ("", "")
    _started: float = 0.0
    _first: int = 0
    _throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self._throttle = Throttle(self.every_seconds, self.clock)

    def start(self, stage: str, model: str, total: int, done: int = 0) -> None:
        """A stage begins; `done` of its `total` were there already."""
        self._stage, self._started, self._first = (stage, model), self.clock(), done
        self._throttle.reset()
        self.update(done, total)

    def update(self, done: int, total: int, **more: Any) -> None:
        """One more step is done; its first and last are always said."""
        seconds = self.clock() - self._started
        fresh = done - self._first
        eta = seconds / fresh * (total - done) if fresh else None
        stage, model = self._stage
        line = {"stage": stage, "model": model, "done": done, "total": total, "seconds": round(seconds, 2)}
        append_json_line(self.path, line | {"eta_seconds": None if eta is None else round(eta, 1), **more})
        if self._throttle.due() or done >= total:
            left = "" if not eta else f", about {eta:.0f} s left"
            self.say(f"{stage} of {model}: {done}/{total} in {seconds:.0f} s{left}")
