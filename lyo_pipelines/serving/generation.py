"""The embedded engine for callers without an event loop: they wait in their own thread."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, Proof
from lyo_pipelines.serving.engines.pieces import Emit
from lyo_pipelines.serving.models import ModelChoice

_LOOK_UP = 0.1
"""Seconds after which it is seen that nobody waits any more, though nothing was written."""


class Generator:
    """Passes requests on to the thread that owns torch (see engines/embedded/worker.py)."""

    def __init__(self, models_dir: Path, *, device: str = "auto", dtype: str = "auto") -> None:
        from lyo_pipelines.serving.engines.embedded.worker import TorchWorker

        self._worker = TorchWorker(models_dir, device=device, dtype=dtype)

    def load(self, choice: ModelChoice) -> Proof | None:
        """Have a model in memory, and proved, before anybody asks it."""
        return self._worker.prove(choice).result()

    def write(
        self, choice: ModelChoice, request: ChatRequest, emit: Emit, stopped: Callable[[], bool]
    ) -> GeneratedText:
        """Answer; `emit` gets the pieces as they are written, and `stopped` says when nobody waits any more.

        Raises RefusedError when prompt and answer do not fit the model or too many requests wait, DamagedAdapterError.
        """
        told: queue.SimpleQueue[str | GeneratedText | Exception] = queue.SimpleQueue()
        try:
            ask = self._worker.submit(choice, request, told.put)
        except EngineBusyError as error:
            raise RefusedError(str(error), status=429, code="busy") from error
        try:
            while not stopped():
                try:
                    piece = told.get(timeout=_LOOK_UP)
                except queue.Empty:
                    continue
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, GeneratedText):
                    return piece
                emit(piece)
        finally:
            ask.cancelled.set()
            self._worker.wake()
        return GeneratedText("", "length", 0, 0)

    def close(self) -> None:
        """End the thread and give memory back."""
        self._worker.close()
