"""`lyo serve`: a small OpenAI-compatible server of the lake's adapters or of a base model."""

from __future__ import annotations

import asyncio
import time

from rich.console import Console
from starlette.types import ASGIApp

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.serving.models import Models
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.base_models import EMBEDDED_NAME
from lyo_pipelines.training.versions import latest_adapter


def serve_models(console: Console, *, segment: str | None, base: str | None, host: str, port: int) -> None:
    """Serve one segment, a base model alone, or (neither given) every segment that has an adapter; until it is stopped."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    only = None if base is None else ()
    if segment is not None:
        parse_parent(segment)
        only, base = (segment,), base or latest_adapter(lake, segment).base_model  # says what to do where there is none
    from lyo_pipelines.serving.access.limits import Limits
    from lyo_pipelines.serving.door import Door
    from lyo_pipelines.serving.engines.hosted_engine import WithHosted
    from lyo_pipelines.serving.engines.torch_engine import TorchEngine
    from lyo_pipelines.serving.gateway import Access, make_app
    from lyo_pipelines.serving.server import run_server

    base = base or EMBEDDED_NAME
    models = Models(lake, base, only)
    engine = WithHosted(TorchEngine(models_dir(lake), base), None)  # nothing leaves from here

    async def prepare() -> tuple[Door, ASGIApp]:
        await engine.start()
        await engine.prove(await asyncio.to_thread(models.choose, models.names()[0], None))
        door = Door(models, engine, config.gateway, config.interactions.language_from_text, clock=time.time)
        return door, make_app(door, Access(host, None, Limits(config.gateway.per_key, time.monotonic)))

    run_server(
        prepare,
        host=host,
        port=port,
        say=lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False),
    )
