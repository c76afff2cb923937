"""`lyo train SEGMENT` and `lyo prefer SEGMENT`: one segment's adapter and report, as a Dagster run that anyone can watch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.report import newest_report
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.dataset.fallback import parent_of_thin
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes
from lyo_pipelines.training.recipes import PREFERENCE_METHODS
from lyo_pipelines.training.versions import NoAdapterError, latest_adapter, supervised_adapter


@dataclass(frozen=True)
class Work:
    """One job of Dagster as a command launches it: `op` takes recipe and overrides, `stages` are shown."""

    job: str
    op: str
    stages: tuple[str, ...]


RETRAIN = Work("retrain", "adapter", ("dataset_splits", "adapter", "eval_report"))
PREFER = Work("prefer", "preference_adapter", ("preference_data", "preference_adapter", "eval_report"))


class WrongMethodError(LyoError):
    """The recipe's method is another command's; the message says which."""


def train_segment(
    console: Console, segment: str, recipe: str, changes: Sequence[str] = (), *, port: int = 3000
) -> None:
    """Launch `retrain` for the segment, follow it and print its report; a Dagster that was not running is closed again.

    A segment that is too thin trains nothing: its parent serves it, and is trained first where it has no adapter yet.
    """
    parse_parent(segment)
    overrides = parse_changes(changes)
    if load_recipe(recipe, overrides).method in PREFERENCE_METHODS:  # a wrong recipe is said before anything starts
        raise WrongMethodError(f"recipe {recipe} tunes an existing adapter: `lyo prefer {segment} --recipe {recipe}`")
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    keys = [segment]
    if parent := parent_of_thin(lake, segment, config.dataset, config.curation):
        console.print(f"{segment} is too thin to train: {parent} serves it.", highlight=False)
        keys = [segment] if _has_adapter(lake, parent) else [parent, segment]
    _work(console, lake, RETRAIN, keys, recipe, overrides, port=port)


def prefer_segment(
    console: Console, segment: str, recipe: str, changes: Sequence[str] = (), *, port: int = 3000
) -> None:
    """Launch `prefer` for the segment, follow it and print its report. Raises NoAdapterError without an adapter to start from."""
    parse_parent(segment)
    overrides = parse_changes(changes)
    if load_recipe(recipe, overrides).method not in PREFERENCE_METHODS:
        raise WrongMethodError(
            f"recipe {recipe} does not learn from preferences: use kto or dpo, or `lyo train {segment}`"
        )
    lake = Lake(Settings.from_env().data_dir)
    supervised_adapter(lake, segment)
    _work(console, lake, PREFER, [segment], recipe, overrides, port=port)


def _has_adapter(lake: Lake, segment: str) -> bool:
    try:
        latest_adapter(lake, segment)
    except NoAdapterError:
        return False
    return True


def _work(
    console: Console, lake: Lake, work: Work, keys: list[str], recipe: str, overrides: ConfigTree, *, port: int
) -> None:
    require_ready(load_recipe(recipe, overrides), lake.local(lake.side("models")))
    server = start_server(port)
    try:
        for key in keys:
            run_job(console, Client(server.url), lake, work, key, recipe, overrides)
    finally:
        server.stop()
    report, folder = newest_report(lake, keys[-1])
    print_summary(console, report, folder)


def run_job(
    console: Console, client: Client, lake: Lake, work: Work, segment: str, recipe: str, overrides: ConfigTree
) -> None:
    """Launch and follow one run; an interruption stops it in order, so that training keeps a checkpoint."""
    client.add_segment(segment)
    config = {"ops": {work.op: {"config": {"recipe": recipe, "overrides": overrides}}}}  # as in the launchpad
    tags = {"dagster/partition": segment, "lyo/why": f"lyo {'train' if work is RETRAIN else 'prefer'}"}
    run_id = client.launch(work.job, config=config, tags=tags)
    try:
        with Display(console) as display:
            stages = new_stages(*work.stages)
            Follower(client, lake, stages, display.show, since=time.time() - 1).until_run_ends(run_id)
    except KeyboardInterrupt:
        console.print("Stopping the run cleanly (training writes a checkpoint) …")
        client.terminate(run_id)
        wait_ended(client, run_id)
        raise


def wait_ended(client: Client, run_id: str, seconds: float = 40.0) -> None:
    """Wait until a terminated run has ended, or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(run.active for run in client.runs(runIds=[run_id])):
        time.sleep(1)
