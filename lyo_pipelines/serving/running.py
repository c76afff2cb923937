"""A gateway put together: journal, keys, engine and routes, as settings and configuration say. What reaches Dagster is passed in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from lyo_pipelines.config.loading import Config
from lyo_pipelines.errors import LyoError
from lyo_pipelines.fine_tuning.jobs import recover_jobs
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.key_fingerprint import require_key
from lyo_pipelines.serving.access.guard import is_loopback
from lyo_pipelines.serving.access.keys import Keys, Scope
from lyo_pipelines.serving.access.limits import Limits
from lyo_pipelines.serving.asked import RowMaker
from lyo_pipelines.serving.documents import SETUP, Trainings, document_routes
from lyo_pipelines.serving.door import Door
from lyo_pipelines.serving.engines.engine import Engine
from lyo_pipelines.serving.feedback import feedback_routes
from lyo_pipelines.serving.gateway import Access, make_app
from lyo_pipelines.serving.health import health_routes, troubles
from lyo_pipelines.serving.journal.journal import Journal
from lyo_pipelines.serving.models import Models
from lyo_pipelines.serving.page_routes import PATHS, page_routes
from lyo_pipelines.serving.tuning.jobs import JOBS, job_routes
from lyo_pipelines.serving.tuning.standing import Tunings
from lyo_pipelines.serving.tuning.uploads import FILES, file_routes
from lyo_pipelines.storage.lake import Lake

_log = logging.getLogger(__name__)


class NoKeyError(LyoError):
    """The gateway would be open to a network without any key."""


def keys_of(lake: Lake) -> Keys:
    """The keys of a data directory. Raises NotLocalError."""
    return Keys(Path(lake.local(lake.side("gateway", "keys.json"))))


def access_for(lake: Lake, config: Config, host: str) -> Access:
    """Who may ask: on this machine everybody, elsewhere who has a key. Raises NoKeyError where there is none yet."""
    limits, keys = Limits(config.gateway.per_key, time.monotonic), keys_of(lake)
    if is_loopback(host):
        return Access(host, None, limits)
    if not keys.holders():
        raise NoKeyError(
            f"on {host} others can reach the gateway, and it has no API key yet.",
            hint="`lyo gateway key add NAME` makes one.",
        )
    return Access(host, keys, limits)


@dataclass(frozen=True)
class Assembly:
    """What a gateway is made of. models: with `to_base`, so that nobody is left without an answer."""

    models: Models
    engine: Engine
    config: Config
    access: Access
    pseudonym_key: str
    clock: Callable[[], float]
    trainings: Trainings
    tunings: Tunings

    async def prepare(self) -> tuple[Door, ASGIApp]:
        """Recover the journal, start the engine, prove what is routed. Raises LyoError."""
        lake, config = self.models.lake, self.config
        if config.gateway.fine_tuning.enabled:
            await asyncio.to_thread(recover_jobs, lake, config, now=self.clock())
        pseudonyms = Pseudonyms(self.pseudonym_key)
        require_key(lake, pseudonyms)
        rows = RowMaker(pseudonyms, Scrubber(pseudonyms, config.interactions.identifier_keys))
        settings = config.gateway.journal
        journal = await asyncio.to_thread(
            Journal.opened, lake, rows=settings.inbox_rows, seconds=settings.inbox_seconds, reserve_bytes=settings.reserve_bytes,
            clock=self.clock,
        )  # fmt: skip
        try:
            if journal.recovered:
                _log.warning("%d rows of a gateway that was killed are in the inbox now", journal.recovered)
            await self.engine.start()
            door = Door(
                self.models, self.engine, config.gateway, config.interactions.language_from_text, clock=self.clock,
                rows=rows, journal=journal,
            )  # fmt: skip
            for trouble in await troubles(door):
                _log.warning("%s", trouble)
        except BaseException:
            await journal.close()
            raise
        routes = [
            *health_routes(door),
            *feedback_routes(journal, door.metrics, self.clock, rows),
            *document_routes(door, self.trainings),
            *page_routes(),
        ]
        if (tuning := config.gateway.fine_tuning).enabled:
            routes += file_routes(lake, tuning, clock=self.clock, language_of=door.language_of)
            routes += job_routes(lake, config, self.tunings, clock=self.clock)
        uploads: dict[str, Scope] = {SETUP: "owner", FILES: "fine_tune", JOBS: "fine_tune"}
        return door, make_app(door, self.access, routes, uploads=uploads, open_paths=PATHS)
