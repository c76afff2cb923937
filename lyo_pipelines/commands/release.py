"""`lyo release`, `lyo releases`, and what a person does to a release: one command and one reason each."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.follow import poll_until_ready
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.days import starting
from lyo_pipelines.commands.known_segments import near_names_told
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import RegistryEvent, Who
from lyo_pipelines.registry.log import RegistryDamagedError, ReleaseHistory, read_history, read_intact, read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.after_erasure import tainted_serving
from lyo_pipelines.rollout.emergency import stop_by_person
from lyo_pipelines.rollout.experiment import evaluate_experiment
from lyo_pipelines.rollout.findings import told_time
from lyo_pipelines.rollout.monitor import ReleaseCheck, judge_release
from lyo_pipelines.rollout.rehearsal import rehearse_fallback, target_after
from lyo_pipelines.rollout.release import Act, RollbackPlan
from lyo_pipelines.rollout.routing import Routing, current_routing, read_sources, refresh_routing
from lyo_pipelines.rollout.state_findings import obstructions, state_says
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.versions import chosen_adapter

JOB = "release_adapter"
_COLOURS = {"champion": "green", "canary": "cyan", "fallen_back": "red", "rejected": "red"}


class ReleaseFailedError(LyoError):
    """The run that begins a release failed; the message is its cause."""


def begin_release(console: Console, segment: str, reason: str, *, version: str = "", port: int = 3000) -> None:
    """Launch the run that begins the release of the newest adapter (or the named version), wait for it and say what became of it."""
    parse_parent(segment)
    person_act(reason)  # an empty reason is said before anything starts
    with near_names_told(_lake(), segment):
        chosen_adapter(_lake(), segment, version)  # without one there is nothing to start Dagster for
    server = start_server(port, on_wait=starting(console))
    try:
        release_through(console, Client(server.url), _lake(), segment, reason, version)
    finally:
        close_when_idle(server, console)


def release_through(console: Console, client: Client, lake: Lake, segment: str, reason: str, version: str = "") -> None:
    """Do the same in a Dagster that runs. Raises ReleaseFailedError with the run's cause."""
    before = read_release(lake, segment)
    client.add_segment(segment)
    config = {"ops": {"release": {"config": {"reason": reason, "person": _login(), "version": version}}}}
    run_id = client.launch(JOB, config=config, tags={"dagster/partition": segment, "lyo/why": "lyo release"})
    for runs in poll_until_ready(lambda: client.runs(runIds=[run_id]), 1.0):
        if runs and runs[0].failed:
            raise ReleaseFailedError(f"{segment}: {client.failure(run_id)}")
        if runs and not runs[0].active:
            break
    history = read_history(lake, segment)
    _events(console, history.events[before.sequence :])
    if history.release.sequence == before.sequence:
        console.print(f"{segment}: nothing new happened: {history.release.situation}.", highlight=False)
    _follows(console, history.release)


def show_releases(console: Console, segment: str | None = None, *, as_json: bool = False) -> None:
    """Print the state of all segments, or one segment's whole history; the routing file is brought up to it."""
    lake = _lake()
    refresh_routing(lake)
    if segment is not None:
        parse_parent(segment)
    if as_json:
        _releases_as_json(console, lake, segment)
        return
    if segment is not None:
        sources = read_sources(lake)
        history = read_intact(lake, segment)[0]
        console.print(f"[bold]{segment}[/]: {history.release.situation}.", highlight=False)
        if segment in sources.troubles:
            console.print(f"[red]Held:[/] {escape(sources.troubles[segment])}", highlight=False, soft_wrap=True)
        else:
            _now(console, lake, history.release, sources.routing)
        _tainted(console, lake, segment)
        _events(console, history.events)
        _served(console, history.release)
        return
    sources = read_sources(lake)
    histories, troubles = sources.histories, sources.troubles
    table = Table(title="Releases", title_justify="left")
    for name in ("segment", "champion", "candidate", "stage", "users", "since", "last"):
        table.add_column(name)
    for key, history in histories.items():
        table.add_row(key, *_state_row(history))
    console.print(table if histories else "Nothing was released yet: `lyo release SEGMENT --reason …` begins.")
    _tainted(console, lake)
    for trouble in troubles.values():
        console.print(f"[red]{escape(trouble)}[/]", highlight=False, soft_wrap=True)


def _tainted(console: Console, lake: Lake, segment: str | None = None) -> None:
    """Who is served by what learnt from people who were erased, and until when."""
    try:
        found = tainted_serving(lake, _config().release.after_erasure)
    except DamagedFileError as error:
        console.print(f"[red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
        return
    for key, serving in found.items():
        if segment in (None, key):
            for one in serving:
                console.print(
                    f"[yellow]Erased people:[/] {escape(f'{key}: {one.says}')}", highlight=False, soft_wrap=True
                )


def _releases_as_json(console: Console, lake: Lake, segment: str | None) -> None:
    sources = read_sources(lake)
    told = {
        key: {"situation": history.release.situation, "release": asdict(history.release)}
        | ({"events": [asdict(event) for event in history.events]} if segment else {})
        for key, history in sources.histories.items()
        if segment in (None, key)
    }
    serving = tainted_serving(lake, _config().release.after_erasure)
    for key in serving.keys() & told.keys():
        told[key]["learnt_from_erased"] = [asdict(one) for one in serving[key]]
    print_json(console, {"releases": told, "held": {k: v for k, v in sources.troubles.items() if segment in (None, k)}})


def pause(console: Console, segment: str, reason: str) -> None:
    """The candidate keeps its users and takes no step up."""
    _do(console, segment, lambda lake, config: steps.pause(lake, segment, person_act(reason)))
    console.print("No step up until `lyo resume`. The guardrails still send it back.")


def resume(console: Console, segment: str, reason: str) -> None:
    """Steps go on."""
    _do(console, segment, lambda lake, config: steps.resume(lake, segment, person_act(reason)))


def step_back(console: Console, segment: str, reason: str) -> None:
    """The stage before."""
    _do(console, segment, lambda lake, config: steps.step_back(lake, segment, config.rollout, person_act(reason)))


def retire(console: Console, segment: str, reason: str, version: str | None = None) -> None:
    """Take a version out: the named one, else the candidate, else the champion."""
    _do(console, segment, lambda lake, config: steps.retire(lake, segment, person_act(reason), version))


def roll_back(console: Console, segment: str, reason: str | None, *, rehearsal: bool) -> None:
    """Go back to what served before, or (rehearsal) load it, ask it and say what would happen, and change nothing."""
    parse_parent(segment)
    lake = _lake()
    if not rehearsal:
        done = person_act(reason or "")
        try:
            _do(console, segment, lambda lake, config: steps.roll_back(lake, segment, done))
        except RegistryDamagedError as error:
            version = stop_by_person(lake, segment, done)
            console.print(
                f"{error} Until then nobody is routed to {version} any more; {segment} falls back once its events are restored.",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
        return
    config, release = _config(), read_release(lake, segment)
    plan = steps.plan_rollback(lake, release)
    target, base = target_after(current_routing(lake), release, plan.leaves, plan.to)
    _plan(console, plan, f"{target.segment} {target.version}" if target else f"the base model {base}")
    found = rehearse_fallback(lake, target, base, models_dir(lake), config)
    console.print(
        f"Loaded in {found.load_seconds:.1f} s, {found.files} files verified; {found.question!r} answered in "
        f"{found.answer_seconds:.1f} s: {found.answer!r}",
        highlight=False,
        markup=False,
    )
    console.print(f"Nothing was changed. `lyo rollback {segment} --reason …` does it.", highlight=False)


def person_act(reason: str) -> Act:
    """What this person does now, for this reason. Raises ReasonMissingError for an empty one."""
    return Act(Who(_login(), person=True), reason, datetime.now(UTC))


def _do(console: Console, segment: str, what: Callable[[Lake, Config], Release]) -> None:
    parse_parent(segment)
    lake = _lake()
    before = read_release(lake, segment).sequence
    release = what(lake, _config())
    _events(console, read_history(lake, segment).events[before:])
    _follows(console, release)


def _follows(console: Console, release: Release) -> None:
    console.print(
        f"[bold]{release.segment}[/]: {release.situation}. The routing file says so from now on.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print(
        f"Possible now: {', '.join(f'lyo {name}' for name in release.possible)}.", highlight=False, style="dim"
    )


def _plan(console: Console, plan: RollbackPlan, target: str) -> None:
    share = f"{plan.share:.0%} of users" if plan.share < 1 else "all users"
    console.print(
        f"[bold]{plan.segment}[/]: {plan.leaves} would leave, and {target} would answer {share}.", highlight=False
    )
    for skipped in plan.skipped:
        console.print(f"[yellow]passed over:[/] {escape(skipped)}", highlight=False, soft_wrap=True)


def _now(console: Console, lake: Lake, release: Release, routing: Routing) -> None:
    """Why the release is where it is, and until when: what the rollout sensor would find now; nothing is done here."""
    now, config = datetime.now(UTC), _config().rollout
    if not release.in_canary:
        for says in obstructions(lake, release.segment, config, now=now):
            console.print(f"[red]Held:[/] {escape(says)}", highlight=False, soft_wrap=True)
        return
    found = judge_release(lake, release, routing, config, now=now)
    name = {"up": "The next step is due", "fall_back": "It would fall back", "hold": "It holds"}.get(
        found.decision.action, "Done"
    )
    colour = "red" if found.decision.action == "fall_back" or state_says(found.decision) else "cyan"
    console.print(f"[{colour}]{name}:[/] {escape(found.summary)}.", highlight=False, soft_wrap=True)
    _business(console, found, config)
    days = found.decision.until_known_days
    if release.paused:
        console.print(f"Until: `lyo resume {release.segment}`.", highlight=False, style="dim")
    elif found.decision.action == "hold":
        until = "not in sight" if days is None else f"about {told_time(now + timedelta(days=days))}"
        console.print(
            f"Until: {until}; the rollout sensor looks every minute while it runs.", highlight=False, style="dim"
        )


def _business(console: Console, found: ReleaseCheck, config: RolloutConfig) -> None:
    """The business measures that are configured, as both arms show them."""
    seen = found.collected.observation
    if not seen.business:
        return
    table = Table(title="\nBusiness measures", title_justify="left")
    for name in ("measure", "used as", "candidate", "current", "difference", "users", "not known yet", "verdict"):
        table.add_column(name)
    for one in evaluate_experiment(seen, config).metrics:
        if one.name in seen.business:
            table.add_row(
                one.name.replace("_", " "), one.use, f"{one.value:.4g}", f"{one.value_current:.4g}",
                escape(f"{one.estimate:.3g} [{one.low:.3g}, {one.high:.3g}]"), f"{one.users:,} / {one.users_current:,}",
                f"{one.waiting:,}", one.verdict.replace("_", " "),
            )  # fmt: skip
    console.print(table)


def _state_row(history: ReleaseHistory) -> tuple[str, ...]:
    release, last = history.release, history.events[-1]
    at = release.stage_began_at or last.at
    stage = f"{release.stage}{' (paused)' if release.paused else ''}" if release.in_canary else ""
    share = f"{release.share:.0%}" if release.in_canary else ""
    said = f"{last.kind.replace('_', ' ')} by {last.who.name}"
    return release.champion or "none", release.candidate, stage, share, told_time(at), said


def _events(console: Console, events: tuple[RegistryEvent, ...]) -> None:
    for event in events:
        share = f" ({event.share:.0%} of users)" if event.share else ""
        kind = event.kind.replace("_", " ")
        console.print(
            f"{told_time(event.happened_at)} {kind}{share}: {event.version}, by {event.who.name}: {event.reason}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def _served(console: Console, release: Release) -> None:
    table = Table(title="\nWho was served what", title_justify="left")
    for name in ("served by", "arm", "users", "from", "to", "by event"):
        table.add_column(name)
    for one in release.served:
        until = told_time(one.until) if one.until else "now"
        colour = _COLOURS.get(release.states.get(one.version, ""), "")
        name = one.version or "a parent's adapter or the base"
        table.add_row(
            f"[{colour}]{name}[/]" if colour else name, one.arm, f"{one.share:.0%}", told_time(one.since), until, str(one.by)
        )  # fmt: skip
    console.print(table)


def _lake() -> Lake:
    return Lake(Settings.from_env().data_dir)


def _config() -> Config:
    return load_config(Settings.from_env().config_path)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in a container
        return "somebody"
