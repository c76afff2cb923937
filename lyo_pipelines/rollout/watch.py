"""One look at every release: what users say is collected, a decision is made, and a fallback is done at once.

A step up is only said to be due: `climb` does it, after the fallback was rehearsed. The same look twice does nothing twice: what was
decided on a state counts only as long as the segment is in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256

from lyo_pipelines.config.rollout import RolloutFigures
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import MovedOnError, read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.collect import Collected, observe, signature
from lyo_pipelines.rollout.decide import decide
from lyo_pipelines.rollout.experiment import experiment
from lyo_pipelines.rollout.findings import Decision
from lyo_pipelines.rollout.observations import Arm
from lyo_pipelines.rollout.rehearsal import Rehearsal, target_after
from lyo_pipelines.rollout.release import Act
from lyo_pipelines.rollout.routing import Routing, Target, current
from lyo_pipelines.storage.lake import Lake

Rehearse = Callable[[Target | None, str], Rehearsal]
"""Loads what would serve after a fallback (None: the base model of that name) and asks it one question."""


@dataclass(frozen=True)
class Look:
    """What was found about one release. release: the state after it; fell_back: whether this look sent the candidate back."""

    release: Release
    collected: Collected
    decision: Decision
    fell_back: bool = False

    @property
    def step_up_due(self) -> bool:
        """Whether the next stage may be taken (a paused release waits for a person)."""
        return self.decision.action == "up" and not self.release.paused

    @property
    def says(self) -> str:
        """The decision in words, with what a person's pause makes of it."""
        if self.decision.action == "up" and self.release.paused:
            return f"paused by a person; else {self.decision.says}"
        return self.decision.says


def look(
    lake: Lake, release: Release, routing: Routing, figures: RolloutFigures, *, now: datetime, who: Who
) -> Look | None:
    """Look at one release in canary; a fallback is done here. None when somebody else changed it meanwhile."""
    collected = observe(lake, release, routing, now=now)
    decision = decide(collected.observation, figures)
    if decision.action != "fall_back":
        return Look(release, collected, decision)
    act = Act(who, decision.says, now, evidence(decision, collected, figures), release.sequence)
    try:
        return Look(steps.fall_back(lake, release.segment, act), collected, decision, fell_back=True)
    except (MovedOnError, steps.NothingDueError):
        return None


@dataclass(frozen=True)
class Climbed:
    """What became of a step up: the state after it; `rehearsal` and `stepped` when it was taken."""

    release: Release
    says: str
    stepped: bool = False
    rehearsal: Rehearsal | None = None


def climb(
    lake: Lake, segment: str, figures: RolloutFigures, rehearse: Rehearse, *, clock: Callable[[], datetime], who: Who
) -> Climbed:
    """Take the next stage if it is (still) due and what users would fall back to answers. Raises RehearsalError when it does not."""
    release, routing = read_release(lake, segment), current(lake)
    if not release.in_canary:
        return Climbed(release, f"no step up: {release.situation}")
    found = look(lake, release, routing, figures, now=clock(), who=who)
    if found is None or not found.step_up_due:
        after = read_release(lake, segment)
        return Climbed(after, f"no step up: {found.says if found else after.situation}")
    rehearsal = rehearse(*target_after(routing, release, release.candidate, release.champion))
    told = {**evidence(found.decision, found.collected, figures), "rehearsal": rehearsal.figures()}
    act = Act(who, found.decision.says, clock(), told, release.sequence)
    try:
        after = steps.step_up(lake, segment, figures, act)
    except (MovedOnError, steps.NothingDueError) as error:
        return Climbed(read_release(lake, segment), f"no step up: {error}")
    return Climbed(after, found.decision.says, stepped=True, rehearsal=rehearsal)


def inputs(lake: Lake, release: Release, figures: RolloutFigures, *, now: datetime) -> str:
    """A digest of all that a look depends on: while it stays the same, another look finds the same."""
    assert release.stage_began_at is not None
    days = (now - release.stage_began_at).total_seconds() / 86_400
    served = days >= figures.stage(release.stage).days
    parts = [signature(lake, release), int(days), served, figures.model_dump_json()]
    return sha256(json.dumps(parts).encode()).hexdigest()[:16]


def evidence(decision: Decision, collected: Collected, figures: RolloutFigures) -> dict[str, object]:
    """What a decision was made on, as plain values for its event."""
    seen = collected.observation
    return {
        "says": decision.says,
        "action": decision.action,
        "rating": decision.rating,
        "superior": decision.superior,
        "until_known_days": decision.until_known_days,
        "findings": [{**asdict(finding), "figures": dict(finding.figures)} for finding in decision.reasons],
        "arms": {"candidate": _counts(seen.candidate), "current": _counts(seen.current)},
        "success_metrics": [asdict(metric) for metric in experiment(seen, figures).metrics],
        "mismatched_rows": collected.mismatched,
    }


def _counts(arm: Arm) -> dict[str, float | int | None]:
    mean = float(arm.ratings_sum.sum()) / arm.rated if arm.rated else None
    return {
        "users": arm.users,
        "answers": arm.answers,
        "rated": arm.rated,
        "mean_rating": None if mean is None else round(mean, 3),
        "errors": int(arm.errors_n.sum()),
    }
