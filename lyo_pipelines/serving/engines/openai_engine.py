"""Any server that speaks the OpenAI API, behind a base URL; vLLM's adapters are loaded and unloaded over its own API.

vLLM gets prompts as token ids, rendered as training renders them, and answers them without its own template; a request with tools,
and any other server, gets the messages. An adapter's name there is `segment@version`: it is never loaded in place of another.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import httpx

from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, NotAppliedError, Proof
from lyo_pipelines.serving.engines.openai_answers import (
    AdapterGoneError,
    ModelServerError,
    Told,
    events,
    next_tokens_in,
    refusal,
)
from lyo_pipelines.serving.engines.openai_settings import OpenAISettings, key_from_environment
from lyo_pipelines.serving.engines.prompts import Prompter
from lyo_pipelines.serving.engines.proving import prove_applied, stored_probes
from lyo_pipelines.serving.engines.remote_adapters import RemoteAdapter, remote_adapter
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.probes import TOP
from lyo_pipelines.training.verified_loading import DamagedAdapterError

_log = logging.getLogger(__name__)

_OF_COMPLETIONS = ("frequency_penalty", "presence_penalty")
_HINTS: dict[int, str] = {
    httpx.codes.UNAUTHORIZED: "It wants a key: set key_variable, and the variable that it names.",
    httpx.codes.NOT_FOUND: "Is the address the one before /v1?",
}


class OpenAIEngine:
    """A client of one server: it proves adapters there, and passes answers on as they come."""

    name = "openai"
    understands: frozenset[str] = frozenset({"tools", "response_format", "logit_bias"})

    def __init__(self, settings: OpenAISettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings, self._transport = settings, transport
        self._client: httpx.AsyncClient | None = None
        self._prompter: Prompter | None = None
        self._loaded: OrderedDict[str, RemoteAdapter] = OrderedDict()
        """Adapters that were loaded from here, those used last at the end."""
        self._loading: dict[str, asyncio.Lock] = {}
        self._asked = 0

    async def start(self) -> None:
        """Reach the server. Raises ModelServerError, MissingKeyError; MissingBaseModelError where the base's tokenizer is not here."""
        settings = self._settings
        headers = {"Authorization": f"Bearer {key}"} if (key := key_from_environment(settings)) else {}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        timeout = httpx.Timeout(settings.first_token, connect=settings.connect)
        self._client = httpx.AsyncClient(
            base_url=settings.root, headers=headers, limits=limits, timeout=timeout, transport=self._transport
        )
        try:
            if settings.tokens:
                self._prompter = await asyncio.to_thread(_prompter, settings)
            names = await self._names()
            if settings.served_base not in names:
                raise ModelServerError(
                    f"{settings.root} serves {', '.join(names) or 'nothing'}, not {settings.served_base}",
                    hint="Name the base model as the server does (served_base).",
                )
        except BaseException:
            await self.close()
            raise

    async def prove(self, choice: ModelChoice) -> Proof | None:
        """Have the adapter loaded there and compare its probes. Raises NotAppliedError, DamagedAdapterError."""
        if choice.spec.adapter_dir is None:
            self._require_base(choice)
            return None
        adapter = self._adapter_of(choice)
        async with self._loading.setdefault(adapter.name, asyncio.Lock()):
            await self._load(adapter)
            try:
                return await self._compared(adapter)
            except NotAppliedError:
                await self._unload(adapter.name)
                raise

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        """Pieces of the answer and, last, the whole of it. An adapter that the server has dropped is loaded and proven again, once.

        Raises RefusedError, EngineBusyError, DamagedAdapterError; ModelServerError where the answer breaks off or stalls.
        """
        if self._asked >= self._settings.at_once:
            raise EngineBusyError(self._settings.retry_after)
        self._asked += 1
        try:
            name = self._model_of(choice)
            begun = False
            try:
                async with aclosing(self._written(name, request)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except AdapterGoneError:
                if begun or choice.spec.adapter_dir is None or not self._settings.loads:
                    raise
                _log.warning("%s is not loaded at %s any more: loading it again", name, self._settings.root)
                self._loaded.pop(name, None)
                await self.prove(choice)
                async with aclosing(self._written(name, request)) as pieces:
                    async for piece in pieces:
                        yield piece
        finally:
            self._asked -= 1

    async def trouble(self) -> str:
        """Why it cannot answer now; "" when it can."""
        if self._client is None:
            return "the server was not asked yet"
        try:
            await self._names(seconds=self._settings.connect)
        except ModelServerError as error:
            return error.message
        return ""

    async def close(self) -> None:
        """Close the connections; adapters stay loaded there, for the next gateway."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    def _model_of(self, choice: ModelChoice) -> str:
        if choice.spec.adapter_dir is None:
            self._require_base(choice)
            return self._settings.served_base
        name = self._adapter_of(choice).name
        if name in self._loaded:
            self._loaded.move_to_end(name)
        return name

    def _require_base(self, choice: ModelChoice) -> None:
        settings = self._settings
        if choice.spec.base_name not in {settings.base, settings.served_base}:
            raise DamagedAdapterError(
                f"{choice.spec.base_name} is another model than {settings.base}, the only base at {settings.root}",
                hint="Give it a server of its own.",
            )

    def _adapter_of(self, choice: ModelChoice) -> RemoteAdapter:
        self._require_base(choice)
        assert choice.spec.adapter_dir is not None
        return remote_adapter(choice.segment, choice.spec, self._settings)

    async def _load(self, adapter: RemoteAdapter) -> None:
        """Load it where the server can; where it cannot, it must be there. Raises DamagedAdapterError, ModelServerError."""
        if not self._settings.loads:
            if adapter.name not in (names := await self._names()):
                raise DamagedAdapterError(
                    f"{self._settings.root} has no model {adapter.name} (it has {', '.join(names)})",
                    hint="Start the server with this adapter under this name.",
                )
            return
        body = {"lora_name": adapter.name, "lora_path": adapter.path}
        answer = await self._post("/v1/load_lora_adapter", body)
        if answer.status_code == httpx.codes.NOT_FOUND and "adapter" not in answer.text.lower():
            raise ModelServerError(
                f"{self._settings.root} loads no adapters",
                hint="Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, on a private network only.",
            )
        if answer.is_error and "already" not in answer.text.lower():
            raise DamagedAdapterError(f"{adapter.name} was not loaded from {adapter.path}: {refusal(answer).message}")
        self._loaded[adapter.name] = adapter
        self._loaded.move_to_end(adapter.name)
        while len(self._loaded) > self._settings.adapters:
            await self._unload(next(iter(self._loaded)))

    async def _unload(self, name: str) -> None:
        self._loaded.pop(name, None)
        if self._settings.loads:
            with suppress(ModelServerError):  # what cannot be reached has nothing to unload
                await self._post("/v1/unload_lora_adapter", {"lora_name": name})

    async def _compared(self, adapter: RemoteAdapter) -> Proof | None:
        probes = stored_probes(adapter.folder)
        if probes is None:
            return None
        measured = []
        for probe in probes.probes:
            body = {
                "model": adapter.name, "prompt": list(probe.tokens), "max_tokens": 1, "temperature": 0, "logprobs": TOP,
                **({"return_tokens_as_token_ids": True} if self._settings.tokens else {}),
            }  # fmt: skip
            answer = await self._post("/v1/completions", body)
            if answer.is_error:
                raise NotAppliedError(f"{adapter.name} cannot be proven: {refusal(answer).message}")
            if (told := next_tokens_in(answer)) is None:
                if self._settings.unproved:
                    _log.warning(
                        "%s tells no log-probabilities: %s is served unproved", self._settings.root, adapter.name
                    )
                    return None
                raise NotAppliedError(
                    f"{adapter.name} cannot be proven: {self._settings.root} tells no log-probabilities of /v1/completions",
                    hint="Set `unproved` to serve it all the same.",
                )
            measured.append(told)
        return prove_applied(adapter.folder, probes, measured, self._settings.quantisation)

    async def _written(self, model: str, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        told = Told()
        if self._prompter is not None and not request.needs:
            prompter = self._prompter
            prompt = await asyncio.to_thread(prompter.tokens, request)
            body = self._token_body(model, request, prompt, prompter.room(prompt, request.limit))
            waiting: list[str] = []
            text = prompter.answer(request, waiting.append)
            path, grow, end = "/v1/completions", text.grow, text.finish
        else:
            prompt, body, waiting = [], self._chat_body(model, request), []
            path, grow, end = "/v1/chat/completions", _into(waiting), None
        async with self._stream(path, body) as answer, aclosing(events(answer, self._settings)) as told_events:
            async for event in told_events:
                if (piece := told.take(event)) and grow(piece):
                    told.finish_reason = "stop"
                    break
                for ready in _drained(waiting):
                    yield ready
        told.require_end(self._settings.root)
        whole = end() if end is not None else told.text
        for ready in _drained(waiting):
            yield ready
        yield told.whole(whole, len(prompt))

    def _token_body(self, model: str, request: ChatRequest, prompt: list[int], limit: int) -> dict[str, Any]:
        assert self._prompter is not None
        return {
            "model": model, "prompt": prompt, "max_tokens": limit, "stop_token_ids": list(self._prompter.stops),
            **{name: value for name, value in request.passed.items() if name in _OF_COMPLETIONS}, **common_fields(request),
        }  # fmt: skip

    def _chat_body(self, model: str, request: ChatRequest) -> dict[str, Any]:
        return {
            **request.passed,
            "model": model,
            "messages": [chat_message(one) for one in request.messages],
            "max_tokens": request.limit,
            **({"stop": list(request.stop)} if request.stop else {}),
            **common_fields(request),
        }

    @asynccontextmanager
    async def _stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[httpx.Response]:
        """An answer whose status is good. Raises what its status means."""
        try:
            async with self._open.stream("POST", path, json=body, timeout=self._patience) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise refusal(answer)
                yield answer
        except httpx.TimeoutException as error:
            raise ModelServerError(
                f"{self._settings.root} sent nothing for {self._settings.first_token:g} s"
            ) from error
        except httpx.HTTPError as error:
            raise ModelServerError(f"{self._settings.root} broke off the answer ({type(error).__name__})") from error

    @property
    def _patience(self) -> httpx.Timeout:
        """Headers may take as long as the first token; how long pieces may take, `events` watches."""
        settings = self._settings
        return httpx.Timeout(max(settings.first_token, settings.between_tokens), connect=settings.connect)

    async def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        try:
            return await self._open.post(path, json=body)
        except httpx.HTTPError as error:
            raise ModelServerError(f"{self._settings.root} does not answer ({type(error).__name__})") from error

    async def _names(self, seconds: float | None = None) -> list[str]:
        try:
            answer = await self._open.get("/v1/models", timeout=seconds or self._settings.connect)
        except httpx.HTTPError as error:
            raise ModelServerError(
                f"{self._settings.root} does not answer ({type(error).__name__})",
                hint="Is it running, and is the address right?",
            ) from error
        if answer.is_error:
            raise ModelServerError(
                f"{self._settings.root} says {answer.status_code} to /v1/models",
                hint=_HINTS.get(answer.status_code, ""),
            )
        try:
            return [str(one["id"]) for one in answer.json()["data"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelServerError(f"{self._settings.root} is no OpenAI server: /v1/models tells no models") from error

    @property
    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            raise ModelServerError(f"{self._settings.root} was not reached yet")
        return self._client


def _prompter(settings: OpenAISettings) -> Prompter:
    from lyo_pipelines.export.base_files import base_folder
    from lyo_pipelines.export.source import tokenizer_and_stops
    from lyo_pipelines.training.engine.base import positions

    folder = base_folder(settings.base, settings.models_dir)
    tokenizer, stops = tokenizer_and_stops(folder)
    return Prompter(tokenizer, min(positions(str(folder)) or settings.context, settings.context), stops)


def common_fields(request: ChatRequest) -> dict[str, Any]:
    """What is told of sampling, to a server that is to answer as a stream and to count its tokens."""
    return {
        "temperature": request.temperature,
        "top_p": request.top_p,
        **({"seed": request.seed} if request.seed is not None else {}),
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def chat_message(one: Any) -> dict[str, Any]:
    """One turn as the API has it."""
    message: dict[str, Any] = {"role": one.role, "content": one.content}
    if one.tool_calls:
        message |= {"tool_calls": list(one.tool_calls), "content": one.content or None}
    if one.tool_call_id:
        message["tool_call_id"] = one.tool_call_id
    if one.name:
        message["name"] = one.name
    return message


def _into(waiting: list[str]) -> Callable[[str], bool]:
    def grow(piece: str) -> bool:
        waiting.append(piece)
        return False

    return grow


def _drained(waiting: list[str]) -> list[str]:
    ready = list(waiting)
    waiting.clear()
    return ready
