"""`lyo train SEGMENT` and `lyo prefer SEGMENT`: one segment's adapter and report, as a Dagster run that anyone can watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.days import build_stale_days, days_waiting, named_days, starting
from lyo_pipelines.commands.known_segments import near_names_told, require_examples
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.commands.report import newest_report
from lyo_pipelines.commands.train_estimate import estimate_training, quicker, show_estimate
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.dataset.fallback import parent_of_thin
from lyo_pipelines.dataset.versions import latest_version
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes
from lyo_pipelines.training.recipes import TUNING_METHODS
from lyo_pipelines.training.versions import NoAdapterError, latest_adapter, supervised_adapter


@dataclass(frozen=True)
class Work:
    """One job of Dagster as a command launches it: `op` takes recipe and overrides, `stages` are shown.

    op: "" where none takes any; assets: those of the job that are wanted, without them all; command: how people call it.
    options: of the op, where it takes these instead of recipe and overrides.
    """

    job: str
    op: str
    stages: tuple[str, ...]
    assets: tuple[str, ...] = ()
    command: str = "train"
    options: ConfigTree | None = None


RETRAIN = Work("retrain", "adapter", ("dataset_splits", "adapter", "eval_report"))
DATASET = Work("retrain", "", ("dataset_splits",), ("train_split", "validation_split", "test_split"))
PREFER = Work(
    "prefer", "preference_adapter", ("preference_data", "preference_adapter", "eval_report"), command="prefer"
)


class WrongMethodError(LyoError):
    """The recipe's method is another command's; the message says which."""


def train_segment(
    console: Console,
    segment: str,
    recipe: str,
    changes: Sequence[str] = (),
    *,
    port: int = 3000,
    dry_run: bool = False,
    until: str = "report",
    as_json: bool = False,
) -> None:
    """Launch `retrain` for the segment, follow it and print its report; a Dagster that was not running is closed again.

    A segment that is too thin trains nothing: its parent serves it, and is trained first where it has no adapter yet. What is typed
    wrong is said before anything starts. dry_run: say what it would take, start nothing; until: "dataset" stops before the training.
    Days that are stale are built first.
    """
    parse_parent(segment)
    overrides = parse_changes(changes)
    parsed = load_recipe(recipe, overrides)
    if parsed.method in TUNING_METHODS:  # a wrong recipe is said before anything starts
        raise WrongMethodError(f"recipe {recipe} tunes an existing adapter: `lyo prefer {segment} --recipe {recipe}`")
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    if not dry_run and until == "report":
        require_ready(parsed, models_dir(lake))
    require_examples(lake, segment, config)
    if dry_run:
        if stale := days_waiting(lake, config):
            Console(stderr=True).print(f"! {named_days(stale)} would be built first: the figures are those of before.")
        key = parent_of_thin(lake, segment, config.dataset, config.curation) or segment
        show_estimate(console, estimate_training(lake, config, key, parsed), as_json=as_json)
        return
    if until == "dataset":
        _work(console, lake, DATASET, lambda: [segment], recipe, overrides, port=port)
        print_dataset(console, lake, segment)
        return
    if said := quicker(estimate_training(lake, config, segment, parsed, exact=False)):
        console.print(f"[yellow]![/] {said}", highlight=False, soft_wrap=True)

    def keys() -> list[str]:
        if not (parent := parent_of_thin(lake, segment, config.dataset, config.curation)):
            return [segment]
        console.print(f"{segment} is too thin to train: {parent} serves it.", highlight=False)
        return [segment] if _has_adapter(lake, parent) else [parent, segment]

    _work(console, lake, RETRAIN, keys, recipe, overrides, port=port)
    report, folder = newest_report(lake, segment)
    print_summary(console, report, folder)


def print_dataset(console: Console, lake: Lake, segment: str) -> None:
    """What the newest dataset version of a segment holds."""
    version = latest_version(lake, segment)
    if version is None:
        return
    sizes = ", ".join(f"{name} {n:,}" for name, n in version.manifest.counts.items())
    console.print(f"Dataset {version.segment} {version.fingerprint}: {sizes}.", highlight=False)
    for check in version.manifest.leakage:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]" if check.blocking else "[yellow]![/]"
        console.print(f"{mark} {check.name}: {escape(check.message)}", highlight=False, soft_wrap=True)
    console.print(f"Card: {version.path}/README.md", highlight=False, soft_wrap=True)


def print_outcome(console: Console, segment: str, until: str) -> None:
    """The dataset's manifest or the report as JSON: what the command that ran last made."""
    lake = Lake(Settings.from_env().data_dir)
    if until == "report":
        print_json(console, newest_report(lake, segment)[0].model_dump(mode="json"))
    elif (version := latest_version(lake, segment)) is not None:
        print_json(console, version.manifest.model_dump(mode="json"))


def prefer_segment(
    console: Console, segment: str, recipe: str, changes: Sequence[str] = (), *, port: int = 3000
) -> None:
    """Launch `prefer` for the segment, follow it and print its report. Raises NoAdapterError without an adapter to start from."""
    parse_parent(segment)
    overrides = parse_changes(changes)
    if load_recipe(recipe, overrides).method not in TUNING_METHODS:
        raise WrongMethodError(f"recipe {recipe} tunes no adapter: use kto, dpo or grpo, or `lyo train {segment}`")
    lake = Lake(Settings.from_env().data_dir)
    with near_names_told(lake, segment):
        supervised_adapter(lake, segment)
    require_ready(load_recipe(recipe, overrides), models_dir(lake))
    _work(console, lake, PREFER, lambda: [segment], recipe, overrides, port=port)
    report, folder = newest_report(lake, segment)
    print_summary(console, report, folder)


def _has_adapter(lake: Lake, segment: str) -> bool:
    try:
        latest_adapter(lake, segment)
    except NoAdapterError:
        return False
    return True


def _work(
    console: Console,
    lake: Lake,
    work: Work,
    keys: Callable[[], list[str]],
    recipe: str,
    overrides: ConfigTree,
    *,
    port: int,
) -> None:
    """Build what is stale, then run the job for each of the keys: they are asked for once the days are up to date."""
    server = start_server(port, on_wait=starting(console))
    try:
        client = Client(server.url)
        build_stale_days(console, client, lake)
        for key in keys():
            run_job(console, client, lake, work, key, recipe, overrides)
    finally:
        close_when_idle(server, console)


def run_job(
    console: Console,
    client: Client,
    lake: Lake,
    work: Work,
    segment: str,
    recipe: str,
    overrides: ConfigTree,
    more: ConfigTree | None = None,
) -> None:
    """Launch and follow one run; an interruption stops it in order, so that training keeps a checkpoint.

    more: of the run's configuration, beside recipe and overrides.
    """
    client.add_segment(segment)
    told: ConfigTree = work.options or {"recipe": recipe, "overrides": overrides, **(more or {})}
    config: ConfigTree = {"ops": {work.op: {"config": told}}} if work.op else {}
    tags = {"dagster/partition": segment, "lyo/why": f"lyo {work.command}"}
    run_id = client.launch(work.job, config=config, tags=tags, assets=work.assets)
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
