"""The demo from start to end: sample files -> inbox -> sensors -> one segment's dataset, adapter and report."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, RunFailedError, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import Server, start_server
from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.train import RETRAIN_STAGES, run_retrain
from lyo_pipelines.config.figures import load_figures
from lyo_pipelines.config.settings import Settings, make_key_file
from lyo_pipelines.curation.inputs import stale_days as stale_example_days
from lyo_pipelines.dataset.versions import latest
from lyo_pipelines.evaluation.command import is_complete
from lyo_pipelines.evaluation.report import read_report
from lyo_pipelines.interactions.days import stale_days
from lyo_pipelines.interactions.inbox import scan
from lyo_pipelines.sample.write import write_sample
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import adapter_version
from lyo_pipelines.training.recipe_loading import load_recipe

SEGMENT = "tutoring.en.math"
RECIPE = "cpu_demo"


class DemoBusyError(RuntimeError):
    """Another demo works on the same data directory."""


def run_demo(console: Console, *, port: int, interactions: int = 12_000, seed: int = 7) -> Server | None:
    """Run what is not yet done and print the result; return the server when it should stay open.

    Raises DemoBusyError, ServerError or RunFailedError, each with what to do.
    """
    settings = Settings.from_env()
    make_key_file(settings.data_dir)
    lake = Lake(settings.data_dir)
    root = lake.local(lake.base)
    root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / ".demo.lock", timeout=0):
            return _run_locked(console, lake, port=port, interactions=interactions, seed=seed)
    except Timeout as error:
        raise DemoBusyError(
            f"another demo is at work in {root}; wait for it, or give this one its own LYO_DATA_DIR"
        ) from error


def _run_locked(console: Console, lake: Lake, *, port: int, interactions: int, seed: int) -> Server | None:
    began = time.time()
    _drop_sample(console, lake, interactions=interactions, seed=seed)
    done = finished_report(lake)
    if done is not None:
        console.print("Everything is done already; nothing is repeated.")
        print_summary(console, read_report(done), done)
        return start_server(port) if console.is_terminal else None
    console.print("Starting Dagster …")
    server = start_server(port)
    console.print(f"Dagster UI: [bold]{server.url}[/]", highlight=False)
    client = Client(server.url)
    try:
        stages = {key: stage for key, stage in new_stages().items() if key not in RETRAIN_STAGES}
        with Display(console) as display:
            follower = Follower(client, lake, SEGMENT, stages, display.show, since=began - 1)
            follower.until(lambda: _data_ready(lake, client), wait_seconds=300, what=f"the data of {SEGMENT}")
        run_retrain(console, client, lake, SEGMENT, RECIPE, why="demo")
    except BaseException:
        server.stop()
        raise
    report_dir = finished_report(lake)
    if report_dir is None:
        server.stop()
        raise RunFailedError(
            f"the run ended but {lake.report_dir(SEGMENT)} holds no finished report; see {server.url}/runs"
        )
    print_summary(console, read_report(report_dir), report_dir)
    console.print(f"Took {time.time() - began:.0f} s after installation. Dagster UI: {server.url}", highlight=False)
    if console.is_terminal:
        return server
    server.stop()
    return None


def finished_report(lake: Lake) -> Path | None:
    """The report of the segment's current dataset under the demo's recipe, when nothing is left to do."""
    if not _data_current(lake):
        return None
    dataset = latest(lake, SEGMENT)
    if dataset is None:
        return None
    folder = lake.local(lake.report_dir(SEGMENT, adapter_version(dataset.fingerprint, load_recipe(RECIPE, {}))))
    return folder if is_complete(folder) else None


def _data_current(lake: Lake) -> bool:
    figures = load_figures(Settings.from_env().config_path)
    now = datetime.now(UTC)
    return not (
        scan(lake, settle_seconds=0, now=now) or stale_days(lake) or stale_example_days(lake, figures.curation)
    ) and bool(lake.days("examples"))


def _data_ready(lake: Lake, client: Client) -> bool:
    return _data_current(lake) and SEGMENT in client.segments()


def _drop_sample(console: Console, lake: Lake, *, interactions: int, seed: int) -> None:
    """Write the sample into the inbox once; later demos find it and repeat nothing."""
    marker = lake.local(lake.side("sample", "sample.json"))
    if marker.exists():
        return
    end = datetime.now(UTC).date()
    marker.parent.mkdir(parents=True, exist_ok=True)
    paths = write_sample(
        lake.local(lake.side("inbox")), marker.parent / "labels.jsonl", n=interactions, seed=seed, end=end
    )
    marker.write_text(
        json.dumps({"n": interactions, "seed": seed, "end": end.isoformat(), "files": [p.name for p in paths]}),
        encoding="utf-8",
    )
    console.print(
        f"{interactions:,} sample interactions of the eight weeks before {end} lie in the inbox.",
        highlight=False,
        soft_wrap=True,
    )
