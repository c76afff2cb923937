"""The decision about a release: pure. It asks every guardrail and every requirement, and says all of it.

Order: a guardrail that fires sends back; the last stage is done; a step up needs every finding clear; everything else holds.
"""

from __future__ import annotations

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.findings import ReleaseDecision, ReleaseFinding
from lyo_pipelines.rollout.guardrails import GUARDRAILS, business_guardrails
from lyo_pipelines.rollout.observations import Observation
from lyo_pipelines.rollout.requirements import REQUIREMENTS, until_known
from lyo_pipelines.statistics.noninferiority import Answer

_TIME_HELPS = frozenset({"up.not_worse", "up.exposure", "up.time_served", "brake.rating_drop"})
"""What is expected to be answered by more days of the same."""
_NEEDS_A_PERSON = frozenset({"up.sample_ratio", "up.attribution", "up.success_metrics"})


def decide_release(observation: Observation, config: RolloutConfig) -> ReleaseDecision:
    """Decide about one release now."""
    case = ReleaseCase(observation, config)
    brakes = (*(brake(case) for brake in GUARDRAILS), *business_guardrails(case))
    fired = [finding for finding in brakes if finding.outcome == "fire"]
    if fired:
        return ReleaseDecision("fall_back", _said(fired), brakes, rating=_rating(case), superior=False)
    if observation.stage == len(config.stages):
        return ReleaseDecision(
            "done", "everybody is served by it", brakes, rating=_rating(case), superior=_superior(case)
        )
    reasons = (*brakes, *(requirement(case) for requirement in REQUIREMENTS))
    held = [finding for finding in reasons if finding.outcome == "hold"]
    if not held:
        after = config.stage(observation.stage + 1).share
        says = f"up to {after:.0%} of users: {_said([f for f in reasons if f.rule.startswith('up.')])}"
        return ReleaseDecision("up", says, reasons, rating=_rating(case), superior=_superior(case))
    days = until_known(case) if all(finding.rule in _TIME_HELPS for finding in held) else None
    says = f"{_said(held)}. {_until(days, held)}"
    return ReleaseDecision("hold", says, reasons, days, rating=_rating(case), superior=_superior(case))


def _rating(case: ReleaseCase) -> Answer:
    """What is shown about ratings at the confidence of the stage."""
    if not _exposed(case):
        return "undecided"
    if case.rating_bounds(case.stage.confidence).low > -case.config.up.margin:
        return "not_worse"
    worse = case.rating_bounds(case.config.up.confidence_worse).high < -case.config.up.margin
    return "worse" if worse else "undecided"


def _superior(case: ReleaseCase) -> bool:
    """Whether ratings are shown to be better. Every stage begins to count anew, so the stages share the error probability."""
    stages = case.config.stages
    confidence = 1 - (1 - stages[-1].confidence) / (len(stages) - 1)
    return _exposed(case) and case.rating_bounds(confidence).low > 0


def _exposed(case: ReleaseCase) -> bool:
    """Whether there are ratings and users enough for a claim: an interval of a handful is no interval."""
    return case.seen.candidate.rated >= case.config.up.rated and case.rating.ratio.groups >= case.config.up.users


def _said(findings: list[ReleaseFinding]) -> str:
    return "; ".join(finding.says for finding in findings)


def _until(days: float | None, held: list[ReleaseFinding]) -> str:
    if any(finding.rule in _NEEDS_A_PERSON for finding in held):
        return "More days of the same will not change that"
    if days is None:
        return "When it will be known is not in sight at the present rate"
    return f"Expected to be known in {days:.1f} days at the present rate"
