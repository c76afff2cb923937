"""The whole history of a segment, folded out of its events: champion, candidate, stage, who was served what and by which decision.

Pure. An event that does not fit what came before is refused, with what is possible instead. Files belong to log.py,
which event is possible when to transitions.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import RegistryEvent
from lyo_pipelines.registry.state import Arm, Release, ServingPeriod, State
from lyo_pipelines.registry.transitions import transition_refusal


class IllegalEventError(LyoError):
    """An event does not fit the state of its segment; the message says why, and what is possible."""


def apply_event(release: Release, event: RegistryEvent) -> Release:
    """The state after one more event. Raises IllegalEventError when it does not fit."""
    if (why := transition_refusal(release, event)) is not None:
        version = event.version or "nothing"
        raise IllegalEventError(
            f"{release.segment}: {event.kind.replace('_', ' ')} {version} is not possible: {why}. Now {release.situation}; "
            f"possible: {', '.join(release.possible)}."
        )
    clocks = (*release.clocks, event.happened_at)
    return _APPLY[event.kind](replace(release, sequence=release.sequence + 1, last_at=event.at, clocks=clocks), event)


def _registered(release: Release, event: RegistryEvent) -> Release:
    adapters = {**release.adapters, event.version: event.adapter}
    return _state(replace(release, adapters=adapters), event.version, "registered")


def _candidate(release: Release, event: RegistryEvent) -> Release:
    formers = tuple(former for former in release.formers if former != event.version)
    return _state(replace(release, candidate=event.version, formers=formers), event.version, "candidate")


def _rejected(release: Release, event: RegistryEvent) -> Release:
    candidate = "" if release.candidate == event.version else release.candidate
    return _state(replace(release, candidate=candidate), event.version, "rejected")


def _canary(release: Release, event: RegistryEvent) -> Release:
    attempts = {**release.attempts, event.version: release.attempts.get(event.version, 0) + 1}
    begun = replace(release, began_at=event.at, began_by=release.sequence, attempts=attempts)
    return _staged(_state(begun, event.version, "canary"), event)


def _staged(release: Release, event: RegistryEvent) -> Release:
    moved = replace(
        release, stage=event.stage, share=event.share, stage_began_at=event.at, stage_began_by=release.sequence
    )
    return _serving(moved, event)


def _paused(release: Release, event: RegistryEvent) -> Release:
    return replace(release, paused=event.kind == "paused")


def _fallen(release: Release, event: RegistryEvent) -> Release:
    return _serving(_state(_without_candidate(release), event.version, "fallen_back"), event)


def _promoted(release: Release, event: RegistryEvent) -> Release:
    before = release.champion
    formers = (*(version for version in release.formers if version != event.version), *([before] if before else []))
    release = replace(_without_candidate(release), champion=event.version, formers=formers)
    release = _state(release, before, "retired") if before else release
    return _serving(_state(release, event.version, "champion"), event)


def _retired(release: Release, event: RegistryEvent) -> Release:
    version = event.version
    release = replace(release, formers=tuple(former for former in release.formers if former != version))
    if version == release.candidate:
        release = _without_candidate(release)
    if version == release.champion:
        release = replace(release, champion="")
    return _serving(_state(release, version, "retired"), event)


def _rolled_back(release: Release, event: RegistryEvent) -> Release:
    if release.in_canary:
        return _fallen(release, event)
    formers = release.formers[: release.formers.index(event.to)] if event.to else ()
    release = replace(release, champion=event.to, formers=formers)
    release = _state(release, event.to, "champion") if event.to else release
    return _serving(_state(release, event.version, "fallen_back"), event)


_APPLY = {
    "registered": _registered,
    "candidate": _candidate,
    "rejected": _rejected,
    "canary": _canary,
    "stepped_up": _staged,
    "stepped_back": _staged,
    "paused": _paused,
    "resumed": _paused,
    "fell_back": _fallen,
    "promoted": _promoted,
    "retired": _retired,
    "rolled_back": _rolled_back,
}


def _state(release: Release, version: str, state: State) -> Release:
    return replace(release, states={**release.states, version: state})


def _without_candidate(release: Release) -> Release:
    none: dict[str, Any] = {"began_at": None, "stage_began_at": None, "began_by": 0, "stage_began_by": 0}
    return replace(release, candidate="", stage=0, share=0.0, paused=False, **none)


def _serving(release: Release, event: RegistryEvent) -> Release:
    """End what does not go on as it was, and begin what is served from this event on (nothing before the first canary)."""
    if not release.served and not release.in_canary:
        return release
    wanted: dict[tuple[str, Arm], float] = {(release.champion, "current"): 1 - release.share}
    if release.in_canary:
        wanted[release.candidate, "candidate"] = release.share
    sequence = release.sequence
    kept: list[ServingPeriod] = []
    for one in release.served:
        if one.until is None and wanted.get((one.version, one.arm)) != one.share:
            kept.append(replace(one, until=event.at, ended_by=sequence))
            continue
        if one.until is None:
            del wanted[one.version, one.arm]
        kept.append(one)
    begun = (ServingPeriod(version, arm, share, event.at, sequence) for (version, arm), share in wanted.items())
    return replace(release, served=(*kept, *begun))
