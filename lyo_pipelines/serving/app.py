"""The HTTP side of asking: /v1/models and /v1/chat/completions, whole or as a stream of events. What is written is decided below."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from lyo_pipelines.serving.access.guard import HOLDER
from lyo_pipelines.serving.contract import ChatRequest, ClientGoneError, RefusedError, parse_request, token_usage
from lyo_pipelines.serving.door import Door, Exchange
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.models import AUTO
from lyo_pipelines.training.verified_loading import DamagedAdapterError

_log = logging.getLogger(__name__)
_AS_IT_COMES = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""What keeps proxies from holding a stream back."""
Spend = Callable[[Scope, int], None]


def asking_routes(door: Door, spend: Spend = lambda _scope, _tokens: None) -> list[BaseRoute]:
    """The routes of /v1. spend: is told how many tokens a request took."""

    async def list_models(request: Request) -> Response:
        holder = request.scope.get(HOLDER)
        names = await asyncio.to_thread(door.models.names)
        tuned = await asyncio.to_thread(door.models.tuned_models)
        own = [name for name, of in tuned if holder is None or holder.may_ask(of)]
        listed = [*names, *([AUTO] if door.journal is not None else []), *own]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "lyo_pipelines"} for name in listed]
        return JSONResponse({"object": "list", "data": data})

    return [
        Route("/v1/models", list_models),
        Route("/v1/chat/completions", Completions(door, spend), methods=["POST"]),
    ]


class Completions:
    """POST /v1/chat/completions, as an application of its own: whoever goes away ends the work at once."""

    def __init__(self, door: Door, spend: Spend) -> None:
        self._door, self._spend = door, spend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, accept, answer."""
        wanted = parse_request(await Request(scope, receive).body())
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._door.enter()
        try:
            work = asyncio.ensure_future(self._answered(wanted, headers, scope, receive, send))
            await _unless_gone(work, receive)
        finally:
            self._door.leave()

    async def _answered(
        self, wanted: ChatRequest, headers: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        exchange = await self._door.accept(wanted, headers, scope.get(HOLDER))
        answer = (
            _Events(exchange, send, self._door.engine.name)
            if wanted.stream
            else _Whole(exchange, self._door.engine.name)
        )
        try:
            written = await self._door.answer(exchange, answer.tell)
        except ClientGoneError:
            raise
        except Exception as error:  # whatever failed, the answer's place in a release is known and must not be lost
            response = answer.failed(error)
        else:
            self._spend(scope, written.prompt_tokens + written.answer_tokens)
            response = answer.done(written)
        await (response(scope, receive, send) if isinstance(response, Response) else response)


async def _unless_gone(work: asyncio.Future[None], receive: Receive) -> None:
    """Wait for the work; it is cancelled as soon as the client is gone, or when we are."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
    if not work.cancelled():
        work.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Answer:
    """What all pieces of one answer share."""

    def __init__(self, exchange: Exchange, engine: str) -> None:
        self._exchange, self._engine = exchange, engine

    @property
    def headers(self) -> dict[str, str]:
        engine = self._engine if self._exchange.choice.spec.hosted is None else "hosted"
        return {**self._exchange.headers, "x-lyo-engine": engine}

    def body(self, kind: str, choices: Sequence[Mapping[str, object]], **more: object) -> dict[str, object]:
        choice = self._exchange.choice
        return {
            "id": self._exchange.interaction, "object": kind, "created": self._exchange.made, "model": choice.name,
            "system_fingerprint": choice.version, "choices": choices, **more,
        }  # fmt: skip


class _Whole(_Answer):
    """An answer that is told at its end."""

    async def tell(self, piece: str) -> None:
        """Nobody reads before the end."""

    def done(self, written: GeneratedText) -> Response:
        message: dict[str, object] = {"role": "assistant", "content": written.text}
        if written.tool_calls:
            message |= {"content": written.text or None, "tool_calls": [dict(call) for call in written.tool_calls]}
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": written.finish_reason}]
        told = token_usage(written.prompt_tokens, written.answer_tokens)
        return JSONResponse(self.body("chat.completion", choices, usage=told), headers=self.headers)

    def failed(self, error: Exception) -> Response:
        return failed(error, self.headers)


class _Events(_Answer):
    """A stream; it begins when the first piece is there, so that a refusal still has its own status."""

    def __init__(self, exchange: Exchange, send: Send, engine: str) -> None:
        super().__init__(exchange, engine)
        self._send, self._begun = send, False

    async def tell(self, piece: str) -> None:
        await self._begin()
        await self._event(self._chunk({"content": piece}))

    async def _finish(self, written: GeneratedText) -> None:
        await self._begin()
        if written.tool_calls:
            calls = [{"index": number, **call} for number, call in enumerate(written.tool_calls)]
            await self._event(self._chunk({"tool_calls": calls}))
        await self._event(self._chunk({}, written.finish_reason))
        if self._exchange.request.stream_options.include_usage:
            counts = token_usage(written.prompt_tokens, written.answer_tokens)
            await self._event(self.body("chat.completion.chunk", [], usage=counts))
        await self._write(b"data: [DONE]\n\n", more=False)

    def done(self, written: GeneratedText) -> Awaitable[None]:
        return self._finish(written)

    def failed(self, error: Exception) -> Response | Awaitable[None]:
        return self._broken(error) if self._begun else failed(error, self.headers)

    async def _broken(self, error: Exception) -> None:
        await self._write(_event(_refusal(error).body()), more=False)

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        named = {
            **self.headers,
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        }
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._event(self._chunk({"role": "assistant", "content": ""}))

    def _chunk(self, delta: dict[str, object], finish_reason: str | None = None) -> dict[str, object]:
        return self.body("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    async def _event(self, value: Mapping[str, object]) -> None:
        await self._write(_event(value))

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


def _event(value: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def _refusal(error: Exception) -> RefusedError:
    """What is answered instead: the error's own status, else 500."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, DamagedAdapterError):
        return RefusedError(str(error), status=500, code="damaged_adapter")
    _log.error("an answer failed", exc_info=error)
    return RefusedError(f"the model failed to answer ({type(error).__name__})", status=500, code="answer_failed")


def failed(error: Exception, headers: Mapping[str, str]) -> Response:
    """The response that says what went wrong."""
    refusal = _refusal(error)
    retry = {} if refusal.retry_after is None else {"retry-after": str(refusal.retry_after)}
    return JSONResponse(refusal.body(), status_code=refusal.status, headers={**headers, **retry})
