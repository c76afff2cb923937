"""One look at every release: what users say is collected, a decision is made, and a fallback is done at once.

A step up is only said to be due: `step_up_after_rehearsal` does it, after the fallback was rehearsed. The same look twice does
nothing twice: what was decided on a state counts only as long as the segment is in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import MovedOnError, read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.business import business_sums
from lyo_pipelines.rollout.clocks import by_real_time
from lyo_pipelines.rollout.collect import Collected, collect_observations, observation_signature
from lyo_pipelines.rollout.day_sums import StageSums
from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.experiment import evaluate_experiment
from lyo_pipelines.rollout.findings import ReleaseDecision
from lyo_pipelines.rollout.observations import Arm
from lyo_pipelines.rollout.rehearsal import Rehearsal, target_after
from lyo_pipelines.rollout.release import Act
from lyo_pipelines.rollout.routing import Routing, Target, current_routing
from lyo_pipelines.rollout.state_findings import (
    VerifiedFiles,
    changed_stages,
    files_at_fault,
    files_fingerprint,
    unreadable_days,
    with_state,
)
from lyo_pipelines.storage.lake import Lake

Rehearse = Callable[[Target | None, str], Rehearsal]
"""Loads what would serve after a fallback (None: the base model of that name) and asks it one question."""


@dataclass(frozen=True)
class ReleaseCheck:
    """What was found about one release. release: the state after it; fell_back: whether this look sent the candidate back."""

    release: Release
    collected: Collected
    decision: ReleaseDecision
    fell_back: bool = False

    @property
    def step_up_due(self) -> bool:
        """Whether the next stage may be taken (a paused release waits for a person)."""
        return self.decision.action == "up" and not self.release.paused

    @property
    def summary(self) -> str:
        """The decision in words, with what a person's pause makes of it."""
        if self.decision.action == "up" and self.release.paused:
            return f"paused by a person; else {self.decision.says}"
        return self.decision.says


def judge_release(
    lake: Lake,
    release: Release,
    routing: Routing,
    config: RolloutConfig,
    *,
    now: datetime,
    verified: VerifiedFiles | None = None,
    summed: StageSums | None = None,
) -> ReleaseCheck:
    """Look at one release in canary and decide about it; nothing is done.

    verified: adapters whose files were found whole before (None: all are hashed). summed: its rows since its stage began by real time,
    where they were added up together with those of other releases.
    """
    judged, clock = by_real_time(release, now)
    collected = collect_observations(
        lake, judged, routing, now=now, cultural=config.cultural_complaint_categories, summed=summed
    )
    business = business_sums(lake, judged, routing, config.business, now=now)
    collected = replace(collected, observation=replace(collected.observation, business=business))
    # the list of stages may have changed since the release began: its share says where in the list of now it is
    seen = replace(collected.observation, stage=config.position(release.share))
    found = (
        clock,
        changed_stages(release, config),
        unreadable_days(collected.unreadable),
        files_at_fault(lake, release, verified or VerifiedFiles()),
    )
    decision = with_state(decide_release(seen, config), [one for one in found if one is not None])
    return ReleaseCheck(release, collected, decision)


def check_release(
    lake: Lake,
    release: Release,
    routing: Routing,
    config: RolloutConfig,
    *,
    now: datetime,
    who: Who,
    verified: VerifiedFiles | None = None,
    summed: StageSums | None = None,
) -> ReleaseCheck | None:
    """As judge_release; a fallback is done here. None when somebody else changed the release meanwhile."""
    found = judge_release(lake, release, routing, config, now=now, verified=verified, summed=summed)
    decision, collected = found.decision, found.collected
    if decision.action != "fall_back":
        return found
    act = Act(who, decision.says, now, decision_evidence(decision, collected, config), release.sequence)
    try:
        return ReleaseCheck(steps.fall_back(lake, release.segment, act), collected, decision, fell_back=True)
    except (MovedOnError, steps.NothingDueError):
        return None


@dataclass(frozen=True)
class StepUpOutcome:
    """What became of a step up: the state after it; `rehearsal` and `stepped` when it was taken."""

    release: Release
    summary: str
    stepped: bool = False
    rehearsal: Rehearsal | None = None


def step_up_after_rehearsal(
    lake: Lake, segment: str, config: RolloutConfig, rehearse: Rehearse, *, clock: Callable[[], datetime], who: Who
) -> StepUpOutcome:
    """Take the next stage if it is (still) due and what users would fall back to answers. Raises RehearsalError when it does not."""
    release, routing = read_release(lake, segment), current_routing(lake)
    if not release.in_canary:
        return StepUpOutcome(release, f"no step up: {release.situation}")
    found = check_release(lake, release, routing, config, now=clock(), who=who)
    if found is None or not found.step_up_due:
        after = read_release(lake, segment)
        return StepUpOutcome(after, f"no step up: {found.summary if found else after.situation}")
    rehearsal = rehearse(*target_after(routing, release, release.candidate, release.champion))
    told = {**decision_evidence(found.decision, found.collected, config), "rehearsal": rehearsal.config()}
    act = Act(who, found.decision.says, clock(), told, release.sequence)
    try:
        after = steps.step_up(lake, segment, config, act)
    except (MovedOnError, steps.NothingDueError) as error:
        return StepUpOutcome(read_release(lake, segment), f"no step up: {error}")
    return StepUpOutcome(after, found.decision.says, stepped=True, rehearsal=rehearsal)


def decision_inputs(lake: Lake, release: Release, config: RolloutConfig, *, now: datetime) -> str:
    """A digest of all that a look depends on: while it stays the same, another look finds the same."""
    judged, _ = by_real_time(release, now)
    assert judged.stage_began_at is not None
    days = (now - judged.stage_began_at).total_seconds() / 86_400
    served = days >= config.stage(config.position(release.share)).days
    files = [files_fingerprint(lake, release, version) for version in (release.candidate, release.champion)]
    parts = [observation_signature(lake, judged), int(days), served, config.model_dump_json(), *files]
    return sha256(json.dumps(parts).encode()).hexdigest()[:16]


def decision_evidence(decision: ReleaseDecision, collected: Collected, config: RolloutConfig) -> dict[str, object]:
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
        "success_metrics": [asdict(metric) for metric in evaluate_experiment(seen, config).metrics],
        "mismatched_rows": collected.mismatched,
        "attribution": asdict(seen.attribution),
    }


def _counts(arm: Arm) -> dict[str, float | int | None]:
    mean = float(arm.ratings_sum.sum()) / arm.rated if arm.rated else None
    return {
        "users": arm.users,
        "answers": arm.answers,
        "rated": arm.rated,
        "mean_rating": None if mean is None else round(mean, 3),
        "errors": int(arm.errors_n.sum()),
        **({"invited_rated": arm.invited_rated} if arm.invited_n.any() else {}),
    }
