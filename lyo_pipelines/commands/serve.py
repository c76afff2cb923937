"""`lyo serve`: a small OpenAI-compatible server of the lake's adapters or of a base model."""

from __future__ import annotations

from rich.console import Console

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.serving.models import Models
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.base_models import EMBEDDED_NAME
from lyo_pipelines.training.versions import latest_adapter


def serve_models(console: Console, *, segment: str | None, base: str | None, host: str, port: int) -> None:
    """Serve one segment, a base model alone, or (neither given) every segment that has an adapter; until it is stopped."""
    lake = Lake(Settings.from_env().data_dir)
    only = None if base is None else ()
    if segment is not None:
        parse_parent(segment)
        only, base = (segment,), base or latest_adapter(lake, segment).base_model  # says what to do where there is none
    from lyo_pipelines.serving.server import run_server

    run_server(
        Models(lake, base or EMBEDDED_NAME, only),
        lake.local(lake.side("models")),
        host=host,
        port=port,
        say=lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False),
    )
