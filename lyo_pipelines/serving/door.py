"""One accepted question from its model to its row: who answers, who answers instead, and what the journal says of it in every case.

HTTP is in app.py. Order: chosen, accepted (in the journal), answered, and only then told to its end: an answer whose row is not on the
disk has not ended.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from lyo_pipelines.config.gateway import GatewayConfig
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.languages.written import LanguageThresholds
from lyo_pipelines.segments import parse_parent, segment_name
from lyo_pipelines.serving.access.keys import KeyHolder
from lyo_pipelines.serving.asked import RowMaker, read_asked, told_language
from lyo_pipelines.serving.contract import ChatMessage, ChatRequest, ClientGoneError, RefusedError, refuse_unknown
from lyo_pipelines.serving.engines.engine import Engine, EngineBusyError, GeneratedText
from lyo_pipelines.serving.invitations import FIELD, HEADER, is_invited
from lyo_pipelines.serving.journal.journal import Journal, JournalFullError
from lyo_pipelines.serving.metrics import Metrics
from lyo_pipelines.serving.models import AUTO, ModelChoice, Models, no_model
from lyo_pipelines.serving.proofs import Proofs
from lyo_pipelines.tasks.fine_tuning import FORMAT, is_fine_tuned
from lyo_pipelines.tasks.fine_tuning import TASK as FINE_TUNING
from lyo_pipelines.training.base_models import split_revision
from lyo_pipelines.training.verified_loading import DamagedAdapterError

_PART_SECONDS = 0.25
"""How much of a stream a kill of the process may cost its row."""
_ANSWERED_BY = ("model", "adapter_version", "experiment_arm", "release_id")
"""Fields of a row that say who answered."""
CLIENT_GONE = "the client went away before the answer ended"
TIMED_OUT = "the answer took too long and was cut"

Tell = Callable[[str], Awaitable[None]]


@dataclass
class Exchange:
    """One accepted question. made: seconds since 1970; began: monotonic; choice: who answers, after fallbacks, too."""

    interaction: str
    request: ChatRequest
    choice: ModelChoice
    user: str | None
    invited: bool
    made: int
    began: float
    segment: str
    text: list[str] = field(default_factory=list)
    first_ms: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Who answered, or was to: what an application logs as adapter_version, experiment_arm and release_id."""
        named = served_headers(self.choice.version, self.choice.arm, self.choice.release_id)
        return {**named, "x-lyo-interaction-id": self.interaction, "x-lyo-segment": self.choice.segment or "base"} | (
            {HEADER: "1"} if self.invited else {}
        )


def served_headers(version: str, arm: str | None, release_id: str | None) -> dict[str, str]:
    """Headers by which an answer, or a failure, can be counted for the adapter and arm that it belongs to."""
    named = {"x-lyo-adapter-version": version, "x-lyo-experiment-arm": arm, "x-lyo-release-id": release_id}
    return {name: value for name, value in named.items() if value}


class Door:
    """Takes questions and has them answered. rows, journal: None where nothing is logged (`lyo serve`).

    thresholds: from what on a text tells its language. clock: seconds since 1970; seconds: a clock that never goes back.
    """

    def __init__(
        self,
        models: Models,
        engine: Engine,
        config: GatewayConfig,
        thresholds: LanguageThresholds,
        *,
        clock: Callable[[], float],
        rows: RowMaker | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.models, self.engine, self.config, self.journal, self.clock = models, engine, config, journal, clock
        self.metrics = Metrics(engine.name)
        self.proofs = Proofs(engine, config.seconds.proof_again)
        self.draining = False
        self._rows, self._thresholds = rows, thresholds
        self._usual_seconds = 1.0
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def retry_after(self) -> int:
        """Seconds until a place may be free: what an answer usually takes."""
        return max(1, round(self._usual_seconds))

    def enter(self) -> None:
        """Take a place; `leave` gives it back. Raises RefusedError when there is none."""
        if self.draining:
            self.metrics.turned_away("drain")
            raise RefusedError("the gateway is being stopped", status=503, code="stopping")
        if self._inside >= self.config.queue:
            self.metrics.turned_away("queue")
            raise _busy(self.retry_after)
        self._inside += 1
        self._empty.clear()
        self.metrics.queue.set(self._inside)

    def leave(self) -> None:
        """Give a place back."""
        self._inside -= 1
        self.metrics.queue.set(self._inside)
        if not self._inside:
            self._empty.set()

    async def emptied(self) -> None:
        """Wait until nobody is inside."""
        await self._empty.wait()

    def language_of(self, text: str) -> str:
        """The language that a text is written in, by the text alone; "" where it does not tell."""
        return told_language(text, self._thresholds)

    async def accept(
        self, request: ChatRequest, headers: Mapping[str, str], holder: KeyHolder | None = None
    ) -> Exchange:
        """Choose a model and make the question durable. holder: of the key, None where nobody needs one.

        Raises RefusedError, DamagedAdapterError.
        """
        began, now = time.monotonic(), self.clock()
        asked, choice = await asyncio.to_thread(self._chosen, request, headers, holder)
        if is_fine_tuned(choice.segment):
            request = _as_learnt(request, choice.segment)
        refuse_unknown(request, self.engine.understands)
        interaction = f"chatcmpl-{uuid.uuid4().hex[:24]}"
        invited = self.journal is not None and is_invited(interaction, self.config.invited_share)
        exchange = Exchange(interaction, request, choice, asked.user, invited, int(now), began, choice.segment)
        if self.journal is not None and self._rows is not None:
            row = self._rows.row(interaction, request, asked, now) | self._of_choice(choice) | {FIELD: invited}
            try:
                await self.journal.begin(interaction, row)
            except asyncio.CancelledError:  # it may be written by now, and what was begun is ended
                await asyncio.shield(self._end(exchange, "gone", {"error": CLIENT_GONE, "finish_reason": "cancelled"}))
                raise
            except JournalFullError as error:
                self.metrics.turned_away("journal")
                raise _not_logged(error) from error
        return exchange

    async def answer(self, exchange: Exchange, tell: Tell) -> GeneratedText:
        """Have it answered; `tell` gets the pieces. When this returns or raises, the row is on the disk.

        Raises RefusedError, DamagedAdapterError where nothing answers instead, and whatever else the engine raises.
        """
        try:
            async with asyncio.timeout(self.config.seconds.answer):
                written = await self._through_chain(exchange, _Parts(self, exchange, tell))
        except EngineBusyError as error:
            if self.journal is not None:
                self.journal.drop(exchange.interaction)
            self.metrics.turned_away("queue")
            raise _busy(round(error.retry_after)) from error
        except asyncio.CancelledError:
            why = "the gateway was stopped before the answer ended" if self.draining else CLIENT_GONE
            await asyncio.shield(self._end(exchange, "gone", {"error": why, "finish_reason": "cancelled"}))
            raise
        except ClientGoneError:
            await self._end(exchange, "gone", {"error": CLIENT_GONE, "finish_reason": "cancelled"})
            raise
        except TimeoutError as error:
            await self._end(exchange, "cut", {"error": TIMED_OUT, "finish_reason": "timeout"})
            raise RefusedError(TIMED_OUT, status=504, code="timeout") from error
        except Exception as error:
            said = str(error) if isinstance(error, RefusedError | DamagedAdapterError) else type(error).__name__
            await self._end(exchange, "failed", {"error": self.cleaned(said, exchange.user) or "failed"})
            raise
        await self._end(exchange, written.finish_reason, {"finish_reason": written.finish_reason}, written)
        self.metrics.tokens(exchange.choice, written.prompt_tokens, written.answer_tokens)
        return written

    async def answer_without_model(self, exchange: Exchange, text: str, reason: str) -> None:
        """End an accepted question with a text that no model wrote; `reason` is the row's finish_reason.

        The row names no model, adapter or arm: what nobody was asked says nothing of them.
        """
        exchange.text.append(text)
        await self._end(exchange, reason, {"finish_reason": reason}, by=dict.fromkeys(_ANSWERED_BY))

    def _chosen(self, request: ChatRequest, headers: Mapping[str, str], holder: KeyHolder | None) -> Any:
        asked = read_asked(request, headers, self.config.unsaid, self._thresholds)
        if holder is not None and not holder.owner and is_fine_tuned(request.model):
            raise no_model(request.model)  # others' segments: whether there is one is not said either
        if request.model == AUTO:
            choice = self.models.choose_for(asked.query, asked.user)
        else:
            choice = self.models.choose(request.model, asked.user)
        if is_fine_tuned(choice.segment):
            if holder is not None and not holder.may_ask(choice.tuned_by):
                raise no_model(request.model)
            # apart from the uploads themselves, so that a later job learns from its file alone, and nobody else from these answers
            asked = replace(asked, said={**asked.said, "task": FINE_TUNING, "subject": "questions"})
        elif segment_name(asked.query.task) == FINE_TUNING:
            raise RefusedError(f"task: {FINE_TUNING} is that of uploads; name the model instead", param="metadata")
        return asked, choice

    async def _through_chain(self, exchange: Exchange, parts: _Parts) -> GeneratedText:
        """The routed model; where the engine does not take its adapter, what serves the others; the base last."""
        while True:
            choice = exchange.choice
            try:
                await self.proofs.require(choice)
                return await self._written(exchange, parts)
            except DamagedAdapterError as error:
                if exchange.text:  # part of the answer was told: another model cannot go on with it
                    raise
                if not self.proofs.is_refused(choice):
                    self.proofs.refuse(choice, str(error), getattr(error, "again_seconds", None))
                self.metrics.refused.set(len(self.proofs.refused))
                following = await asyncio.to_thread(self.models.next_after, choice)
                if following is None:
                    raise
                self.metrics.fell_back(choice)
                exchange.choice = following

    async def _written(self, exchange: Exchange, parts: _Parts) -> GeneratedText:
        pieces: AsyncIterator[str | GeneratedText] = self.engine.write(exchange.choice, exchange.request)
        async with aclosing(pieces) as pieces:  # pyright: ignore[reportArgumentType] - engines write generators
            async for piece in pieces:
                if isinstance(piece, GeneratedText):
                    return piece
                await parts.tell(piece)
        raise RefusedError("the engine ended without an answer", status=502, code="answer_failed")

    async def _end(
        self,
        exchange: Exchange,
        outcome: str,
        ending: RawRow,
        written: GeneratedText | None = None,
        by: RawRow | None = None,
    ) -> None:
        seconds = time.monotonic() - exchange.began
        self.metrics.ended(exchange.choice, outcome, seconds)
        self._usual_seconds += 0.1 * (seconds - self._usual_seconds)
        if self.journal is None:
            return
        text = "".join(exchange.text) if written is None else _said(written)
        row = (
            ending
            | (self._of_choice(exchange.choice) if by is None else by)
            | {"answer": self.cleaned(text, exchange.user) or None}
        )
        row |= {"response_time_ms": round(seconds * 1000, 3), "time_to_first_token_ms": exchange.first_ms}
        try:
            await self.journal.end(exchange.interaction, row)
        except JournalFullError as error:
            raise _not_logged(error) from error

    def cleaned(self, text: str, user: str | None) -> str:
        """A text as it may be logged: without the user's raw id."""
        return text if self._rows is None else self._rows.text(text, user)

    def _of_choice(self, choice: ModelChoice) -> RawRow:
        named = {"experiment_arm": choice.arm, "release_id": choice.release_id}
        return {
            "model": split_revision(choice.spec.base_name)[0].rsplit("/", 1)[-1],
            "adapter_version": choice.version,
        } | {name: value for name, value in named.items() if value}


class _Parts:
    """Tells pieces on, and now and then the journal, with no part of the user's id in what it is told."""

    def __init__(self, door: Door, exchange: Exchange, tell: Tell) -> None:
        self._door, self._exchange, self._tell = door, exchange, tell
        self._logged = 0
        self._at = time.monotonic()

    async def tell(self, piece: str) -> None:
        exchange, now = self._exchange, time.monotonic()
        if exchange.first_ms is None:
            exchange.first_ms = round((now - exchange.began) * 1000, 3)
            self._door.metrics.first_piece(exchange.choice, now - exchange.began)
        exchange.text.append(piece)
        if exchange.request.stream and now - self._at >= _PART_SECONDS:
            self._log(now)
        await self._tell(piece)

    def _log(self, now: float) -> None:
        """What is new, cut where no part of the user's id is lost from sight; one that may be half told waits."""
        door, user = self._door, self._exchange.user or ""
        if door.journal is None:
            return
        text = "".join(self._exchange.text)
        end = len(text) - max(0, len(user) - 1)
        if user and (start := text.find(user, max(self._logged, end - len(user) + 1))) != -1 and start < end:
            end = start
        if end > self._logged:
            door.journal.part(self._exchange.interaction, door.cleaned(text[self._logged : end], user))
            self._logged, self._at = end, now


def _as_learnt(request: ChatRequest, segment: str) -> ChatRequest:
    """The request as the examples of an upload were learnt: those without a system message with the format's own."""
    if any(turn.role in ("system", "developer") for turn in request.messages):
        return request
    prompt = FORMAT.system_prompt({"language": parse_parent(segment).language})
    return request.model_copy(update={"messages": (ChatMessage(role="system", content=prompt), *request.messages)})


def _said(written: GeneratedText) -> str:
    """An answer as a row holds it: its text, or the calls that it consists of."""
    return written.text if written.text or not written.tool_calls else json.dumps(list(written.tool_calls))


def _busy(seconds: int) -> RefusedError:
    return RefusedError(
        f"too many requests wait: try again in {seconds} s", status=429, code="busy", retry_after=max(1, seconds)
    )


def _not_logged(error: Exception) -> RefusedError:
    return RefusedError(
        f"the gateway cannot write its journal ({error}), so it answers nothing new: free some disk space",
        status=503, code="journal_full", retry_after=30,
    )  # fmt: skip
