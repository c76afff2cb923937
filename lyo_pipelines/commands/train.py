"""`lyo train SEGMENT`: dataset version, adapter and report of one segment, as a Dagster run that anyone can watch."""

from __future__ import annotations

import time

from rich.console import Console

from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, Stage, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.report import newest_report_dir
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.evaluation.report import read_report
from lyo_pipelines.interactions.segments import parse_segment
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.recipe_loading import load_recipe

RETRAIN_STAGES = ("dataset_splits", "adapter", "eval_report")


def train_segment(console: Console, segment: str, recipe: str, *, port: int = 3000) -> None:
    """Launch `retrain` for the segment, follow it and print its report; a Dagster that was not running is closed again."""
    parse_segment(segment)
    load_recipe(recipe, {})  # a wrong recipe is said before anything starts
    lake = Lake(Settings.from_env().data_dir)
    server = start_server(port)
    try:
        run_retrain(console, Client(server.url), lake, segment, recipe, why="lyo train")
    finally:
        server.stop()
    folder = newest_report_dir(lake, segment)
    print_summary(console, read_report(folder), folder)


def run_retrain(console: Console, client: Client, lake: Lake, segment: str, recipe: str, *, why: str) -> None:
    """Launch and follow one `retrain` run; an interruption stops it in order, so that training keeps a checkpoint."""
    client.add_segment(segment)
    run_id = client.launch(
        "retrain", config=retrain_config(recipe), tags={"dagster/partition": segment, "lyo/why": why}
    )
    stages: dict[str, Stage] = {key: stage for key, stage in new_stages().items() if key in RETRAIN_STAGES}
    try:
        with Display(console) as display:
            Follower(client, lake, segment, stages, display.show, since=time.time() - 1).until_run_ends(run_id)
    except KeyboardInterrupt:
        console.print("Stopping the run in order (training writes a checkpoint) …")
        client.terminate(run_id)
        wait_ended(client, run_id)
        raise


def retrain_config(recipe: str) -> dict[str, object]:
    """What one would type into the launchpad."""
    return {"ops": {"adapter": {"config": {"recipe": recipe}}}}


def wait_ended(client: Client, run_id: str, seconds: float = 40.0) -> None:
    """Wait until a terminated run has ended, or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(run.active for run in client.runs(runIds=[run_id])):
        time.sleep(1)
