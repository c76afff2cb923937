"""One chat request to an OpenAI-compatible endpoint, with retries, time limits and a pace. Nothing is kept here."""

from __future__ import annotations

import email.utils
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from lyo_pipelines.config.evaluation import EvaluationConfig, Remote
from lyo_pipelines.errors import LyoError

_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
"""Statuses of a server that is busy or was interrupted, not of a request that is wrong."""
_USELESS = {401, 403, 404}
"""Statuses that every other request would get, too."""
LONGEST_WAIT = 60.0


class EndpointError(LyoError):
    """A request was not answered. useless: the next one will not be either (key, address or model are wrong)."""

    def __init__(self, message: str, *, hint: str = "", useless: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.useless = useless


@dataclass(frozen=True)
class Reply:
    """One answer. Token numbers are as the endpoint counts them, None where it does not say; seconds: of the last request."""

    text: str
    prompt_tokens: int | None
    answer_tokens: int | None
    truncated: bool
    seconds: float


def key_of(remote: Remote, environment: Mapping[str, str] | None = None) -> str | None:
    """The endpoint's key out of the environment. Raises EndpointError naming the variable that is not set."""
    if remote.api_key_env is None:
        return None
    found = (os.environ if environment is None else environment).get(remote.api_key_env, "").strip()
    if not found:
        raise EndpointError(
            f"{remote.model} at {remote.url}: the environment variable {remote.api_key_env} is not set.", useless=True
        )
    return found


def check_keys(config: EvaluationConfig) -> None:
    """Raise EndpointError before anything is asked when a key is not there."""
    for remote in (*config.endpoints, *([config.judge] if config.judge else [])):
        key_of(remote)


class ChatClient:
    """Asks one endpoint; may be used by several threads at once."""

    def __init__(
        self,
        remote: Remote,
        key: str | None,
        *,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,  # noqa: TID251 - passed in by whoever knows better
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.remote, self._key = remote, key
        self._stopped = threading.Event()
        self._sleep, self._clock, self._epoch, self._draw = sleep or self._stopped.wait, clock, epoch, draw
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=remote.parallel)
        self._http = httpx.Client(headers=headers, timeout=remote.timeout_seconds, limits=limits)
        self._names = {"tokens": "max_tokens", "temperature": "temperature"}
        self._pace = threading.Lock()
        self._next = 0.0

    def __enter__(self) -> ChatClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def stop(self) -> None:
        """Let threads that ask or wait give up at once: the evaluation is interrupted."""
        self._stopped.set()
        self._http.close()

    def chat(self, messages: Sequence[Mapping[str, str]], *, max_tokens: int | None) -> Reply:
        """Ask, at temperature 0, up to `attempts` times. Raises EndpointError with the last reason.

        max_tokens: of the answer; None leaves it to the endpoint.
        """
        reason, wait = "", 0.0
        for attempt in range(self.remote.attempts):
            if attempt:
                self._sleep(wait)
            self._take_turn()
            if self._stopped.is_set():
                raise EndpointError(self._told("interrupted"), useless=True)
            started, body = self._clock(), self._body(messages, max_tokens)
            try:
                response = self._http.post(self._url, json=body)
                reason = self._why(response)
            except httpx.TransportError as error:
                response, reason = None, f"{type(error).__name__}: {error}"
            if response is not None and response.is_success and (reply := _reply(response, self._clock() - started)):
                return reply
            if response is not None and response.status_code == 400 and self._adapts(response, body):
                wait = 0.0
                continue
            if response is not None and not response.is_success and response.status_code not in _AGAIN:
                raise EndpointError(self._told(reason), useless=response.status_code in _USELESS)
            wait = _patience(response, attempt, self._draw(), self._epoch())
        raise EndpointError(self._told(f"{reason} ({self.remote.attempts} attempts)"))

    @property
    def _url(self) -> str:
        return f"{self.remote.url.rstrip('/')}/chat/completions"

    def _body(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int | None
    ) -> dict[str, Any]:  # JSON of the request
        names = dict(self._names)
        told: dict[str, Any] = {"temperature": 0} if "temperature" in names else {}
        if max_tokens is not None:
            told[names["tokens"]] = max_tokens
        return {"model": self.remote.model, "messages": [dict(message) for message in messages], **told}

    def _adapts(self, response: httpx.Response, sent: Mapping[str, Any]) -> bool:
        """Whether the endpoint wants a parameter that was sent otherwise, as newer models do; from now on it is asked that way."""
        if "max_completion_tokens" in response.text and "max_tokens" in sent:
            self._names["tokens"] = "max_completion_tokens"
            return True
        if "temperature" in response.text and "temperature" in sent:
            self._names.pop("temperature", None)
            return True
        return False

    def _take_turn(self) -> None:
        if self.remote.requests_per_minute is None:
            return
        with self._pace:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + 60 / self.remote.requests_per_minute
        self._sleep(turn - now)

    def _why(self, response: httpx.Response) -> str:
        if response.is_success:
            return "the answer is not in the shape of the OpenAI API"
        return f"status {response.status_code}: {' '.join(response.text.split())[:200]}"

    def _told(self, reason: str) -> str:
        if self._key:  # some servers repeat it
            reason = reason.replace(self._key, "…")
        return f"{self.remote.model} at {self.remote.url}: {reason}"


def _reply(response: httpx.Response, seconds: float) -> Reply | None:
    try:
        body = response.json()
        choice = body["choices"][0]
        text = choice["message"]["content"] or ""
        usage = body.get("usage") or {}
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        known = [count if isinstance(count, int) else None for count in counts]
        return Reply(str(text).strip(), known[0], known[1], choice.get("finish_reason") == "length", seconds)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None


def _patience(response: httpx.Response | None, attempt: int, draw: float, now: float) -> float:
    """Seconds until the next attempt: as the server asks, else twice as long each time, never in step with others.

    now: seconds since 1970, for a server that names a moment.
    """
    asked = response.headers.get("retry-after") if response is not None else None
    if asked:
        try:
            return min(LONGEST_WAIT, max(0.0, float(asked)))
        except ValueError:
            if (when := email.utils.parsedate_tz(asked)) is not None:
                return min(LONGEST_WAIT, max(0.0, email.utils.mktime_tz(when) - now))
    return min(LONGEST_WAIT, 2**attempt * (0.5 + draw / 2))
