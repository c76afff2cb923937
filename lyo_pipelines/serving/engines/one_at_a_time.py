"""The models of evaluation's host as an engine: in this process, one answer after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import GeneratedText, Proof
from lyo_pipelines.serving.generation import Generator
from lyo_pipelines.serving.models import ModelChoice


class OneAtATime:
    """An engine around Generator."""

    name = "torch"
    understands: frozenset[str] = frozenset()

    def __init__(self, models_dir: Path, *, device: str = "auto") -> None:
        self._models_dir, self._device = models_dir, device
        self._writer: Generator | None = None

    async def start(self) -> None:
        """Load the libraries."""
        self._writer = await asyncio.to_thread(Generator, self._models_dir, device=self._device)

    async def prove(self, choice: ModelChoice) -> Proof | None:
        """Have the model in memory."""
        await asyncio.to_thread(self._generator.load, choice)
        return None

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        """Pieces of the answer and, last, the whole of it."""
        loop, told = asyncio.get_running_loop(), asyncio.Queue[str | GeneratedText | Exception]()
        left = threading.Event()

        def tell(piece: str | GeneratedText | Exception) -> None:
            loop.call_soon_threadsafe(told.put_nowait, piece)

        def work() -> None:
            try:
                written = self._generator.write(choice, request, tell, left.is_set)
                tell(GeneratedText(written.text, written.finish_reason, written.prompt_tokens, written.answer_tokens))
            except Exception as error:
                tell(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            piece: str | GeneratedText | Exception = ""
            while not isinstance(piece, GeneratedText):
                piece = await told.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            left.set()  # who asked has gone: the answer ends at the next token

    async def trouble(self) -> str:
        """Nothing that is known."""
        return "" if self._writer is not None else "it has not started"

    async def close(self) -> None:
        """Forget the models."""
        self._writer = None

    @property
    def _generator(self) -> Generator:
        assert self._writer is not None, "start() comes first"
        return self._writer
