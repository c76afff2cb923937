"""The calls of the OpenAI fine-tuning API that we make. What they are made for, and what is kept, belongs to job.py.

Reading is tried again; what changes something is sent once, as there is no idempotency key: job.py looks first whether it was done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import JsonObject, is_dict

_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_PAGE = 100
_SHOWN = 300


class HostedError(LyoError):
    """The provider refused or did not answer; the message says what it said."""


class HostedClosedError(HostedError):
    """The provider creates no fine-tuning jobs (any more)."""


class UnsureError(HostedError):
    """Something was sent and no answer came: it may have been done."""


class HostedClient:
    """One provider. transport: for tests; sleep: between attempts."""

    def __init__(
        self,
        config: HostedConfig,
        key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.config, self._sleep = config, sleep
        self._http = httpx.Client(
            base_url=(config.base_url or "").rstrip("/") + "/", timeout=config.timeout_seconds, transport=transport,
            headers={"Authorization": f"Bearer {key}"}, follow_redirects=False,
        )  # fmt: skip

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    # -- reading ---------------------------------------------------------------------------------------------------
    def require_open(self) -> None:
        """Raise HostedClosedError where there are no fine-tuning jobs at this address, HostedError where the key is refused."""
        self._get("fine_tuning/jobs", limit=1)

    def files(self) -> Iterator[JsonObject]:
        """Files for fine-tuning that are there."""
        return self._pages("files", purpose="fine-tune")

    def jobs(self) -> Iterator[JsonObject]:
        """Every fine-tuning job of the account, newest first."""
        return self._pages("fine_tuning/jobs")

    def job(self, job_id: str) -> JsonObject:
        """One job."""
        return self._get(f"fine_tuning/jobs/{job_id}")

    def events(self, job_id: str) -> list[JsonObject]:
        """Everything that a job has said, oldest first."""
        return list(self._pages(f"fine_tuning/jobs/{job_id}/events"))[::-1]

    def checkpoints(self, job_id: str) -> list[JsonObject]:
        """The models that a job has left on its way, with their metrics; [] at a provider that has no such call."""
        try:
            return list(self._pages(f"fine_tuning/jobs/{job_id}/checkpoints"))
        except HostedClosedError:
            return []

    def model_standing(self, model: str) -> str:
        """How a model stands at the provider, as a sentence: there, deleted, not for this key, or nobody answers."""
        try:
            answer = self._http.get(f"models/{model}")
        except httpx.TransportError as error:
            return f"the provider does not answer ({type(error).__name__})"
        if answer.is_success:
            return "the provider has it"
        if answer.status_code in {404, 410}:
            return f"the provider has it no more ({_said(answer)}): what serves the others answers instead"
        if answer.status_code in {401, 403}:
            return f"the provider refuses the key ({_said(answer)})"
        return f"the provider does not say ({_said(answer)})"

    # -- what changes something ------------------------------------------------------------------------------------
    def upload(self, name: str, content: bytes) -> JsonObject:
        """Send a file. Raises UnsureError where it may have arrived."""
        return self._send("files", files={"file": (name, content, "application/jsonl")}, data={"purpose": "fine-tune"})

    def create(self, request: JsonObject) -> JsonObject:
        """Create a job, which is paid for. Raises UnsureError where it may have been created."""
        return self._send("fine_tuning/jobs", json=request)

    def cancel(self, job_id: str) -> JsonObject:
        """Cancel a job; what it has trained until then may be charged."""
        return self._send(f"fine_tuning/jobs/{job_id}/cancel")

    # -- the wire --------------------------------------------------------------------------------------------------
    def _get(self, path: str, **query: str | int) -> JsonObject:
        reason = ""
        for attempt in range(self.config.attempts):
            if attempt:
                self._sleep(self.config.wait_seconds * 2 ** (attempt - 1))
            try:
                answer = self._http.get(path, params=query)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code in _AGAIN:
                reason = _said(answer)
                continue
            return _object(answer, path)
        raise HostedError(f"{path}: no answer in {self.config.attempts} attempts ({reason}).", hint="Try again later.")

    def _pages(self, path: str, **query: str | int) -> Iterator[JsonObject]:
        after: dict[str, str] = {}
        while True:
            page = self._get(path, limit=_PAGE, **query, **after)
            rows = [row for row in _list(page.get("data")) if is_dict(row)]
            yield from rows
            if not page.get("has_more") or not rows or after.get("after") == rows[-1].get("id"):
                return
            after = {"after": str(rows[-1].get("id", ""))}

    def _send(self, path: str, **content: Any) -> JsonObject:
        try:
            answer = self._http.post(path, **content)
        except httpx.ConnectError as error:  # nothing was sent
            raise HostedError(f"{path}: {error}", hint="See hosted.base_url, and try again.") from error
        except httpx.TransportError as error:
            raise UnsureError(f"{path}: no answer came ({type(error).__name__}).") from error
        if answer.status_code in _AGAIN - {429}:
            raise UnsureError(f"{path}: {_said(answer)}")
        return _object(answer, path)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _said(answer: httpx.Response) -> str:
    """What a refusal says, without anything that we sent."""
    try:
        told = answer.json()
        error = told.get("error") if is_dict(told) else None
        text = error.get("message") if is_dict(error) else error
    except ValueError:
        text = None
    return f"HTTP {answer.status_code}" + (f": {str(text)[:_SHOWN]}" if text else "")


def _object(answer: httpx.Response, path: str) -> JsonObject:
    said = _said(answer)
    closed = answer.status_code in {404, 405, 410, 501} or (
        answer.status_code in {400, 403} and "fine-tun" in said.lower() and "file" not in said.lower()
    )
    if closed and (path == "fine_tuning/jobs" or path.endswith("/checkpoints")):
        raise HostedClosedError(
            f"this provider has no fine-tuning to offer here ({said}).",
            hint="Name another provider (hosted.base_url), or train here: `lyo train`.",
        )
    if not answer.is_success:
        hint = "See the key and what it may do." if answer.status_code in {401, 403} else ""
        raise HostedError(f"{path} was refused ({said}).", hint=hint)
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not is_dict(found):
        raise HostedError(f"{path}: the answer is no JSON object.", hint="Does hosted.base_url end with the API's /v1?")
    return found
