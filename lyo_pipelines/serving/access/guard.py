"""What a request must pass before anybody reads it: the Host header, its origin, its key and limits; and a watch over its body.

A page of another site can make a browser ask 127.0.0.1, by a form or by a name that resolves there: so names are checked (Host), and a
browser's requests come from our own page or a configured origin.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lyo_pipelines.config.gateway import GatewayConfig
from lyo_pipelines.serving.access.keys import Keys
from lyo_pipelines.serving.access.keys import Scope as KeyScope
from lyo_pipelines.serving.access.limits import Limits
from lyo_pipelines.serving.contract import ClientGoneError, RefusedError

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
KEY_NAME, HOLDER = "lyo_key", "lyo_holder"
"""Where the scope says whose key it was: the name, and the KeyHolder. Neither is there where nobody needs a key."""
_NEEDED: dict[str, tuple[str, str]] = {
    "owner": ("an owner's key is needed: lyo gateway key add NAME --owner", "not_an_owner"),
    "fine_tune": ("a key for fine-tuning is needed: lyo gateway key add NAME --fine-tune", "not_for_fine_tuning"),
}
_METHODS = "GET, POST, OPTIONS"


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Guard:
    """The outermost application. keys: None where nobody needs one. hosts: names it is asked under; open_paths: need no key.

    uploads: paths (and what lies below them) that take a scope, and whose bodies may be as large as config.largest_upload.
    turned_away: is told why. failed: makes the response.
    """

    app: ASGIApp
    config: GatewayConfig
    keys: Keys | None
    limits: Limits
    hosts: frozenset[str]
    open_paths: Collection[str]
    uploads: Mapping[str, KeyScope]
    turned_away: Callable[[str], None]
    failed: Callable[[Exception, Mapping[str, str]], Response]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or say why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin", "")
        cors = self._cors(origin)
        watch = _Watch(self, scope, receive, send, cors)
        try:
            self._check_host(headers, origin)
            if scope["method"] == "OPTIONS" and cors:
                await Response(status_code=204, headers=cors)(scope, receive, send)
                return
            self._check_key(scope, headers)
            watch.check_length(headers)
            await self.app(scope, watch.receive, watch.send)
        except RefusedError as error:
            if watch.begun:
                raise
            await self.failed(error, cors)(scope, receive, send)
        except ClientGoneError:
            return

    def taken_by(self, scope: Scope) -> KeyScope | None:
        """The scope that a path takes: of the one of `uploads` that it is, or lies below."""
        for path, needed in self.uploads.items():
            if scope["path"] == path or scope["path"].startswith(f"{path}/"):
                return needed
        return None

    def _check_host(self, headers: Mapping[str, str], origin: str) -> None:
        host = _name(headers.get("host", ""))
        if host not in self.hosts:
            self.turned_away("host")
            raise RefusedError(
                "the gateway is not asked under this name: add it to gateway.allowed_hosts",
                status=421,
                code="host_not_allowed",
            )
        if origin and origin not in self.config.cors_origins and urlsplit(origin).netloc != headers.get("host", ""):
            self.turned_away("origin")
            raise RefusedError(
                "pages of other origins may not ask: add yours to gateway.cors_origins",
                status=403,
                code="origin_not_allowed",
            )

    def _check_key(self, scope: Scope, headers: Mapping[str, str]) -> None:
        if self.keys is None or scope["path"] in self.open_paths:
            return
        kind, _, key = headers.get("authorization", "").partition(" ")
        holder = self.keys.holder_of(key.strip()) if kind.lower() == "bearer" and key else None
        if holder is None:
            self.turned_away("key")
            raise RefusedError("a key is needed: Authorization: Bearer <key>", status=401, code="invalid_api_key")
        if (needed := self.taken_by(scope)) is not None and not holder.may(needed):
            self.turned_away("key")
            message, code = _NEEDED[needed]
            raise RefusedError(message, status=403, code=code)
        scope[KEY_NAME], scope[HOLDER] = holder.name, holder
        if scope["method"] == "POST" and (held := self.limits.request(holder.name)) is not None:
            limit, seconds = held
            self.turned_away(limit)
            said = "too many requests" if limit == "rate" else "the tokens of a day are used up"
            raise RefusedError(
                f"{said}: try again in {seconds} s", status=429, code=f"{limit}_limit", retry_after=seconds
            )

    def _cors(self, origin: str) -> dict[str, str]:
        if not origin or origin not in self.config.cors_origins:
            return {}
        return {
            "access-control-allow-origin": origin, "vary": "Origin", "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": "Authorization, Content-Type", "access-control-expose-headers": "*",
        }  # fmt: skip


class _Watch:
    """Counts a request's body while it is read, and waits for no piece of it, or of the answer's taking, too long."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send, cors: Mapping[str, str]) -> None:
        self._guard, self._receive, self._send = guard, receive, send
        self._most = guard.config.largest_upload if guard.taken_by(scope) else guard.config.largest_body
        self._cors = [(name.encode(), value.encode()) for name, value in cors.items()]
        self._read, self._whole = 0, False
        self.begun = False

    def check_length(self, headers: Mapping[str, str]) -> None:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._most:
            self._too_large()

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # only that the client goes away can come now
        try:
            async with asyncio.timeout(self._guard.config.seconds.idle):
                message = await self._receive()
        except TimeoutError:
            self._guard.turned_away("too_slow")
            raise RefusedError("the request's body came too slowly", status=408, code="too_slow") from None
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            self._too_large()
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            message = {**message, "headers": [*message.get("headers", ()), *self._cors]}
        try:
            async with asyncio.timeout(self._guard.config.seconds.idle):
                await self._send(message)
        except TimeoutError:
            raise ClientGoneError from None

    def _too_large(self) -> None:
        self._guard.turned_away("too_large")
        raise RefusedError(f"the request is larger than {self._most:,} bytes", status=413, code="too_large")


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
