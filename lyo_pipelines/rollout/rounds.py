"""One round over all releases: who is looked at, what is news, and which events nobody has shown yet. Deciding belongs to monitor.py.

A cursor of plain values lets the next round skip what has not changed. Losing it shows events again and does nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from hashlib import sha256

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import RegistryEvent, Who
from lyo_pipelines.registry.log import ReleaseHistory, read_history
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.clocks import by_real_time
from lyo_pipelines.rollout.day_sums import StageSums, summed_stages
from lyo_pipelines.rollout.emergency import settle_stop, watch_damaged
from lyo_pipelines.rollout.monitor import ReleaseCheck, check_release, decision_inputs
from lyo_pipelines.rollout.routing import Routing, read_sources, refresh_routing, routing_path
from lyo_pipelines.rollout.stage_cache import forget_days
from lyo_pipelines.rollout.state_findings import VerifiedFiles, champion_fault, state_says
from lyo_pipelines.storage.lake import Lake

EVERYWHERE = ""
"""The segment of a trouble that concerns all of them."""
HASHED_AT_ONCE = 3
"""Champions of releases that are over whose files one round reads for the first time; the next round goes on."""
SHOWN_AT_ONCE = 20
"""Events of one segment that one round shows; the next round goes on."""


@dataclass
class Cursor:
    """What earlier rounds did, by segment: the last event they showed, the inputs of their last look, and what it found.

    held: why its state held it then; said: what was told of that; verified: adapters whose files were found whole (VerifiedFiles);
    failed: by cause of a run, how many attempts had failed when this was last looked at, and since when (ISO). tainted: what was told
    of adapters that serve and learnt from erased people.
    """

    told: dict[str, int] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    verified: dict[str, str] = field(default_factory=dict)
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    tainted: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """An empty one where there is none, or one that another version of this project wrote."""
        try:
            kept = json.loads(text) if text else {}
            return cls(**{one.name: dict(kept[one.name]) for one in fields(cls) if one.name in kept})
        except (ValueError, TypeError):
            return cls()

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Visit:
    """One release that was looked at. history: before the look; news: it found something else than the last one did, or that day."""

    look: ReleaseCheck
    history: ReleaseHistory
    news: bool


@dataclass(frozen=True)
class Round:
    """What one round found. shown: events that no round has shown yet, with the history that they stand in.

    troubles: by segment, why a file of its state could not be read, or the error that kept it from being looked at. held: by segment,
    what of its state holds it, with what a person does about it: all that is so now, whether it is new or not.
    """

    visits: tuple[Visit, ...]
    shown: tuple[tuple[ReleaseHistory, tuple[RegistryEvent, ...]], ...]
    troubles: dict[str, str | Exception]
    canaries: int
    held: dict[str, str]

    @property
    def summary(self) -> str:
        """What was found, in words."""
        visited = {visit.look.release.segment for visit in self.visits}
        said = [f"{visit.look.release.segment}: {visit.look.summary}" for visit in self.visits]
        said += [f"{segment}: {says}" for segment, says in self.held.items() if segment not in visited]
        if said:
            return "; ".join(said)
        if events := sum(len(events) for _, events in self.shown):
            return f"{events} new events shown"
        return f"nothing new about {self.canaries} releases" if self.canaries else "no release in canary"


def go_round(lake: Lake, config: RolloutConfig, cursor: Cursor, *, now: datetime, who: Who) -> Round:
    """Look at every release in canary whose inputs changed; what has to fall back does so here. `cursor` is moved on."""
    troubles: dict[str, str | Exception] = {}
    try:
        refresh_routing(lake)
    except OSError as error:  # a full disk must not keep a candidate from falling back
        troubles[EVERYWHERE] = f"{routing_path(lake)} cannot be written: {error}"
    sources = read_sources(lake)
    routing, histories = sources.routing, dict(sources.histories)
    for segment, trouble in sources.troubles.items():
        damaged = segment not in histories
        troubles[segment] = _watched(lake, segment, trouble, routing, config, now, who) if damaged else trouble
    _settle_stops(lake, histories, troubles, now)
    verified = VerifiedFiles(cursor.verified)
    visits = list[Visit]()
    due = _due(lake, histories, config, cursor, now, troubles)
    broken = _served(lake, histories, verified)
    summed = _summed(lake, [histories[segment].release for segment in due], routing, config, now)
    for segment, digest in due.items():
        history = histories[segment]
        try:
            found = check_release(
                lake, history.release, routing, config, now=now, who=who, verified=verified, summed=summed.get(segment)
            )
            if found is None:
                continue
            if found.fell_back:
                histories[segment] = read_history(lake, segment)
        except Exception as error:  # one release that cannot be read must not keep another from falling back
            troubles[segment] = error
            continue
        if not found.step_up_due:
            cursor.seen[segment] = digest  # a step that is due is looked at until its run took it
        if says := state_says(found.decision):
            cursor.held[segment] = says
        else:
            cursor.held.pop(segment, None)
        visits.append(Visit(found, history, news=_is_news(found, cursor, now)))
    canaries = {segment for segment, history in histories.items() if history.release.in_canary}
    cursor.held = {segment: says for segment, says in cursor.held.items() if segment in canaries}
    shown = [(history, _not_shown(history, cursor)) for history in histories.values()]
    return Round(
        visits=tuple(visits),
        shown=tuple((history, events) for history, events in shown if events),
        troubles=troubles,
        canaries=len(canaries),
        held={**broken, **cursor.held, **{segment: told(trouble) for segment, trouble in troubles.items()}},
    )


def told(trouble: str | Exception) -> str:
    """A trouble as people read it. Of a fault of ours only its name: its text may quote a user; the log of the sensor holds it."""
    if isinstance(trouble, str | LyoError):
        return str(trouble)
    return f"it could not be looked at ({type(trouble).__name__}): the log of the sensor says where"


def _served(lake: Lake, histories: Mapping[str, ReleaseHistory], verified: VerifiedFiles) -> dict[str, str]:
    """By segment without a canary, what is wrong with the champion that serves it."""
    broken = dict[str, str]()
    for segment, history in histories.items():
        if history.release.in_canary:
            continue
        forget_days(lake, segment)
        if (fault := champion_fault(lake, history.release, verified, most=HASHED_AT_ONCE)) is not None:
            broken[segment] = fault
    return broken


def _settle_stops(
    lake: Lake, histories: dict[str, ReleaseHistory], troubles: dict[str, str | Exception], now: datetime
) -> None:
    """Candidates that were stopped while their registry was damaged fall back, now that it is whole."""
    for segment, history in list(histories.items()):
        try:
            if settle_stop(lake, history.release, now) is not None:
                histories[segment] = read_history(lake, segment)
        except Exception as error:
            troubles[segment] = error


def _watched(
    lake: Lake, segment: str, trouble: str, routing: Routing, config: RolloutConfig, now: datetime, who: Who
) -> str | Exception:
    """What is said of a segment whose registry is damaged: guardrails act on the candidate that users still meet."""
    try:
        found = watch_damaged(lake, segment, routing, config, now=now, who=who)
    except Exception as error:
        return error
    return f"{trouble} Meanwhile: {found.says}" if found else trouble


def _due(
    lake: Lake,
    histories: Mapping[str, ReleaseHistory],
    config: RolloutConfig,
    cursor: Cursor,
    now: datetime,
    troubles: dict[str, str | Exception],
) -> dict[str, str]:
    """Segments in canary whose inputs changed since the last look, each with the digest of them; what goes wrong is told."""
    found = dict[str, str]()
    for segment, history in histories.items():
        if history.release.in_canary:
            try:
                found[segment] = decision_inputs(lake, history.release, config, now=now)
            except Exception as error:
                troubles[segment] = error
    return {segment: digest for segment, digest in found.items() if cursor.seen.get(segment) != digest}


def _summed(
    lake: Lake, releases: list[Release], routing: Routing, config: RolloutConfig, now: datetime
) -> dict[str, StageSums]:
    """The rows of all releases that are looked at, read in one pass; nothing where that fails, and each is read by itself."""
    try:
        judged = [by_real_time(release, now)[0] for release in releases]
        return summed_stages(lake, judged, routing, now=now, cultural=config.cultural_complaint_categories)
    except Exception:  # whatever is wrong with one of them: its own look says it, and the others go on
        return {}


def _is_news(found: ReleaseCheck, cursor: Cursor, now: datetime) -> bool:
    """Whether a look that holds or lets go up found something else than the last one; a fallback is an event of its own."""
    if found.fell_back:
        return False
    outcomes = [(finding.rule, finding.outcome) for finding in found.decision.reasons]
    parts = (found.release.sequence, found.decision.action, outcomes, now.date())
    digest = sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
    if cursor.found.get(found.release.segment) == digest:
        return False
    cursor.found[found.release.segment] = digest
    return True


def _not_shown(history: ReleaseHistory, cursor: Cursor) -> tuple[RegistryEvent, ...]:
    """The events that no round has shown yet, whoever appended them."""
    segment = history.release.segment
    events = tuple(one for one in history.events if one.sequence > cursor.told.get(segment, 0))[:SHOWN_AT_ONCE]
    if events:
        cursor.told[segment] = events[-1].sequence
    return events
