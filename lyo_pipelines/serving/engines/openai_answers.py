"""Answers of an OpenAI server, read as they come: events of a stream, log-probabilities, and what a refusal means."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from lyo_pipelines.errors import LyoError
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText
from lyo_pipelines.serving.engines.openai_settings import OpenAISettings

_TOKEN_ID = re.compile(r"token_id:(\d+)")
_TOO_LONG = re.compile(r"context.{0,20}length|maximum context|too long|max_model_len", re.IGNORECASE)
_LONGEST_REASON = 300
_LAST_SECONDS = 0.5


class ModelServerError(LyoError):
    """The server behind the base URL did not answer, or not to the end."""


class AdapterGoneError(ModelServerError):
    """The server knows no model of this name (any more)."""


@dataclass
class Told:
    """What a stream has told so far."""

    text: str = ""
    finish_reason: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    pieces: int = 0
    ended: bool = False

    def take(self, event: Mapping[str, Any] | None) -> str:
        """Take an event (None: the stream's own end); returns the text that it adds."""
        if event is None:
            self.ended = True
            return ""
        if error := event.get("error"):
            message = error.get("message") if isinstance(error, dict) else error
            raise ModelServerError(f"the server broke off the answer: {str(message)[:_LONGEST_REASON]}")
        self.usage = event.get("usage") or self.usage
        added = ""
        for choice in (event.get("choices") or [])[:1]:
            delta = choice.get("delta") or {}
            added += choice.get("text") or delta.get("content") or ""
            for call in delta.get("tool_calls") or []:
                self._add_call(call)
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.text += added
        self.pieces += bool(added)
        return added

    def require_end(self, server: str) -> None:
        """Raises ModelServerError where the stream ended without saying why."""
        if not self.finish_reason:
            raise ModelServerError(f"{server} broke off the answer after {self.pieces} pieces")

    def whole(self, text: str, prompt_tokens: int) -> GeneratedText:
        """The answer. prompt_tokens: as counted here, 0 where they were not."""
        reason = self.finish_reason if self.finish_reason in {"stop", "length", "tool_calls"} else "stop"
        return GeneratedText(
            text,
            reason,
            int(self.usage.get("prompt_tokens") or prompt_tokens),
            int(self.usage.get("completion_tokens") or self.pieces),
            tuple(self.calls[at] for at in sorted(self.calls)),
        )

    def _add_call(self, part: Mapping[str, Any]) -> None:
        """A call comes in parts: its name once, its arguments piece by piece."""
        call = self.calls.setdefault(
            int(part.get("index") or 0), {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        call["id"] = part.get("id") or call["id"]
        function = part.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""


async def events(answer: httpx.Response, settings: OpenAISettings) -> AsyncGenerator[Mapping[str, Any] | None]:
    """The events of a stream; None for its [DONE]. Comments that only keep it open count as silence.

    Raises ModelServerError where no event comes for as long as settings allow, or where one is no JSON.
    """
    lines = aiter(answer.aiter_lines())
    loop = asyncio.get_running_loop()
    allowed = settings.first_token
    until = loop.time() + allowed
    while True:
        try:
            async with asyncio.timeout_at(until):
                line = await anext(lines)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ModelServerError(f"{settings.root} stalled: nothing came for {allowed:g} s") from error
        except httpx.HTTPError as error:
            raise ModelServerError(f"{settings.root} broke off the answer ({type(error).__name__})") from error
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            yield None
            await _read_out(lines)
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise ModelServerError(f"{settings.root} sent an event that is no JSON") from error
        if not isinstance(event, dict):
            raise ModelServerError(f"{settings.root} sent an event that is no object")
        yield event
        allowed = settings.between_tokens
        until = loop.time() + allowed


async def _read_out(lines: AsyncIterator[str]) -> None:
    """Read on to the end behind [DONE], so that the connection can be used again."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_LAST_SECONDS):
            async for _ in lines:
                pass


def next_tokens_in(answer: httpx.Response) -> dict[int, float] | dict[str, float] | None:
    """The likeliest first tokens that a completion tells, by id or by text; None where it tells none."""
    try:
        told = answer.json()["choices"][0]["logprobs"]["top_logprobs"][0]
        values = {str(name): float(value) for name, value in told.items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    ids = {name: _TOKEN_ID.fullmatch(name) for name in values}
    if values and all(ids.values()):
        return {int(found[1]): values[name] for name, found in ids.items() if found}
    return values or None


def refusal(answer: httpx.Response) -> LyoError:
    """What an answer with an error's status means: to be raised, or told. An EngineBusyError is raised at once."""
    message = _reason(answer)
    if answer.status_code in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        raise EngineBusyError(_seconds(answer.headers.get("retry-after")))
    if answer.status_code == httpx.codes.NOT_FOUND:
        return AdapterGoneError(f"the server says 404: {message}")
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return ModelServerError(
            f"the server refuses the key ({answer.status_code})", hint="Set the variable that key_variable names."
        )
    if answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}:
        code = "context_length_exceeded" if _TOO_LONG.search(message) else None
        return RefusedError(message, param="messages" if code else None, code=code)
    return ModelServerError(f"the server says {answer.status_code}: {message}")


def _reason(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        return answer.text[:_LONGEST_REASON] or answer.reason_phrase
    error = told.get("error", told) if isinstance(told, dict) else told
    message = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    return str(message or told)[:_LONGEST_REASON]


def _seconds(told: str | None) -> float:
    try:
        return min(max(float(told or ""), 1.0), 600.0)
    except ValueError:
        return 2.0
