"""Which event is possible when: one small rule each. Pure; what follows from an event stands in fold.py."""

from __future__ import annotations

from lyo_pipelines.registry.events import RegistryEvent
from lyo_pipelines.registry.state import Release, State


def transition_refusal(release: Release, event: RegistryEvent) -> str | None:
    """Why an event does not fit the state; None when it does."""
    known = release.adapters.get(event.version)
    if event.adapter.segment != release.segment:
        return f"it is an adapter of {event.adapter.segment}"
    if release.last_at is not None and event.at < release.last_at:
        return f"it would lie before the last event ({release.last_at:%Y-%m-%d %H:%M:%S} UTC)"
    if event.kind == "registered":
        return None if known is None else "this version is registered already"
    if known is None:
        return "this version is not registered"
    if known != event.adapter:
        return "this version is registered with other files"
    return _RULES[event.kind](release, event)


def _may_be_candidate(release: Release, event: RegistryEvent) -> str | None:
    state = release.states[event.version]
    if release.candidate:
        return f"{release.candidate} is on its way"
    if state in ("fallen_back", "retired"):
        return None if event.who.person else f"{_is(state)}: only a person may let it try again"
    return None if state in ("registered", "rejected") else _is(state)


def _may_be_rejected(release: Release, event: RegistryEvent) -> str | None:
    state = release.states[event.version]
    return None if state in ("registered", "candidate") else _is(state)


def _may_be_canary(release: Release, event: RegistryEvent) -> str | None:
    if release.states[event.version] != "candidate":
        return _is(release.states[event.version])
    return None if event.stage == 1 and 0 < event.share < 1 else "a canary begins at stage 1, with a part of the users"


def _in_canary(release: Release, event: RegistryEvent) -> str | None:
    return None if release.states[event.version] == "canary" else _is(release.states[event.version])


def _moving(release: Release, event: RegistryEvent) -> str | None:
    return _in_canary(release, event) or ("it is paused" if release.paused else None)


def _may_step_up(release: Release, event: RegistryEvent) -> str | None:
    if why := _moving(release, event):
        return why
    grows = event.stage == release.stage + 1 and release.share < event.share < 1
    return None if grows else f"stage {release.stage + 1} with a larger share comes next"


def _may_step_back(release: Release, event: RegistryEvent) -> str | None:
    if why := _in_canary(release, event):
        return why
    if release.stage == 1:
        return "it is at the first stage: pause it, retire it or roll it back"
    shrinks = event.stage == release.stage - 1 and 0 < event.share < release.share
    return None if shrinks else f"stage {release.stage - 1} with a smaller share comes before"


def _may_pause(release: Release, event: RegistryEvent) -> str | None:
    return _in_canary(release, event) or ("it is paused already" if release.paused else None)


def _may_resume(release: Release, event: RegistryEvent) -> str | None:
    return _in_canary(release, event) or (None if release.paused else "it is not paused")


def _may_fall_back(release: Release, event: RegistryEvent) -> str | None:
    why = _in_canary(release, event)
    return why or (None if event.to == release.champion else f"{release.champion or 'none of its own'} serves then")


def _may_be_retired(release: Release, event: RegistryEvent) -> str | None:
    state = release.states[event.version]
    if state == "retired" and event.version not in release.formers:
        return _is(state)
    if event.version == release.champion and release.in_canary:
        return "the candidate is compared with it: retire the candidate first, or roll back"
    return None


def _may_be_rolled_back(release: Release, event: RegistryEvent) -> str | None:
    if release.in_canary:
        leaves = event.version == release.candidate and event.to == release.champion
        return None if leaves else f"{release.candidate} leaves first"
    if event.version != release.champion:
        return _is(release.states[event.version])
    return None if event.to == "" or event.to in release.formers else f"{event.to} never served it, or was retired"


def _is(state: State) -> str:
    return f"it is {state.replace('_', ' ')}"


_RULES = {
    "candidate": _may_be_candidate,
    "rejected": _may_be_rejected,
    "canary": _may_be_canary,
    "stepped_up": _may_step_up,
    "stepped_back": _may_step_back,
    "paused": _may_pause,
    "resumed": _may_resume,
    "fell_back": _may_fall_back,
    "promoted": _moving,
    "retired": _may_be_retired,
    "rolled_back": _may_be_rolled_back,
}
