"""The demo's last chapter: two releases of one adapter in fast time, a good candidate and a harmful one, on simulated users.

Each has a lake of its own below `<data>/rehearsal/`, so nothing here touches what really serves. Landing, collecting, deciding,
stepping up, rehearsing the fallback and falling back are the real ones; only the users are made, and the days go by in seconds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.config.loading import Config
from lyo_pipelines.interactions.days.build import build_day
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import read_history, read_release
from lyo_pipelines.rollout.monitor import check_release, step_up_after_rehearsal
from lyo_pipelines.rollout.plots import stages_plot
from lyo_pipelines.rollout.rehearsal import Rehearsal, rehearse_fallback
from lyo_pipelines.rollout.routing import Routing, Target, current_routing
from lyo_pipelines.rollout.selection import Query, choose_adapter
from lyo_pipelines.rollout.start import OutdatedReportError, start_release
from lyo_pipelines.sample.traffic import GOOD, HARMFUL, Effect, Route, Traffic
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.versions import latest_adapter, point_to

DAYS = 17
"""Days that are played: the planned fourteen, and three in which nothing may go wrong."""
QUESTIONS = 1_500
STORIES: dict[str, Effect] = {"good": GOOD, "harmful": HARMFUL}
WHO = Who("lyo demo")
_COLOURS = {"fell_back": "red", "promoted": "green", "stepped_up": "cyan", "canary": "cyan"}


@dataclass(frozen=True)
class SimulatedDay:
    """One evening of a release: which share of users the candidate had, and what the sensor would have said."""

    day: date
    share: float
    says: str


@dataclass(frozen=True)
class SimulatedRelease:
    """One release from its beginning to its end (or to the last day that was played)."""

    name: str
    days: tuple[SimulatedDay, ...]
    situation: str
    plot: Path


def simulate_releases(
    console: Console, lake: Lake, segment: str, config: Config, *, key: str, today: date
) -> list[SimulatedRelease]:
    """Play both stories, print each release's events and say where the plots are. Nothing when the gates say no."""
    console.print("\nTwo releases in fast time: simulated users, real decisions.")
    played = []
    for name, effect in STORIES.items():
        stage = _stage(lake, segment, name)
        started = datetime.combine(today - timedelta(days=DAYS + 1), time(), UTC)
        try:
            begun = start_release(
                stage, segment, config.evaluation, config.rollout, who=WHO, reason="the demo", now=started,
                provider=config.hosted,
            )  # fmt: skip
        except OutdatedReportError as error:  # made against a champion, which these lakes have not
            console.print(f"{segment}: not simulated: {error.message}", highlight=False, soft_wrap=True)
            return []
        if not begun.release.in_canary:
            console.print(f"{segment}: {begun.summary}", highlight=False, soft_wrap=True)
            return []
        rehearse_once = _rehearser(lake, stage, config)
        days = _live(stage, segment, effect, config, Pseudonyms(key), started, rehearse_once)
        played.append(_told(console, stage, segment, name, effect, config, days))
    return played


def _stage(lake: Lake, segment: str, name: str) -> Lake:
    """A fresh lake that holds the segment's newest adapter and its report, and nothing else."""
    root = lake.local(lake.side("rehearsal", name))
    shutil.rmtree(root, ignore_errors=True)
    stage, adapter = Lake(str(root)), latest_adapter(lake, segment)
    target = stage.local(stage.adapter_dir(segment, adapter.version))
    shutil.copytree(adapter.path, target, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
    report = stage.local(stage.report_dir(segment, adapter.version))
    report.mkdir(parents=True)
    shutil.copy(lake.local(lake.report_dir(segment, adapter.version)) / "report.json", report)
    point_to(stage, segment, adapter.version)
    return stage


def _live(
    stage: Lake,
    segment: str,
    effect: Effect,
    config: Config,
    pseudonyms: Pseudonyms,
    started: datetime,
    rehearse_once: Callable[[Target | None, str], Rehearsal],
) -> list[SimulatedDay]:
    """Let days go by until the release has ended."""
    traffic, days = Traffic(segment, users=700, per_day=QUESTIONS), []
    for number in range(1, DAYS + 1):
        morning = started + timedelta(days=number)
        evening = morning + timedelta(hours=23, minutes=50)
        release, routing = read_release(stage, segment), current_routing(stage)
        rows = traffic.day(morning.date(), _route(routing, segment), effect)
        path = stage.local(stage.side("inbox")) / f"{morning.date()}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        land_file(stage, str(path), pseudonyms=pseudonyms, config=config.interactions, now=evening)
        build_day(stage, morning.date())
        found = check_release(stage, release, routing, config.rollout, now=evening, who=WHO)
        if found is None:
            break
        days.append(SimulatedDay(morning.date(), release.share, found.summary))
        if found.step_up_due:
            step_up_after_rehearsal(stage, segment, config.rollout, rehearse_once, clock=lambda at=evening: at, who=WHO)
        if not read_release(stage, segment).in_canary:
            break
    return days


def _route(routing: Routing, segment: str) -> Route:
    """As a gateway that reads the routing file sends users."""

    def route(user: str) -> tuple[str | None, str | None]:
        choice = choose_adapter(routing, Query.of_segment(segment), user)
        return choice.arm, choice.adapter.version if choice.adapter else None

    return route


def _rehearser(lake: Lake, stage: Lake, config: Config) -> Callable[[Target | None, str], Rehearsal]:
    """Rehearse a fallback for real, each target once: the demo steps up three times within a minute."""
    known: dict[str, Rehearsal] = {}

    def rehearsed(target: Target | None, base: str) -> Rehearsal:
        name = target.version if target else base
        if name not in known:
            known[name] = rehearse_fallback(stage, target, base, models_dir(lake), config)
        return known[name]

    return rehearsed


def _told(
    console: Console, stage: Lake, segment: str, name: str, effect: Effect, config: Config, days: list[SimulatedDay]
) -> SimulatedRelease:
    history = read_history(stage, segment)
    table = Table(
        title=f"{segment}, the {name} candidate (ratings {effect.rating:+g} points)", title_justify="left", expand=True
    )
    for column in ("day", "event", "users", "why"):
        table.add_column(column, no_wrap=column != "why", ratio=1 if column == "why" else None)
    for event in history.events:
        if event.kind in ("registered", "candidate"):
            continue
        day = (event.at.date() - history.events[0].at.date()).days
        colour = _COLOURS.get(event.kind, "white")
        share = f"{event.share:.0%}" if event.share else ""
        table.add_row(str(day), f"[{colour}]{event.kind.replace('_', ' ')}[/]", share, event.reason)
    console.print()
    console.print(table)
    if days:
        console.print(f"After {len(days)} days: {history.release.situation}.", highlight=False, soft_wrap=True)
    plot = stage.local(stage.side("stages.png"))
    end = datetime.combine(days[-1].day, time(23, 59), UTC) if days else history.events[-1].at
    plot.write_bytes(stages_plot(history.events, config.rollout.stages, segment=segment, now=end))
    console.print(f"Picture: {plot}", highlight=False, soft_wrap=True)
    return SimulatedRelease(name, tuple(days), history.release.situation, plot)
