"""llama.cpp in this process: base and adapters as GGUF files that are written when they are needed, several answers at once.

It cannot load an adapter once it runs: a further one is loaded by a second llama.cpp beside the first, which takes over when it is
ready; the first goes when its last answer is written. The weights of the base lie in memory once: both map the same file.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.export.base_files import adapter_file, base_file, base_folder
from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.export.gguf_files import Quantise
from lyo_pipelines.export.llama_server import LlamaServer, LlamaSizes, require_llama_cpp
from lyo_pipelines.export.source import SourceModel
from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, Proof
from lyo_pipelines.serving.engines.prompts import Prompter
from lyo_pipelines.serving.engines.proving import prove_applied, stored_probes
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.probes import Quantisation
from lyo_pipelines.training.verified_loading import DamagedAdapterError

_HELD_AS: Mapping[str, Quantisation] = {
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "q8_0": "8-bit",
    "q4_1": "4-bit",
}
_TOLD = 200
"""Likeliest tokens that are asked for at a probe, so that both the adapter's and the base's are among them."""
_Told = str | GeneratedText | Exception


class LlamaCppError(LyoError):
    """llama.cpp did not write an answer."""


@dataclass(frozen=True)
class LlamaCppSettings:
    """base: name or folder of the base model; models_dir: where GGUF files are written (`gguf/` in it).

    context: tokens of one conversation; slots: answers written at once; waiting: further requests that may wait; adapters: held at
    once; threads: None as many as torch would use.
    """

    base: str
    models_dir: Path
    quantise: Quantise = "q8_0"
    context: int = 2048
    slots: int = 4
    waiting: int = 64
    retry_after: float = 2.0
    adapters: int = 16
    threads: int | None = None


@dataclass
class _Running:
    """One llama.cpp. numbers: which adapter (by its identity) is which there; answers: being written."""

    server: LlamaServer
    numbers: Mapping[str, int]
    answers: int = 0
    replaced: bool = False


@dataclass(frozen=True)
class _Base:
    """The loaded base. folder: of transformers' files; prompter: made once, for its tokenizer is slow to load."""

    folder: Path
    file: Path
    source: SourceModel
    prompter: Prompter
    threads: int


class LlamaCppEngine:
    """One base, its adapters, and a bounded number of answers at once."""

    name = "llama_cpp"
    understands: frozenset[str] = frozenset()

    def __init__(self, settings: LlamaCppSettings) -> None:
        self._settings = settings
        self._base: _Base | None = None
        self._now: _Running | None = None
        self._files: dict[str, Path] = {}
        """GGUF files of adapters by identity, those used last at the end."""
        self._building = asyncio.Lock()
        self._slots = asyncio.Semaphore(settings.slots)
        self._asked = 0
        self._threads: set[threading.Thread] = set()
        self._closing = threading.Event()

    async def start(self) -> None:
        """Write the base's GGUF file where it is not there, and load it. Raises MissingLlamaCppError, CannotExportError."""
        require_llama_cpp()
        self._base = await asyncio.to_thread(self._load_base)
        self._now = await self._started({})

    async def prove(self, choice: ModelChoice) -> Proof | None:
        """Have the adapter in llama.cpp and compare its probes. Raises NotAppliedError, DamagedAdapterError."""
        running, number = await self._ready(choice.spec)
        folder = choice.spec.adapter_dir
        if folder is None or number is None or (probes := stored_probes(folder)) is None:
            return None
        server = running.server

        def measure() -> list[dict[int, float]]:
            return [server.next_tokens(probe.tokens, number, _TOLD) for probe in probes.probes]

        running.answers += 1  # it must not go meanwhile
        try:
            measured = await asyncio.to_thread(measure)
        except CannotExportError as error:
            raise DamagedAdapterError(f"{folder}: {error.message}") from error
        finally:
            running.answers -= 1
            self._close_if_done(running)
        return prove_applied(folder, probes, measured, self._held_as)

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        """Pieces of the answer and, last, the whole of it.

        Raises RefusedError, EngineBusyError, DamagedAdapterError, LlamaCppError.
        """
        if self._asked >= self._settings.slots + self._settings.waiting:
            raise EngineBusyError(self._settings.retry_after)
        prompter = self._loaded.prompter
        self._asked += 1
        try:
            prompt = await asyncio.to_thread(prompter.tokens, request)
            limit = prompter.room(prompt, request.limit)
            await self._slots.acquire()
        except BaseException:
            self._asked -= 1
            raise
        answer = _Answer(request, prompter, prompt, limit, self._closing)
        try:
            running, number = await self._ready(choice.spec)
        except BaseException:
            self._left()
            raise
        self._begin(answer, running, number)
        try:
            while True:
                piece = await answer.told.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if isinstance(piece, GeneratedText):
                    return
        finally:
            answer.left.set()  # who asked has gone: the answer ends with the next token

    async def trouble(self) -> str:
        """Why it cannot answer now; "" when it can."""
        if self._closing.is_set():
            return "the engine is closed"
        return "" if self._now is not None else "the base model is not loaded yet"

    async def close(self) -> None:
        """Cut what is being written and give the memory back."""
        self._closing.set()
        now, self._now = self._now, None
        for thread in tuple(self._threads):
            await asyncio.to_thread(thread.join)
        if now is not None:
            await asyncio.to_thread(now.server.close)

    @property
    def _loaded(self) -> _Base:
        if self._base is None:
            raise LlamaCppError("llama.cpp has not been started")
        return self._base

    @property
    def _held_as(self) -> Quantisation:
        return _HELD_AS.get(self._settings.quantise, "float32")

    def _load_base(self) -> _Base:
        import torch

        settings = self._settings
        folder = base_folder(settings.base, settings.models_dir)
        file, source = base_file(folder, settings.models_dir, settings.quantise)
        positions = min(int(source.architecture.values["context_length"]), settings.context)
        prompter = Prompter(source.tokenizer, positions, source.stops)
        return _Base(folder, file, source, prompter, settings.threads or torch.get_num_threads())

    async def _ready(self, spec: ModelSpec) -> tuple[_Running, int | None]:
        """A llama.cpp that has the adapter, and its number there; None for the base."""
        if self._now is None:
            raise LlamaCppError("llama.cpp is not running")
        if spec.adapter_dir is None:
            self._require_base(spec.base_name)
            return self._now, None
        while spec.identity not in self._now.numbers:
            await self._load(spec)
        if (file := self._files.pop(spec.identity, None)) is not None:
            self._files[spec.identity] = file
        return self._now, self._now.numbers[spec.identity]

    def _require_base(self, name: str) -> None:
        loaded = self._loaded
        if name not in {self._settings.base, loaded.folder.name, str(loaded.folder)}:
            raise DamagedAdapterError(
                f"{name} is another model than the base {self._settings.base}, the only one that this engine holds",
                hint="Serve it with `engine: torch`, or with a gateway of its own.",
            )

    async def _load(self, spec: ModelSpec) -> None:
        """Start a second llama.cpp that has this adapter, too, and let it take over."""
        assert spec.adapter_dir is not None
        self._require_base(spec.base_name)
        if spec.four_bit:
            raise DamagedAdapterError(
                f"{spec.adapter_dir}: its base is held in 4 bits (NF4), which llama.cpp does not have",
                hint="Serve it with `engine: torch`.",
            )
        loaded = self._loaded
        try:
            made = await asyncio.to_thread(
                adapter_file, spec.adapter_dir, spec.identity, loaded.source.architecture, self._settings.models_dir
            )
        except CannotExportError as error:
            raise DamagedAdapterError(f"{spec.adapter_dir}: {error.message}", hint=error.hint) from error
        self._files[spec.identity] = made  # whoever builds next takes all that wait along
        async with self._building:
            if self._now is not None and spec.identity in self._now.numbers:
                return
            kept = dict(list(self._files.items())[-self._settings.adapters :])
            try:
                started = await self._started(kept)
            except CannotExportError:
                started = await self._without_others(spec, made)
            self._files = {name: path for name, path in self._files.items() if name in kept}
            self._take_over(started)

    async def _without_others(self, spec: ModelSpec, made: Path) -> _Running:
        """Only what runs already and this adapter: it must not go because of another one. Raises DamagedAdapterError."""
        proven = self._now.numbers if self._now else {}
        files = {name: path for name, path in self._files.items() if name in proven}
        try:
            return await self._started({**files, spec.identity: made})
        except CannotExportError as error:
            self._files.pop(spec.identity, None)
            made.unlink(missing_ok=True)
            raise DamagedAdapterError(f"{spec.adapter_dir}: {error.message}") from error

    async def _started(self, files: Mapping[str, Path]) -> _Running:
        base, settings = self._loaded, self._settings
        sizes = LlamaSizes(base.prompter.positions, settings.slots, base.threads)
        server = await asyncio.to_thread(LlamaServer, base.file, list(files.values()), sizes)
        return _Running(server, {name: number for number, name in enumerate(files)})

    def _take_over(self, started: _Running) -> None:
        before, self._now = self._now, started
        if before is not None:
            before.replaced = True
            self._close_if_done(before)

    def _close_if_done(self, running: _Running) -> None:
        if running.replaced and running.answers == 0:
            threading.Thread(target=running.server.close, daemon=True).start()

    def _begin(self, answer: _Answer, running: _Running, number: int | None) -> None:
        loop = asyncio.get_running_loop()
        running.answers += 1

        def ended() -> None:
            running.answers -= 1
            self._threads.discard(thread)
            self._close_if_done(running)
            self._left()

        def work() -> None:
            answer.write(running.server, number)
            with suppress(RuntimeError):  # the loop has ended, and with it whoever asked
                loop.call_soon_threadsafe(ended)

        answer.tell = lambda piece: loop.call_soon_threadsafe(answer.told.put_nowait, piece)
        thread = threading.Thread(target=work, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _left(self) -> None:
        self._asked -= 1
        self._slots.release()


@dataclass
class _Answer:
    """One answer while it is written, in a thread of its own. told: pieces, and last the whole or what went wrong."""

    request: ChatRequest
    prompter: Prompter
    prompt: list[int]
    limit: int
    closing: threading.Event
    told: asyncio.Queue[_Told] = field(default_factory=asyncio.Queue)
    left: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[_Told], Any] = lambda _: None

    def write(self, server: LlamaServer, adapter: int | None) -> None:
        """Write it, or say why not."""
        try:
            last = self._written(server, adapter)
        except Exception as error:
            last = error
        with suppress(RuntimeError):
            self.tell(last)

    def _written(self, server: LlamaServer, adapter: int | None) -> GeneratedText:
        text = self.prompter.answer(self.request, self.tell)
        failed: list[Any] = []
        counted, reason = 0, ""

        def told(event: Any) -> bool:
            nonlocal counted, reason
            if not isinstance(event, dict) or "choices" not in event:
                failed.append(event)
                return True
            if "prompt_progress" not in event and event["choices"]:
                one = event["choices"][0]
                reason = one.get("finish_reason") or reason
                counted = (event.get("usage") or {}).get("completion_tokens") or counted + bool(one.get("text"))
                if text.grow(one.get("text") or ""):
                    reason = "stop"
                    return True
            return self.left.is_set() or self.closing.is_set()

        server.write(self.prompt, adapter, self._sampling(), told)
        if failed:
            raise _error(failed[0])
        if self.closing.is_set() and not reason:
            raise LlamaCppError("the engine was closed while it answered")
        whole = text.finish()
        return GeneratedText(
            whole, "stop" if text.met_stop or reason == "stop" else "length", len(self.prompt), counted
        )

    def _sampling(self) -> dict[str, Any]:
        """As transformers samples: temperature, then top_p, and none of llama.cpp's own habits."""
        request = self.request
        return {
            "max_tokens": self.limit,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "samplers": ["temperature", "top_p"],
            "seed": -1 if request.seed is None else request.seed % 2**32,
            "stream_options": {"include_usage": True},
            "cache_prompt": True,
        }


def _error(event: Any) -> Exception:
    told = event.get("error", event) if isinstance(event, dict) else {}
    message = str(told.get("message", "no reason given"))
    if told.get("type") == "exceed_context_size_error":
        return RefusedError(message, param="messages", code="context_length_exceeded")
    return LlamaCppError(f"llama.cpp did not answer: {message}")
