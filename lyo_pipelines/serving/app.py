"""The HTTP side: /v1/models and /v1/chat/completions, whole or as a stream of events. What is written is decided below."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lyo_pipelines.serving.contract import ChatRequest, RefusedError, parse_request, token_usage
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.generation import Generator
from lyo_pipelines.serving.models import ModelChoice, Models, NotLoadableError
from lyo_pipelines.training.verified_loading import DamagedAdapterError

LARGEST_BODY = 4_000_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    """What all pieces of one answer share."""

    choice: ModelChoice
    made: int
    name: str

    def body(self, kind: str, choices: Sequence[Mapping[str, object]], **more: object) -> dict[str, object]:
        return {
            "id": self.name, "object": kind, "created": self.made, "model": self.choice.name,
            "system_fingerprint": self.choice.version, "choices": choices, **more,
        }  # fmt: skip

    @property
    def headers(self) -> dict[str, str]:
        """Who answered, or was to: what an application logs as adapter_version, experiment_arm and release_id."""
        return served_headers(self.choice.version, self.choice.arm, self.choice.release_id)


def served_headers(version: str, arm: str | None, release_id: str | None) -> dict[str, str]:
    """Headers by which an answer, or a failure, can be counted for the adapter and arm that it belongs to."""
    named = {"x-lyo-adapter-version": version, "x-lyo-experiment-arm": arm, "x-lyo-release-id": release_id}
    return {name: value for name, value in named.items() if value}


def make_app(models: Models, writer: Generator) -> Starlette:
    """The application of one server."""

    async def list_models(_: Request) -> Response:
        names = await anyio.to_thread.run_sync(models.names)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "lyo_pipelines"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    async def complete(request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST_BODY:
            raise RefusedError(f"the request is larger than {LARGEST_BODY:,} bytes", status=413)
        wanted = parse_request(body)
        choice = await anyio.to_thread.run_sync(models.choose, wanted.model, wanted.user)
        answer = _Answer(choice, int(time.time()), f"chatcmpl-{uuid.uuid4().hex[:24]}")
        try:
            return await (_streamed if wanted.stream else answered)(writer, answer, wanted)
        except Exception as error:  # whatever failed, the answer's place in a release is known and must not be lost
            return _failed(error, answer.headers)

    async def answered(writer: Generator, answer: _Answer, wanted: ChatRequest) -> Response:
        written = await _whole(writer, answer, wanted)
        message = {"role": "assistant", "content": written.text}
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": written.finish_reason}]
        told = token_usage(written.prompt_tokens, written.answer_tokens)
        return JSONResponse(answer.body("chat.completion", choices, usage=told), headers=answer.headers)

    return Starlette(
        routes=[Route("/v1/models", list_models), Route("/v1/chat/completions", complete, methods=["POST"])],
        exception_handlers={RefusedError: _refused, DamagedAdapterError: _damaged},
    )


async def _whole(writer: Generator, answer: _Answer, wanted: ChatRequest) -> GeneratedText:
    left = threading.Event()
    try:
        return await anyio.to_thread.run_sync(
            writer.write, answer.choice, wanted, _nobody, left.is_set, abandon_on_cancel=True
        )
    finally:
        left.set()  # who asked has gone: the answer ends at the next token


async def _streamed(writer: Generator, answer: _Answer, wanted: ChatRequest) -> Response:
    """A stream begins when the first piece is there, so that a refusal still has its own status."""
    told: queue.SimpleQueue[str | GeneratedText | Exception] = queue.SimpleQueue()
    left = threading.Event()

    def work() -> None:
        try:
            told.put(writer.write(answer.choice, wanted, told.put, left.is_set))
        except Exception as error:
            told.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        first = await anyio.to_thread.run_sync(told.get, abandon_on_cancel=True)
    except BaseException:
        left.set()
        raise
    if isinstance(first, Exception):
        raise first

    async def events() -> AsyncIterator[str]:
        piece: str | GeneratedText | Exception = first
        try:
            yield _event(_chunk(answer, {"role": "assistant", "content": ""}))
            while isinstance(piece, str):
                yield _event(_chunk(answer, {"content": piece}))
                piece = await anyio.to_thread.run_sync(told.get, abandon_on_cancel=True)
            if isinstance(piece, Exception):
                yield _event(RefusedError(str(piece), status=500).body())
                return
            yield _event(_chunk(answer, {}, piece.finish_reason))
            if wanted.stream_options.include_usage:
                counts = token_usage(piece.prompt_tokens, piece.answer_tokens)
                yield _event(answer.body("chat.completion.chunk", [], usage=counts))
            yield "data: [DONE]\n\n"
        finally:
            left.set()

    return StreamingResponse(events(), media_type="text/event-stream", headers=answer.headers)


def _chunk(answer: _Answer, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, object]:
    return answer.body("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish_reason}])


def _event(value: Mapping[str, object]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _nobody(_: str) -> None:
    """A whole answer is told at its end."""


def _failed(error: Exception, headers: Mapping[str, str]) -> Response:
    """What is answered instead: the error's own status, else 500."""
    if isinstance(error, DamagedAdapterError):
        error = RefusedError(str(error), status=500, code="damaged_adapter")
    if not isinstance(error, RefusedError):
        _log.error("an answer failed", exc_info=error)
        error = RefusedError(f"the model failed to answer ({type(error).__name__})", status=500, code="answer_failed")
    return JSONResponse(error.body(), status_code=error.status, headers=dict(headers))


async def _refused(_: Request, error: Exception) -> Response:
    return _failed(error, {})


async def _damaged(_: Request, error: Exception) -> Response:
    named = served_headers(error.version, error.arm, error.release_id) if isinstance(error, NotLoadableError) else {}
    return _failed(error, named)
