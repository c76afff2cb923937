"""/healthz (the process answers), /readyz (it can answer questions) and /metrics (for Prometheus)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lyo_pipelines.serving.door import Door
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.serving.proofs import key_of
from lyo_pipelines.training.verified_loading import DamagedAdapterError


def health_routes(door: Door) -> list[BaseRoute]:
    """The three routes."""

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        trouble, passed_over = await troubles(door), []
        if not trouble:
            passed_over = await troubles_of_providers(door)
        told = {
            "status": "not ready" if trouble else "ok", "engine": door.engine.name, "troubles": trouble, "passed_over": passed_over,
        }  # fmt: skip
        return JSONResponse(told, status_code=503 if trouble else 200)

    async def metrics(_: Request) -> Response:
        if door.journal is not None:
            door.metrics.journal.set(door.journal.waiting)
        door.metrics.refused.set(len(door.proofs.refused))
        return Response(door.metrics.text(), media_type=door.metrics.content_type)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


async def troubles(door: Door) -> list[str]:
    """Why the gateway is not ready: the engine, or a routed adapter that it has not shown to apply. An adapter that is newly routed is
    proved now, before its first user comes.
    """
    if door.draining:
        return ["it is being stopped"]
    if trouble := await door.engine.trouble():
        return [trouble]
    return await _not_proved(door, lambda choice: choice.spec.hosted is None)


async def troubles_of_providers(door: Door) -> list[str]:
    """Routed models of a provider that are passed over now, and why (not allowed, no key, gone, silent).

    Nobody is sent away for it: what serves the others answers.
    """
    return await _not_proved(door, lambda choice: choice.spec.hosted is not None)


async def _not_proved(door: Door, wanted: Callable[[ModelChoice], bool]) -> list[str]:
    found = []
    for choice in await asyncio.to_thread(door.models.routed):
        if not wanted(choice):
            continue
        try:
            await door.proofs.require(choice)
        except DamagedAdapterError as error:
            found.append(f"{'@'.join(key_of(choice))}: {error}")
    return found
