"""The demo from start to end: sample files in the inbox, and then nothing is launched by hand: the triggers do."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml
from filelock import FileLock, Timeout
from rich.console import Console

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, clock, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.launches import LaunchFollower
from lyo_pipelines.client.server import Server, start_server
from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.days import starting
from lyo_pipelines.commands.demo_gateway import STUDENTS, ask_as_students, came_back, print_round, running_gateway
from lyo_pipelines.commands.demo_results import EXPECTED, is_told, print_stories, report_dirs
from lyo_pipelines.commands.demo_rollout import simulate_releases
from lyo_pipelines.commands.release import release_through
from lyo_pipelines.commands.status import DAILY_SENSORS, TRIGGER_SENSORS
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings, make_key_file
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.landing.inbox import scan_inbox
from lyo_pipelines.retraining.curriculum import LOCAL
from lyo_pipelines.sample.stories import demo_curriculum
from lyo_pipelines.sample.write import write_sample
from lyo_pipelines.storage.lake import Lake

SEGMENT = "tutoring.en.math"
"""The segment whose whole report is printed at the end; its training gets the largest part of the budget."""
WRITTEN = "# Written by `make demo`"
CONFIG = f"""\
{WRITTEN}: four trainings in a few minutes on two cores. Change or remove it as you like.
retraining:
  launch:
    recipe: cpu_demo
    overrides: {{devices: 1, budget: {{tokens: 1500}}, validation: {{max_examples: 8}}}}
    evaluation_items: 12
  segments:
    tutoring.en.math:
      launch:
        overrides: {{budget: {{tokens: 8000}}, validation: {{max_examples: 16}}}}
        evaluation_items: 54
evaluation: {{latency_items: 3, latency_new_tokens: 24, collateral: {{segments: 0, general: false}}}}
"""


class DemoBusyError(LyoError):
    """Another demo works on the same data directory, or the Dagster that runs already has its triggers stopped."""


def run_demo(console: Console, *, port: int, interactions: int = 8_000, seed: int = 7) -> Server | None:
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
        raise DemoBusyError(f"another demo is running in {root}; wait for it, or use another LYO_DATA_DIR") from error


def _run_locked(console: Console, lake: Lake, *, port: int, interactions: int, seed: int) -> Server | None:
    began = time.time()
    _drop_sample(console, lake, interactions=interactions, seed=seed)
    # the demo is the one place where triggers run without being switched on: written here, read by the Dagster that it starts
    os.environ.setdefault("LYO_TRIGGERS", "on")
    finished = lake.local(lake.side("sample", "finished.json"))
    if finished.exists() and _data_current(lake) and is_told(lake):
        console.print("Everything is already done; nothing needs to be repeated.")
        _print_ending(console, lake)
        return start_server(port, on_wait=starting(console)) if console.is_terminal else None
    server = start_server(port, on_wait=starting(console))
    console.print(f"Dagster UI: [bold]{server.url}[/]", highlight=False)
    client = Client(server.url)
    try:
        if stopped := client.stopped_sensors((*DAILY_SENSORS, *TRIGGER_SENSORS)):
            raise DemoBusyError(
                f"{', '.join(stopped)} of the Dagster at {server.url} do not run: close it and start the demo again, or switch "
                "them on under Automation"
            )
        stages = new_stages("landed_files", "raw_interactions", "filtered_examples", "segment_health")
        with Display(console) as display:
            follower = Follower(client, lake, stages, display.show, since=began - 1)
            follower.until(lambda: _data_current(lake), wait_seconds=600, what="the daily data")
        console.print("The triggers look at the data; nothing is launched by hand.")
        with Display(console) as display:
            LaunchFollower(client, lake, display.show, since=began - 1).until_done(EXPECTED, wait_seconds=600)
    except BaseException:
        server.stop()
        raise
    _print_ending(console, lake)
    _release(console, client, lake)
    finished.write_text(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds")}), encoding="utf-8")
    console.print(
        f"Took {clock(time.time() - began)} after installation. Dagster UI: {server.url} (again later: `lyo --demo ui`)",
        highlight=False,
    )
    if console.is_terminal:
        return server
    close_when_idle(server, console)
    return None


def _print_ending(console: Console, lake: Lake) -> None:
    folder = report_dirs(lake).get(SEGMENT)
    if folder is not None:
        print_summary(console, read_report(folder), folder)
    print_stories(console, lake)
    console.print("\n`lyo --demo why SEGMENT` prints every decision with its evidence.", highlight=False)


def _release(console: Console, client: Client, lake: Lake) -> None:
    """Send the new adapter to its first users, and play what happens from there in fast time, twice."""
    settings = Settings.from_env()
    console.print(f"\n`lyo release {SEGMENT}`:", highlight=False)
    release_through(console, client, lake, SEGMENT, "the end of the demo")
    _close_the_loop(console, client, lake)
    config, today = load_config(settings.config_path), datetime.now(UTC).date()
    simulate_releases(console, lake, SEGMENT, config, key=settings.require_pseudonym_key(), today=today)


def _close_the_loop(console: Console, client: Client, lake: Lake) -> None:
    """Have the gateway answer simulated students, and wait until what they asked and rated has come back through the inbox."""
    began, day = time.time(), datetime.now(UTC).date()
    console.print(f"\n`lyo gateway`: {STUDENTS} simulated students ask over HTTP …", highlight=False)
    with running_gateway() as url:
        visits = ask_as_students(url, SEGMENT, day)
    stages = new_stages("landed_files", "raw_interactions", "filtered_examples", "segment_health")
    with Display(console) as display:
        follower = Follower(client, lake, stages, display.show, since=began - 1)
        follower.until(lambda: _data_current(lake), wait_seconds=600, what="the students' rows")
    print_round(console, visits, came_back(lake, day, visits))
    console.print(
        "`lyo --demo gateway` opens a page to ask base and adapter side by side, and to rate.", highlight=False
    )


def _data_current(lake: Lake) -> bool:
    config = load_config(Settings.from_env().config_path)
    now = datetime.now(UTC)
    behind = scan_inbox(lake, config.interactions, settle_seconds=0, now=now) or days_to_rebuild(lake, config.curation)
    return not behind and bool(lake.days("health"))


def _drop_sample(console: Console, lake: Lake, *, interactions: int, seed: int) -> None:
    """Write the sample into the inbox once, with the curriculum and the budgets that belong to it; later demos find it."""
    marker = lake.local(lake.side("sample", "sample.json"))
    if marker.exists():
        return
    end = datetime.now(UTC).date()
    marker.parent.mkdir(parents=True, exist_ok=True)
    curriculum = f"{WRITTEN}: a subject that is new since three weeks.\n{yaml.safe_dump(demo_curriculum(end))}"
    for name, text in ((LOCAL, curriculum), ("config.yaml", CONFIG)):
        _unless_there(lake.local(lake.side(name)), text)
    paths = write_sample(
        lake.local(lake.side("inbox")), marker.parent / "labels.jsonl", n=interactions, seed=seed, end=end, stories=True
    )
    marker.write_text(
        json.dumps({"n": interactions, "seed": seed, "end": end.isoformat(), "files": [p.name for p in paths]}),
        encoding="utf-8",
    )
    console.print(
        f"{interactions:,} sample interactions of the eight weeks before {end} are in the inbox, six planted stories among them.",
        highlight=False,
        soft_wrap=True,
    )


def _unless_there(path: Path, text: str) -> None:
    """Write a file that a user would write; one that is there stays as it is."""
    if not path.exists():
        path.write_text(text, encoding="utf-8")
