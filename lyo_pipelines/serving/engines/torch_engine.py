"""The embedded engine: base and adapters in this process, requests of different adapters in one batch. See embedded/worker.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.embedded.worker import TorchWorker
from lyo_pipelines.serving.engines.engine import GeneratedText, Proof
from lyo_pipelines.serving.engines.limits import Limits
from lyo_pipelines.serving.models import ModelChoice


class TorchEngine:
    """What the door asks, passed on to the thread that owns torch. base: name or folder of the base model."""

    name = "torch"
    understands: frozenset[str] = frozenset()

    def __init__(
        self, models_dir: Path, base: str, *, device: str = "auto", dtype: str = "auto", limits: Limits | None = None
    ) -> None:
        self._worker = TorchWorker(models_dir, device=device, dtype=dtype, limits=limits)
        self._base, self._trouble = base, "the base model is not loaded yet"

    async def start(self) -> None:
        """Load the base. Raises MissingBaseModelError."""
        name = Path(self._base).name
        await self.prove(ModelChoice(name, ModelSpec("base", self._base, None, name, self._base), name))
        self._trouble = ""

    async def prove(self, choice: ModelChoice) -> Proof | None:
        """Load a model and compare its probes, on the path by which it answers; made once for as long as it is in memory.

        Raises NotAppliedError, DamagedAdapterError.
        """
        return await asyncio.wrap_future(self._worker.prove(choice))

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncIterator[str | GeneratedText]:
        """Pieces of the answer and, last, the whole of it. An adapter that is not proved yet is proved first.

        Raises RefusedError, EngineBusyError, DamagedAdapterError.
        """
        loop, told = asyncio.get_running_loop(), asyncio.Queue[str | GeneratedText | Exception]()

        def tell(piece: str | GeneratedText | Exception) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it whoever asked
                loop.call_soon_threadsafe(told.put_nowait, piece)

        ask = self._worker.submit(choice, request, tell)
        try:
            while True:
                piece = await told.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if isinstance(piece, GeneratedText):
                    return
        finally:
            ask.cancelled.set()
            self._worker.wake()

    async def trouble(self) -> str:
        """Why it cannot answer now; "" when it can."""
        return self._trouble

    async def close(self) -> None:
        """End the thread; answers that are being written are cut."""
        self._trouble = "the engine is closed"
        await asyncio.to_thread(self._worker.close)
