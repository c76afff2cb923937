"""The application: all routes behind one guard. Which engine, journal and keys it works with, its callers decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Scope

from lyo_pipelines.serving.access.guard import KEY_NAME, LOCAL_NAMES, Guard
from lyo_pipelines.serving.access.keys import Keys
from lyo_pipelines.serving.access.keys import Scope as KeyScope
from lyo_pipelines.serving.access.limits import Limits
from lyo_pipelines.serving.app import asking_routes, failed
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.door import Door, served_headers
from lyo_pipelines.serving.models import NotLoadableError
from lyo_pipelines.training.verified_loading import DamagedAdapterError

OPEN = ("/healthz", "/readyz")
"""Paths that need no key, beside the page: it asks for one itself."""


@dataclass(frozen=True)
class Access:
    """Who may ask. keys: None where nobody needs one. host: the address that is listened on."""

    host: str
    keys: Keys | None
    limits: Limits


def make_app(
    door: Door,
    access: Access,
    more: Sequence[BaseRoute] = (),
    *,
    uploads: Mapping[str, KeyScope] | None = None,
    open_paths: Sequence[str] = (),
) -> ASGIApp:
    """The application of one gateway. more: routes beside those of /v1.

    uploads: paths that take files, and the scope of a key that they take.
    """

    def spend(scope: Scope, tokens: int) -> None:
        if name := scope.get(KEY_NAME):
            access.limits.spend(name, tokens)

    app = Starlette(
        routes=[*asking_routes(door, spend), *more],
        exception_handlers={RefusedError: _refused, DamagedAdapterError: _damaged, Exception: _unforeseen},
    )
    hosts = LOCAL_NAMES | {access.host.lower(), *(name.lower() for name in door.config.allowed_hosts)}
    return Guard(
        app, door.config, access.keys, access.limits, hosts - {"0.0.0.0", "::"}, {*OPEN, *open_paths}, uploads or {},
        door.metrics.turned_away, failed,
    )  # fmt: skip


async def _refused(_: Request, error: Exception) -> Response:
    return failed(error, {})


async def _unforeseen(_: Request, error: Exception) -> Response:
    """Whatever nobody foresaw is answered in the shape of the API; Starlette raises it again, so that it is in the log."""
    said = f"a fault of the gateway ({type(error).__name__}); its log says more"
    return failed(RefusedError(said, status=500, code="gateway_fault"), {})


async def _damaged(_: Request, error: Exception) -> Response:
    named: Mapping[str, str] = {}
    if isinstance(error, NotLoadableError):
        named = served_headers(error.version, error.arm, error.release_id)
    return failed(error, named)
