"""What can be done to a release, each in one step: a look at the state, one event, and the routing file brought up to it.

Every function says who did it, why, and on which state it was decided: when the segment moved on meanwhile, nothing is done. Deciding
on evidence belongs to decide.py; beginning a release to start.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import Adapter, Kind, RegistryEvent, Who
from lyo_pipelines.registry.log import append_event, read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.routing import refresh_routing
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.tainted import read_tainted
from lyo_pipelines.training.verified_loading import DamagedAdapterError, load_checked


class ReasonMissingError(LyoError):
    """A person changes what users get: the reason belongs to the history."""


class NothingDueError(LyoError):
    """The state of the segment leaves nothing to do; the message says what is possible."""


@dataclass(frozen=True)
class Act:
    """Who acts, why and when. figures: what it was decided on, as plain values; expected: the sequence that was looked at."""

    who: Who
    reason: str
    now: datetime
    figures: Mapping[str, Any] | None = None
    expected: int | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ReasonMissingError('say why: --reason "…". It stays in the history of the segment.')


def pause(lake: Lake, segment: str, act: Act) -> Release:
    """Let the candidate keep its users and take no step up; the guardrails still send it back."""
    return _of_candidate(lake, segment, "paused", act)


def resume(lake: Lake, segment: str, act: Act) -> Release:
    """Let the steps go on."""
    return _of_candidate(lake, segment, "resumed", act)


def step_up(lake: Lake, segment: str, config: RolloutConfig, act: Act) -> Release:
    """The next larger share of the configured stages; at 100 % the candidate becomes the champion."""
    release = _in_canary(lake, segment)
    following, share = release.stage + 1, config.share_after(release.share)
    return _of_candidate(lake, segment, "promoted" if share >= 1 else "stepped_up", act, stage=following, share=share)


def promote(lake: Lake, segment: str, act: Act) -> Release:
    """The candidate serves everybody at once, whatever stages are left: for reasons that no stage answers."""
    release = _in_canary(lake, segment)
    return _of_candidate(lake, segment, "promoted", act, stage=release.stage + 1, share=1.0)


def step_back(lake: Lake, segment: str, config: RolloutConfig, act: Act) -> Release:
    """The next smaller share of the configured stages, whose time begins anew."""
    release = _in_canary(lake, segment)
    share = config.share_before(release.share)
    if share is None and release.stage > 1:
        raise NothingDueError(
            f"{segment} has {release.share:.0%} of users, and the configured stages have no smaller share: pause it, retire it or "
            "roll it back."
        )
    before = max(release.stage - 1, 1)
    return _of_candidate(lake, segment, "stepped_back", act, stage=before, share=share or release.share)


def fall_back(lake: Lake, segment: str, act: Act) -> Release:
    """Everybody gets what served before, at once; where that is not whole, the newest one before it that is."""
    release = _in_canary(lake, segment)
    after = _of_candidate(lake, segment, "fell_back", act, to=release.champion)
    return _make_room(lake, after, act)


def retire(lake: Lake, segment: str, act: Act, version: str | None = None) -> Release:
    """Take a version out for good: the one that is named, else the candidate, else the champion."""
    release = read_release(lake, segment)
    adapter = _known(release, version or release.candidate or release.champion)
    return _done(
        lake, RegistryEvent("retired", adapter, act.who, act.reason, act.now, figures=act.figures or {}), release, act
    )


def roll_back(lake: Lake, segment: str, act: Act, plan: RollbackPlan | None = None) -> Release:
    """Do what the plan says (the newest one when none is given)."""
    release = read_release(lake, segment)
    found = plan or plan_rollback(lake, release)
    adapter = _known(release, found.leaves)
    told = {**(act.figures or {}), **({"skipped": list(found.skipped)} if found.skipped else {})}
    to = release.champion if release.in_canary else found.to
    draft = RegistryEvent("rolled_back", adapter, act.who, act.reason, act.now, to=to, figures=told)
    return _make_room(lake, _done(lake, draft, release, act), act)


def _make_room(lake: Lake, release: Release, act: Act) -> Release:
    """After a candidate left: a champion whose files are not as they were registered serves nobody, so it goes, too."""
    if not release.champion or (fault := _fault(lake, release, release.champion)) is None:
        return release
    plan = plan_rollback(lake, release)
    figures = {"skipped": list(plan.skipped), "fault": fault}
    reason = f"{plan.leaves} cannot serve: {fault}"
    draft = RegistryEvent(
        "rolled_back", _known(release, plan.leaves), act.who, reason, act.now, to=plan.to, figures=figures
    )
    return _done(lake, draft, release, replace(act, expected=release.sequence))


@dataclass(frozen=True)
class RollbackPlan:
    """What one step back in time would do. to: version ("" : none of the segment's own); share: of users who get another answer.

    skipped: earlier champions that cannot come back, and why.
    """

    segment: str
    sequence: int
    leaves: str
    to: str
    share: float
    skipped: tuple[str, ...] = ()


def plan_rollback(lake: Lake, release: Release) -> RollbackPlan:
    """Who leaves and who comes back: a candidate leaves first; a champion makes room for the newest one before it that is whole.

    A champion that is not whole cannot take a candidate's users back: it leaves with it. One that learnt from people who were
    erased since does not come back.
    """
    if not release.in_canary and not release.champion:
        raise NothingDueError(f"{release.segment}: {release.situation}: there is nothing to roll back.")
    leaves = release.candidate if release.in_canary else release.champion
    may_serve = (*release.formers, *([release.champion] if release.in_canary and release.champion else []))
    to, skipped, erased = "", list[str](), _learnt_from_erased(lake, release)
    for version in reversed(may_serve):
        if version in erased and version != release.champion:
            skipped.append(f"{version}: it learnt from people who were erased since")
        elif (wrong := _fault(lake, release, version)) is None:
            to = version
            break
        else:
            skipped.append(f"{version}: {wrong}")
    share = release.share if release.in_canary and to == release.champion else 1.0
    return RollbackPlan(release.segment, release.sequence, leaves, to, share, tuple(skipped))


def _learnt_from_erased(lake: Lake, release: Release) -> set[str]:
    """Versions that are marked; none where the marks cannot be read, as no rollback may wait for that."""
    try:
        marked = read_tainted(lake)
    except DamagedFileError:
        return set()
    return {version for version in release.adapters if f"{release.segment}/{version}" in marked}


def _fault(lake: Lake, release: Release, version: str) -> str | None:
    """As adapter_fault; on a lake that is no local disk nobody can tell, and nothing is passed over for that."""
    try:
        return adapter_fault(lake, release, version)
    except NotLocalError:
        return None


def adapter_fault(lake: Lake, release: Release, version: str) -> str | None:
    """Why a registered version must not be served; None when its files are as they were registered."""
    adapter = _known(release, version)
    try:
        load_checked(fetched(lake, lake.adapter_dir(adapter.segment, adapter.version)), adapter.files)
    except (DamagedAdapterError, DocumentError) as error:
        return str(error)
    return None


def _of_candidate(
    lake: Lake, segment: str, kind: Kind, act: Act, *, stage: int = 0, share: float = 0.0, to: str = ""
) -> Release:
    release = _in_canary(lake, segment)
    adapter = _known(release, release.candidate)
    draft = RegistryEvent(
        kind, adapter, act.who, act.reason, act.now, stage=stage, share=share, to=to, figures=act.figures or {}
    )
    return _done(lake, draft, release, act)


def _done(lake: Lake, draft: RegistryEvent, seen: Release, act: Act) -> Release:
    expected = seen.sequence if act.expected is None else act.expected
    _, after = append_event(lake, draft, now=act.now, expected=expected)
    refresh_routing(lake)
    return after


def _in_canary(lake: Lake, segment: str) -> Release:
    release = read_release(lake, segment)
    if not release.in_canary:
        raise NothingDueError(
            f"{segment} has no candidate in canary: {release.situation}. Possible: {', '.join(release.possible)}."
        )
    return release


def _known(release: Release, version: str) -> Adapter:
    adapter = release.adapter(version)
    if adapter is None:
        known = ", ".join(release.adapters) or "none"
        raise NothingDueError(
            f"{release.segment} has no registered version {version or 'at all'} (registered: {known})."
        )
    return adapter
