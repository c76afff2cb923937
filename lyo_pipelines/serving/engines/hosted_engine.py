"""Versions that a provider holds, asked where they are: users' questions leave, redacted, only where `hosted.serve` allows it.

A provider that is down, refuses, or has been asked as much as it may be today is passed over for a while: what serves the others
answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.evaluation.endpoints.client import EndpointError, key_of
from lyo_pipelines.hosted.prepare import HostedRefusedError
from lyo_pipelines.hosted.reaching import remote_of
from lyo_pipelines.hosted.redaction import redacted
from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import Engine, EngineBusyError, GeneratedText, NotAppliedError, Proof
from lyo_pipelines.serving.engines.openai_answers import ModelServerError, Told, events, refusal
from lyo_pipelines.serving.engines.openai_engine import chat_message, common_fields
from lyo_pipelines.serving.engines.openai_settings import OpenAISettings
from lyo_pipelines.serving.models import ModelChoice

_log = logging.getLogger(__name__)


class PassedOverError(NotAppliedError):
    """The provider does not answer now. again_seconds: until it is asked again."""

    def __init__(self, message: str, again_seconds: float) -> None:
        super().__init__(message)
        self.again_seconds = again_seconds


class HostedEngine:
    """A client of the configured provider. clock: seconds since 1970, for the tokens of a day."""

    def __init__(
        self,
        config: HostedConfig,
        curation: CurationConfig,
        *,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config, self._curation, self._clock = config, curation, clock
        url = (config.base_url or "").rstrip("/")
        self._patience = OpenAISettings(url, "", kind="plain", first_token=config.timeout_seconds)
        self._http = httpx.AsyncClient(base_url=f"{url}/", timeout=config.timeout_seconds, transport=transport)
        self._limit_name = "max_tokens"
        self._day, self._spent = date.min, 0

    def require(self, choice: ModelChoice) -> str:
        """The provider's key, where the configuration lets the choice's model be asked. Raises NotAppliedError."""
        assert choice.spec.hosted is not None
        try:
            return key_of(remote_of(choice.spec.hosted, self._config, "serve")) or ""
        except (HostedRefusedError, EndpointError) as error:
            raise NotAppliedError(f"{choice.version}: {error}") from error

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        """Pieces of the answer and, last, the whole of it.

        Raises RefusedError, ModelServerError where an answer breaks off, and PassedOverError before its first piece.
        """
        key, begun = self.require(choice), False
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        if today != self._day:
            self._day, self._spent = today, 0
        if self._spent >= self._config.serve_tokens_per_day:
            raise PassedOverError(
                f"{choice.version}: hosted.serve_tokens_per_day are used up ({self._spent:,})", self._config.serve_again
            )
        body = await asyncio.to_thread(self._body, choice, request)
        try:
            async with aclosing(self._written(body, key)) as pieces:
                async for piece in pieces:
                    begun = True
                    if isinstance(piece, GeneratedText):
                        self._spent += piece.prompt_tokens + piece.answer_tokens
                    yield piece
        except (ModelServerError, EngineBusyError) as error:
            if begun:
                raise
            _log.warning("%s does not answer: %s", choice.version, error)
            raise PassedOverError(f"{choice.version}: {error}", self._config.serve_again) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _body(self, choice: ModelChoice, request: ChatRequest) -> dict[str, Any]:
        messages = [chat_message(one) for one in request.messages]
        called = [call["function"] for one in messages for call in one.get("tool_calls", ()) if "function" in call]
        changed = redacted(
            [*(one["content"] for one in messages), *(one.get("arguments", "") for one in called)], self._curation
        )

        def clean(text: str | None) -> str | None:
            said = changed.get(text or "", text)
            return said.replace(request.user, "<USER>") if said and request.user else said

        for message in messages:
            message.pop("name", None)
            message["content"] = clean(message["content"])
            if calls := message.get("tool_calls"):
                message["tool_calls"] = [_cleaned_call(call, clean) for call in calls]
        return {
            **request.passed, "model": choice.spec.base_name, "messages": messages, "limit": request.limit,
            **({"stop": list(request.stop)} if request.stop else {}), **common_fields(request),
        }  # fmt: skip

    async def _written(self, body: Mapping[str, Any], key: str) -> AsyncGenerator[str | GeneratedText]:
        told = Told()
        try:
            async with (
                self._opened(dict(body), key) as answer,
                aclosing(events(answer, self._patience)) as told_events,
            ):
                async for event in told_events:
                    if piece := told.take(event):
                        yield piece
        except httpx.HTTPError as error:
            raise ModelServerError(f"{self._patience.root} does not answer ({type(error).__name__})") from error
        told.require_end(self._patience.root)
        yield told.whole(told.text, 0)

    @asynccontextmanager
    async def _opened(self, body: dict[str, Any], key: str) -> AsyncIterator[httpx.Response]:
        """An answer whose status is good; newer models name the limit otherwise. Raises what its status means."""
        limit, headers = body.pop("limit"), {"Authorization": f"Bearer {key}"}
        for _ in range(2):
            name = self._limit_name
            async with self._http.stream(
                "POST", "chat/completions", json={**body, name: limit}, headers=headers
            ) as answer:
                if not answer.is_error:
                    yield answer
                    return
                await answer.aread()
                if name == "max_completion_tokens" or "max_completion_tokens" not in answer.text:
                    raise refusal(answer)
                self._limit_name = "max_completion_tokens"


def _cleaned_call(call: Mapping[str, Any], clean: Callable[[str | None], str | None]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    return {**call, "function": {**function, "arguments": clean(function.get("arguments")) or ""}}


class WithHosted:
    """Any engine, and a provider's models beside it. hosted: None where none may be asked: they are refused then."""

    def __init__(self, engine: Engine, hosted: HostedEngine | None) -> None:
        self._engine, self._hosted = engine, hosted
        self.name, self.understands = engine.name, engine.understands

    async def start(self) -> None:
        """Start the engine; a provider that is down keeps no gateway from starting."""
        await self._engine.start()

    async def prove(self, choice: ModelChoice) -> Proof | None:
        """As the engine; of a provider's model only whether it may be asked, as there is nothing here to compare it with.

        Raises NotAppliedError, DamagedAdapterError.
        """
        if choice.spec.hosted is None:
            return await self._engine.prove(choice)
        self._allowed(choice).require(choice)
        return None

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        """Pieces of the answer and, last, the whole of it, from whoever holds the model."""
        writer = self._engine if choice.spec.hosted is None else self._allowed(choice)
        pieces: Any = writer.write(choice, request)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def trouble(self) -> str:
        """The engine's own."""
        return await self._engine.trouble()

    async def close(self) -> None:
        """Close both."""
        if self._hosted is not None:
            await self._hosted.close()
        await self._engine.close()

    def _allowed(self, choice: ModelChoice) -> HostedEngine:
        if self._hosted is None:
            raise NotAppliedError(
                f"{choice.version} is a provider's model, and nobody may ask it here", hint="See hosted.serve."
            )
        return self._hosted
