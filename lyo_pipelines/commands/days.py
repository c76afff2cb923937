"""Bringing days up to date from the command line: Dagster's own sensors do it, the command waits for their runs and says for what."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime

from rich.console import Console

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, clock, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import Config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.landing.inbox import scan_inbox
from lyo_pipelines.interactions.landing.notices import noted_landings
from lyo_pipelines.storage.lake import Lake

_STAGES = ("raw_interactions", "filtered_examples", "segment_health")
_SENSORS = ("inbox_sensor", "stale_days_sensor")
_STANDSTILL = 600.0


class SensorsOffError(LyoError):
    """The Dagster that runs was told not to build by itself; the message says where that is changed."""


def build_lake(console: Console, *, port: int = 3000, json_to: Console | None = None) -> None:
    """`lyo build`: land what waits in the inbox, build every stale day, and say what was done.

    json_to: where it is printed for a program; `console` is then for what is said on the way.
    """
    settings = Settings.from_env()
    lake, began = Lake(settings.data_dir), time.monotonic()
    before, _ = _work_to_do(console, lake, inbox=False) if json_to is not None else ([], 0)
    built = bring_up_to_date(console, lake, inbox=True, port=port)
    if not built:
        console.print("Every day is up to date.")
    if json_to is not None:
        were_stale = [day.isoformat() for day in before]
        print_json(json_to, {"built": built, "were_stale": were_stale, "seconds": round(time.monotonic() - began, 1)})


def bring_up_to_date(console: Console, lake: Lake, *, inbox: bool = False, port: int = 3000) -> bool:
    """Have Dagster build what is stale, and wait until its runs have ended; whether there was anything to do.

    inbox: land what waits there as well. Raises RunFailedError with the cause, ServerError, GraphQLError.
    """
    stale, waiting = _work_to_do(console, lake, inbox=inbox)
    if not stale and not waiting:
        return False
    server = start_server(port, on_wait=starting(console))
    try:
        _build(console, Client(server.url), lake, stale, waiting)
    finally:
        close_when_idle(server, console)
    return True


def build_stale_days(console: Console, client: Client, lake: Lake) -> None:
    """The same in a Dagster that runs, for days alone; where its sensor is off, the run that learns from them builds them itself."""
    stale, _ = _work_to_do(console, lake, inbox=False)
    if stale:
        with suppress(SensorsOffError):
            _build(console, client, lake, stale, 0)


def _work_to_do(console: Console, lake: Lake, *, inbox: bool) -> tuple[list[date], int]:
    config = _config()
    stale = buildable(console, days_to_rebuild(lake, config.curation))
    waiting = scan_inbox(lake, config.interactions, settle_seconds=0, now=datetime.now(UTC)) if inbox else []
    return stale, len(waiting)


def _build(console: Console, client: Client, lake: Lake, stale: Sequence[date], waiting: int) -> None:
    """Dagster's own sensors do the work, so that the UI shows it as theirs; wait until it is done and told."""
    files = f"{waiting} file{'' if waiting == 1 else 's'} of the inbox" if waiting else ""
    days = named_days(stale) if stale else ""
    console.print(f"Building {' and '.join(filter(None, (files, days)))} in Dagster …", highlight=False)
    off = client.stopped_sensors(_SENSORS)
    if needed := [name for name in off if name == "stale_days_sensor" or waiting]:
        raise SensorsOffError(
            f"{' and '.join(needed)} of the Dagster at {client.url} {'is' if len(needed) == 1 else 'are'} off, so nothing is built",
            hint="Switch them on under Automation.",
        )
    began = time.time()
    # when the last landing without a run was: Dagster tells of it, unless its sensor is off
    landed = max((datetime.fromisoformat(one.at).timestamp() for one in noted_landings(lake)), default=0.0)
    untold = 0.0 if "inbox_sensor" in off else landed

    def done() -> bool:
        told = not untold or client.last_materialized("landed_files") >= untold
        return told and up_to_date(lake, _config(), inbox=bool(waiting))

    stages = new_stages(*(("landed_files",) if waiting else ()), *_STAGES)
    with Display(console) as display:
        Follower(client, lake, stages, display.show, since=began - 1).until(
            done, wait_seconds=_STANDSTILL, what="building the days"
        )
    console.print(f"Up to date after {clock(time.time() - began)}.", highlight=False)


def days_waiting(lake: Lake, config: Config) -> list[date]:
    """Stale days that Dagster would build: those that have a partition."""
    today = datetime.now(UTC).date()
    return [day for day in days_to_rebuild(lake, config.curation) if _has_partition(day, today)]


def up_to_date(lake: Lake, config: Config, *, inbox: bool) -> bool:
    """Whether no day that has a partition is stale, and nothing waits in the inbox where that matters."""
    now = datetime.now(UTC)
    if inbox and scan_inbox(lake, config.interactions, settle_seconds=0, now=now):
        return False
    return not days_waiting(lake, config)


def buildable(console: Console, stale: Sequence[date]) -> list[date]:
    """Those of the days that have a partition; the others are named, with what gives them one."""
    today = datetime.now(UTC).date()
    inside = [day for day in stale if _has_partition(day, today)]
    early = [day for day in stale if day < Settings.from_env().first_day]
    if early:
        console.print(
            f"[yellow]![/] {named_days(early)} before {Settings.from_env().first_day}, the first day that is built: "
            f"`export LYO_FIRST_DAY={early[0].replace(day=1)}` makes it earlier.",
            highlight=False,
            soft_wrap=True,
        )
    late = [day for day in stale if day > today]
    if late:
        console.print(
            f"[yellow]![/] {named_days(late)} in the future: they are built when they have come.", highlight=False
        )
    return inside


def named_days(days: Sequence[date]) -> str:
    """Days in a few words."""
    return f"1 day ({days[0]})" if len(days) == 1 else f"{len(days):,} days ({days[0]} to {days[-1]})"


def starting(console: Console) -> Callable[[], None]:
    """Says that Dagster is being started: at once, and on a terminal again every ten seconds with how long it has taken."""
    began, said = time.monotonic(), [0]

    def say() -> None:
        waited = int(time.monotonic() - began)
        if waited < 10 * said[0] or (said[0] and not console.is_terminal):
            return
        console.print("Starting Dagster …" if not said[0] else f"Starting Dagster … {waited} s", highlight=False)
        said[0] = waited // 10 + 1

    return say


def _has_partition(day: date, today: date) -> bool:
    return Settings.from_env().first_day <= day <= today


def _config() -> Config:
    from lyo_pipelines.config.loading import load_config

    return load_config(Settings.from_env().config_path)
