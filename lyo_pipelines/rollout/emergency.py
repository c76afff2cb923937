"""Taking a candidate from its users while its registry is damaged: no event can be appended then, and a harmful adapter cannot wait.

A stop (`lake/rollout/<segment>/stopped.json`) names the release that nobody is routed to any more. Once the registry can be trusted
again, the next round turns it into the fallback that it stands for, and removes it. Nobody new is moved up meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.registry.events import Adapter, Who, json_values
from lyo_pipelines.registry.log import read_intact
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.monitor import decision_evidence, judge_release
from lyo_pipelines.rollout.release import Act, NothingDueError, fall_back
from lyo_pipelines.rollout.routing import Routing, RoutingEntry, Target, read_routing, refresh_routing
from lyo_pipelines.rollout.stops import Stop, read_stop, remove_stop, write_stop
from lyo_pipelines.storage.lake import Lake

REACH = timedelta(days=7)
"""Rows that are judged where nobody can read when the stage began."""


@dataclass(frozen=True)
class Emergency:
    """What was found about the candidate of a segment whose registry is damaged; stopped: nobody is routed to it any more."""

    says: str
    stopped: bool


def watch_damaged(
    lake: Lake, segment: str, routing: Routing, config: RolloutConfig, *, now: datetime, who: Who
) -> Emergency | None:
    """Ask the guardrails about the candidate that the routing file still serves; None where it serves none."""
    entry = routing.entries.get(segment)
    if entry is None or entry.candidate is None:
        stop = read_stop(lake, segment)
        return Emergency(_stopped(segment, stop.version, stop.reason), stopped=True) if stop else None
    found = judge_release(lake, _as_routed(lake, entry, now), routing, config, now=now)
    version = entry.candidate.version
    if found.decision.action != "fall_back":
        return Emergency(
            f"{version} keeps its users, takes no step and is still watched: {found.summary}", stopped=False
        )
    evidence = decision_evidence(found.decision, found.collected, config)
    stop_candidate(lake, entry, Act(who, found.decision.says, now, evidence))
    return Emergency(_stopped(segment, version, found.decision.says), stopped=True)


def stop_candidate(lake: Lake, entry: RoutingEntry, act: Act) -> None:
    """Route nobody to the candidate any more, whatever becomes of its registry."""
    if entry.candidate is None:
        raise NothingDueError(f"{entry.segment}: no candidate is in front of users.")
    figures = json_values(act.figures or {})
    stop = Stop(entry.candidate.version, entry.release_id, act.who.name, act.who.person, act.reason, act.now, figures)
    write_stop(lake, entry.segment, stop)
    refresh_routing(lake)


def stop_by_person(lake: Lake, segment: str, act: Act) -> str:
    """What a person's rollback is while the registry is damaged; returns the version. Raises NothingDueError without a candidate."""
    entry = read_routing(lake).entries.get(segment) or RoutingEntry(segment, 0)
    stop_candidate(lake, entry, act)
    assert entry.candidate is not None
    return entry.candidate.version


def settle_stop(lake: Lake, release: Release, now: datetime) -> Release | None:
    """Make a stop the fallback that it stands for, now that the registry can be trusted; None where there is nothing to settle."""
    stop = read_stop(lake, release.segment)
    if stop is None:
        return None
    after = None
    if release.in_canary and release.candidate == stop.version:
        who = Who(stop.by, person=stop.person)
        reason = f"{stop.reason} (stopped at {stop.at:%Y-%m-%d %H:%M} UTC, while the registry was damaged)"
        after = fall_back(lake, release.segment, Act(who, reason, now, stop.figures, release.sequence))
    remove_stop(lake, release.segment)
    refresh_routing(lake)
    return after


def _as_routed(lake: Lake, entry: RoutingEntry, now: datetime) -> Release:
    """The release as its events say where they can be trusted that far, else as the routing file says."""
    assert entry.candidate is not None
    before = read_intact(lake, entry.segment)[0].release
    if (before.candidate, before.share) == (entry.candidate.version, entry.share):
        return before
    since = now - REACH
    adapters = {one.version: _adapter(one) for one in (entry.champion, entry.candidate) if one}
    attempt = entry.release_id.rpartition("#")[2]
    attempts = {entry.candidate.version: int(attempt)} if attempt.isdigit() else dict[str, int]()
    with suppress(ValueError):  # whatever can be read was earlier
        since = max([since, *(clock for clock in before.clocks if clock <= now)])
    return replace(
        Release(entry.segment),
        sequence=entry.sequence,
        adapters=adapters,
        champion=entry.champion.version if entry.champion else "",
        candidate=entry.candidate.version,
        stage=max(1, entry.stage),
        share=entry.share,
        began_at=since,
        stage_began_at=since,
        attempts=attempts,
    )


def _adapter(target: Target) -> Adapter:
    files: Mapping[str, str] = target.files
    return Adapter(target.version, target.segment, target.method, target.base_model, "", dict(files))


def _stopped(segment: str, version: str, reason: str) -> str:
    return f"nobody is routed to {version} any more: {reason}. Restore the events of {segment}: it falls back then"
