"""The one thread that owns torch: takes requests in, lets rows join and leave the batch between steps, and tells what they write.

Requests wait in the order in which they came. A model that the lean forward pass does not know, and a base that is not in memory,
take their turn when the rows before them have ended.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import torch

from lyo_pipelines.evaluation.engine.model_host import quiet_libraries
from lyo_pipelines.inference.drafts import Drafts
from lyo_pipelines.inference.kv_cache import KeyValueCache
from lyo_pipelines.inference.lora_rows import RowLora
from lyo_pipelines.inference.prefixes import Prefixes
from lyo_pipelines.inference.row_batch import Row, RowBatch
from lyo_pipelines.inference.sampling import Sampler
from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.embedded.asking import answer_alone, pieces_of
from lyo_pipelines.serving.engines.embedded.models import HeldModel, TorchModels
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, Proof
from lyo_pipelines.serving.engines.limits import Limits
from lyo_pipelines.serving.engines.pieces import Pieces
from lyo_pipelines.serving.engines.prompts import asked_tokens, room_left
from lyo_pipelines.serving.models import ModelChoice

_log = logging.getLogger(__name__)
_REUSED = 8
"""Tokens from which what was read before is copied instead of read again."""

Tell = Callable[[str | GeneratedText | Exception], None]


@dataclass(eq=False)
class Ask:
    """One request on its way. tell: gets pieces and, last, the whole answer or what went wrong; called on the engine's thread."""

    choice: ModelChoice
    request: ChatRequest
    tell: Tell
    cancelled: threading.Event = field(default_factory=threading.Event)
    row: Row | None = None


@dataclass(eq=False)
class _Writing:
    """A request whose answer is being written. told: tokens that have been made text."""

    ask: Ask
    row: Row
    pieces: Pieces
    told: int = 0


@dataclass(eq=False)
class _Proving:
    choice: ModelChoice
    result: Future[Proof | None]
    steps: Iterator[None] | None = None


class TorchWorker:
    """Starts its thread when it is first asked for something."""

    def __init__(
        self, models_dir: Path, *, device: str = "auto", dtype: str = "auto", limits: Limits | None = None
    ) -> None:
        quiet_libraries()
        self.limits = limits or Limits()
        self._prefixes = Prefixes(self.limits.prefix_bytes)
        self._models = TorchModels(
            models_dir, device=device, dtype=dtype, most=self.limits.adapters,
            on_drop=lambda held: self._prefixes.forget(held.adapter),
        )  # fmt: skip
        self._inbox: queue.SimpleQueue[Ask | _Proving | None] = queue.SimpleQueue()
        self._waiting: deque[Ask] = deque()
        self._proving: deque[_Proving] = deque()
        self._counted = 0
        self._lock = threading.Lock()
        self._batch: RowBatch | None = None
        self._reading: _Writing | None = None
        self._writing: dict[Row, _Writing] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, choice: ModelChoice, request: ChatRequest, tell: Tell) -> Ask:
        """Let a request wait its turn. Raises EngineBusyError where too many do."""
        with self._lock:
            if self._counted >= self.limits.waiting:
                raise EngineBusyError(self.limits.retry_after)
            self._counted += 1
        ask = Ask(choice, request, tell)
        self._put(ask)
        return ask

    def prove(self, choice: ModelChoice) -> Future[Proof | None]:
        """Load a model, and prove it if it is an adapter."""
        job = _Proving(choice, Future())
        self._put(job)
        return job.result

    def wake(self) -> None:
        """Somebody has cancelled."""
        if self._thread is not None:
            self._inbox.put(None)

    @property
    def nbytes(self) -> int:
        """Memory of keys and values."""
        return self._prefixes.nbytes + (self._batch.nbytes if self._batch else 0)

    def close(self) -> None:
        """End the thread; what is still asked is told so."""
        with self._lock:
            self._closed = True
        if self._thread is not None:
            self._inbox.put(None)
            self._thread.join()

    def _put(self, item: Ask | _Proving) -> None:
        with self._lock:
            if self._closed:
                raise RefusedError("the engine is closed", status=503, code="engine_closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="torch-engine", daemon=True)
                self._thread.start()
            self._inbox.put(item)

    def _run(self) -> None:
        with torch.inference_mode():
            while not self._closed:
                self._take_in()
                try:
                    self._drop_cancelled()
                    self._turn()
                except Exception as error:  # whoever is being answered is told; the next request finds an empty batch
                    _log.exception("the batch failed")
                    self._fail(error)
        self._fail(RefusedError("the engine is closed", status=503, code="engine_closed"), everybody=True)
        self._batch = None
        self._prefixes = Prefixes(0)

    def _take_in(self) -> None:
        """Take what has come; where there is nothing to do, wait for it."""
        idle = not (self._writing or self._reading or self._waiting or self._proving)
        if idle and self._batch is not None:
            self._batch.release()
        while not self._closed:
            try:
                item = self._inbox.get(block=idle)
            except queue.Empty:
                return
            idle = False
            if isinstance(item, Ask):
                self._waiting.append(item)
            elif item is not None:
                self._proving.append(item)

    def _turn(self) -> None:
        """One round: a pass of a proof, a part of a prompt, a step of all rows that write."""
        if self._proving:
            self._prove_on(self._proving[0])
        # a proof of another base would else wait as long as anybody asks for the one in memory
        base_is_due = bool(self._proving) and not self._models.is_loaded(self._proving[0].choice.spec)
        if self._reading is None and not base_is_due:
            self._admit()
        if self._reading is not None and self._batch is not None:
            self._read_on(self._batch, self._reading)
        if self._batch is not None and self._batch.rows:
            self._batch.step()
            self._tell_all()

    # --- requests that wait ---------------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        """Begin with the first request that waits, if there is room for it now."""
        while self._waiting and self._reading is None:
            ask = self._waiting[0]
            try:
                if not self._may_load(ask.choice):
                    return
                held = self._models.get(ask.choice.spec, self._in_use())
                self._models.proof(held)
                if held.lean is None:
                    if self._writing:
                        return
                    self._next()
                    ask.tell(self._alone(held, ask))
                    continue
                if not self._begin(held, ask):
                    return
            except Exception as error:
                if self._waiting and self._waiting[0] is ask:
                    self._next()
                ask.tell(error)

    def _begin(self, held: HeldModel, ask: Ask) -> bool:
        """Begin to read a prompt; False where its row must wait for others to end."""
        assert held.lean is not None
        limits = self.limits
        if self._batch is None or self._batch.model is not held.lean:
            self._batch = RowBatch(held.lean, most=limits.rows, widest=limits.widest, on_end=self._keep)
        batch = self._batch
        if ask.row is None or ask.row.adapter is not held.adapter:  # made once, however long it waits
            ask.row = self._row(held, held.lean.positions, ask.request)
        row = ask.row
        if batch.rows and (len(batch.rows) >= limits.rows or batch.would_need(row) > limits.cache_bytes):
            return False
        self._next()
        self._reading = _Writing(ask, row, pieces_of(held.tokenizer, ask.request, ask.tell))
        batch.start([row], self._read_before(batch, row))
        return True

    def _row(self, held: HeldModel, positions: int, request: ChatRequest) -> Row:
        prompt = asked_tokens(request, held.tokenizer)
        return Row(
            prompt, room_left(positions, prompt, request.limit), held.stops, held.adapter,
            choose=Sampler(request.temperature, request.top_p, request.seed) if request.temperature else None,
            drafts=Drafts(self.limits.guess) if self.limits.widest > 1 else None,
        )  # fmt: skip

    def _read_before(self, batch: RowBatch, row: Row) -> tuple[KeyValueCache, int] | None:
        """What is read of a prompt already, by a row that writes or one that has ended; its last token is always read anew."""
        before = row.tokens[:-1]
        found = [
            one for one in (batch.nearest(before, row.adapter), self._prefixes.longest(before, row.adapter)) if one
        ]
        best = max(found, key=lambda one: one[1], default=None)
        return best if best is not None and best[1] >= _REUSED else None

    def _keep(self, row: Row, cache: KeyValueCache) -> None:
        self._prefixes.keep(row.tokens[: row.length], row.adapter, cache)

    def _alone(self, held: HeldModel, ask: Ask) -> GeneratedText:
        with self._models.host.using(held.spec) as (model, tokenizer):
            return answer_alone(model, tokenizer, ask.request, ask.tell, lambda: self._left(ask))

    def _left(self, ask: Ask) -> bool:
        return self._closed or ask.cancelled.is_set()

    def _next(self) -> Ask:
        with self._lock:
            self._counted -= 1
        return self._waiting.popleft()

    def _may_load(self, choice: ModelChoice) -> bool:
        """Whether a model can be had now: another base takes the place of the one in memory, which nobody may need any more."""
        if self._models.is_loaded(choice.spec):
            return True
        if self._writing or self._reading is not None:
            return False
        self._batch, self._prefixes = None, Prefixes(self.limits.prefix_bytes)
        return True

    def _in_use(self) -> list[RowLora]:
        rows = [*self._writing, *([self._reading.row] if self._reading else [])]
        return [row.adapter for row in rows if row.adapter is not None]

    # --- rows -----------------------------------------------------------------------------------------------------------------

    def _read_on(self, batch: RowBatch, reading: _Writing) -> None:
        if batch.read_on(self.limits.chunk if batch.rows else self.limits.chunk_alone) is None:
            return
        self._reading = None
        self._writing[reading.row] = reading
        self._tell_all()

    def _tell_all(self) -> None:
        for one in list(self._writing.values()):
            self._tell(one)

    def _tell(self, one: _Writing) -> None:
        """Tell the text of the tokens that have come; the whole answer where a stop text, a stop token or the limit has ended it."""
        written = one.row.written
        while one.told < len(written) and not one.pieces.met_stop:
            one.told += 1
            one.pieces.grow(written[: one.told])
        if not (one.row.ended or one.pieces.met_stop):
            return
        stopped = one.row.ended == "stop" and not one.pieces.met_stop
        self._leave(one)
        text = one.pieces.finish(written[: one.told])
        reason = "stop" if stopped or one.pieces.met_stop else "length"
        one.ask.tell(GeneratedText(text, reason, one.row.prompt, one.told + stopped))

    def _leave(self, one: _Writing) -> None:
        self._writing.pop(one.row, None)
        if self._batch is not None and one.row in self._batch.rows:
            self._batch.remove(one.row)

    def _drop_cancelled(self) -> None:
        for ask in [ask for ask in self._waiting if ask.cancelled.is_set()]:
            self._waiting.remove(ask)
            with self._lock:
                self._counted -= 1
        if self._reading is not None and self._reading.ask.cancelled.is_set() and self._batch is not None:
            self._batch.give_up_reading()
            self._reading = None
        for one in [one for one in self._writing.values() if one.ask.cancelled.is_set()]:
            self._leave(one)

    def _fail(self, error: Exception, *, everybody: bool = False) -> None:
        """Tell those who are being answered, or everybody, that it will not be; the batch begins anew."""
        failed = [one.ask for one in self._writing.values()] + ([self._reading.ask] if self._reading else [])
        self._writing, self._reading, self._batch = {}, None, None
        if everybody:
            while not self._inbox.empty():
                if isinstance(item := self._inbox.get(), Ask):
                    self._waiting.append(item)
                elif item is not None:
                    self._proving.append(item)
            while self._waiting:
                failed.append(self._next())
            while self._proving:
                if not (job := self._proving.popleft()).result.cancelled():
                    job.result.set_exception(error)
        for ask in failed:
            ask.tell(error)

    # --- proofs ---------------------------------------------------------------------------------------------------------------

    def _prove_on(self, job: _Proving) -> None:
        """One pass of a proof, so that the rows that write do not wait for the whole of it."""
        try:
            if not self._may_load(job.choice):
                return
            if job.steps is None and not job.result.set_running_or_notify_cancel():
                self._proving.popleft()
                return
            held = self._models.get(job.choice.spec, self._in_use())
            job.steps = job.steps or self._models.proving(held)
            if next(job.steps, _DONE) is not _DONE:
                return
            job.result.set_result(self._models.proof(held))
        except Exception as error:
            job.result.set_exception(error)
        self._proving.popleft()


_DONE = object()
