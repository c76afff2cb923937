"""A server that behaves like vLLM's, well or badly, on a real port; its model is a table of probes and a few words."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lyo_pipelines.training.probes import ProbeSet

BASE = "tiny-base"


@dataclass
class FakeVllm:
    """What it does: the words it writes; adapters it has; and its faults, by switch.

    ignores_adapters: answers as the base; drops_after, stalls_after: pieces of an answer; evicts: names that are gone once;
    loads: whether it loads adapters; tells: log-probabilities; by_text: keyed by text as older servers do.
    """

    probes: ProbeSet
    words: tuple[str, ...] = ("six ", "times ", "seven ", "is ", "42")
    loaded: dict[str, str] = field(default_factory=dict)
    ignores_adapters: bool = False
    drops_after: int | None = None
    stalls_after: int | None = None
    evicts: set[str] = field(default_factory=set)
    loads: bool = True
    tells: bool = True
    by_text: bool = False
    status: int = 200
    error_event: bool = False
    key: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken_off: int = 0
    url: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/load_lora_adapter", self.load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self.unload, methods=["POST"]),
                Route("/v1/completions", self.complete, methods=["POST"]),
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
            ]
        )

    async def models(self, request: Request) -> Response:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": "Unauthorized"}, 401)
        return JSONResponse({"object": "list", "data": [{"id": name} for name in (BASE, *self.loaded)]})

    async def load(self, request: Request) -> Response:
        body = await self.noted(request)
        if not self.loads:
            return JSONResponse({"detail": "Not Found"}, 404)
        name = body["lora_name"]
        if name in self.loaded:
            message = f"The lora adapter '{name}' has already been loaded."
            return JSONResponse({"error": {"message": message, "type": "InvalidUserInput", "code": 400}}, 400)
        self.loaded[name] = body["lora_path"]
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    async def unload(self, request: Request) -> Response:
        body = await self.noted(request)
        self.loaded.pop(body["lora_name"], None)
        return PlainTextResponse("Success")

    async def complete(self, request: Request) -> Response:
        body = await self.noted(request)
        name = body["model"]
        if name in self.evicts:
            self.evicts.remove(name)
            self.loaded.pop(name, None)
        if name not in {BASE, *self.loaded}:
            message = f"The model `{name}` does not exist."
            return JSONResponse({"error": {"message": message, "type": "NotFoundError", "code": 404}}, 404)
        if self.status != 200:
            message = "This model's maximum context length is 256 tokens." if self.status == 400 else "no room"
            return JSONResponse({"error": {"message": message}}, self.status, headers={"retry-after": "9"})
        if body.get("max_tokens") == 1 and body.get("logprobs"):
            return JSONResponse(self.told(body))
        return StreamingResponse(
            self.stream(body, request.url.path.endswith("chat/completions")), media_type="text/event-stream"
        )

    async def noted(self, request: Request) -> dict[str, Any]:
        body = await request.json()
        self.asked.append((request.url.path, body))
        return body

    def told(self, body: dict[str, Any]) -> dict[str, Any]:
        """The likeliest next tokens of a probe."""
        probe = next(one for one in self.probes.probes if list(one.tokens) == body["prompt"])
        adapted = body["model"] != BASE and not self.ignores_adapters
        values = {one.id: (one.text, one.adapter if adapted else one.base) for one in probe.next}
        best = sorted(values.items(), key=lambda item: -item[1][1])[: body["logprobs"]]
        names = {text if self.by_text else f"token_id:{number}": value for number, (text, value) in best}
        logprobs = {"top_logprobs": [names]} if self.tells else None
        return {"choices": [{"text": "x", "logprobs": logprobs, "finish_reason": "length"}]}

    async def stream(self, body: dict[str, Any], chat: bool) -> AsyncIterator[str]:
        yield ": keep-alive\n\n"
        try:
            if self.calls:
                for call in self.calls:
                    yield _event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
                yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
            else:
                for number, word in enumerate(self.words):
                    if number == self.stalls_after:
                        while True:
                            yield ": keep-alive\n\n"
                            await asyncio.sleep(0.02)
                    if number == self.drops_after:
                        raise ConnectionResetError
                    part = {"delta": {"content": word}} if chat else {"text": word}
                    yield _event({"choices": [{"index": 0, "finish_reason": None, **part}]})
                    await asyncio.sleep(0)
                if self.error_event:
                    yield _event({"error": {"message": "CUDA out of memory"}})
                    return
                part = {"delta": {}} if chat else {"text": ""}
                yield _event({"choices": [{"index": 0, "finish_reason": "stop", **part}]})
            if body["stream_options"]["include_usage"]:
                yield _event({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 5}})
            yield "data: [DONE]\n\n"
        except (GeneratorExit, asyncio.CancelledError):
            self.broken_off += 1
            raise


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


@contextmanager
def running(fake: FakeVllm) -> Iterator[FakeVllm]:
    """Serve it on a free port of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        fake.app(), log_level="critical", access_log=False, timeout_graceful_shutdown=1, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    try:
        yield fake
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
