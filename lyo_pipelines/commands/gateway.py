"""`lyo gateway` and `lyo gateway key …`: the server that answers, logs and takes feedback, and the keys that open it."""

from __future__ import annotations

import time

from rich.console import Console

from lyo_pipelines.client.trainings import DagsterTrainings
from lyo_pipelines.client.tunings import DagsterTunings
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.serving.access.keys import KeyHolder
from lyo_pipelines.serving.models import Models
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.base_models import EMBEDDED_NAME


def run_gateway(console: Console, *, host: str, port: int, engine: str | None, base: str | None) -> None:
    """Serve until SIGINT or SIGTERM. engine: instead of the configured one; base: of the lake's adapters (None: the embedded one)."""
    settings = Settings.from_env()
    config = load_config(settings.config_path)
    if engine is not None:
        config = config.model_copy(update={"gateway": config.gateway.model_copy(update={"engine": engine})})
    lake, base = Lake(settings.data_dir), base or EMBEDDED_NAME
    from lyo_pipelines.serving.engines.choosing import engine_of
    from lyo_pipelines.serving.running import Assembly, access_for
    from lyo_pipelines.serving.server import run_server

    assembly = Assembly(
        Models(lake, base, to_base=True, tuned=config.gateway.fine_tuning.enabled),
        engine_of(config, base, lake, clock=time.time),
        config,
        access_for(lake, config, host),
        settings.require_pseudonym_key(),
        time.time,
        DagsterTrainings(),
        DagsterTunings(),
    )
    run_server(
        assembly.prepare,
        host=host,
        port=port,
        say=lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False),
    )


def add_key(console: Console, name: str, *, owner: bool, fine_tune: bool = False) -> None:
    """Make a key and print it, this once."""
    from lyo_pipelines.serving.running import keys_of

    key = keys_of(Lake(Settings.from_env().data_dir)).add(name, owner=owner, fine_tune=fine_tune)
    console.print(key, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Keep it: only its hash is stored. It opens the gateway for {name}.", highlight=False)


def list_keys(console: Console) -> None:
    """The names of all keys."""
    from lyo_pipelines.serving.running import keys_of

    for holder in keys_of(Lake(Settings.from_env().data_dir)).holders():
        console.print(f"{holder.name}{_scope(holder)}", highlight=False, markup=False)


def remove_key(console: Console, name: str) -> None:
    """Take a key away; a gateway that runs refuses it from now on."""
    from lyo_pipelines.serving.running import keys_of

    keys_of(Lake(Settings.from_env().data_dir)).remove(name)
    console.print(f"{name} opens nothing any more.", highlight=False)


def _scope(holder: KeyHolder) -> str:
    return " (owner)" if holder.owner else " (fine-tuning)" if holder.fine_tune else ""
