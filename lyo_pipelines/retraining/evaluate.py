"""One evaluation of a trigger: assess every segment, write down what is news, claim what fires. Launching belongs to defs/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.retraining.assess import Assessment, assess_segments
from lyo_pipelines.retraining.claims import Claim, make_claim
from lyo_pipelines.retraining.curriculum import Curriculum
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.findings import Kind
from lyo_pipelines.retraining.history import Launch
from lyo_pipelines.retraining.ledger import record_decisions
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class Evaluation:
    """What one trigger found. news: decisions that differ from the last ones; claims: the launches that are now this trigger's.

    settled: nothing is due and no claim waits for its run, so that the same inputs need no other look.
    """

    assessment: Assessment
    news: tuple[RetrainingDecision, ...]
    claims: tuple[Claim, ...]
    settled: bool

    @property
    def summary(self) -> str:
        """How many segments have which outcome."""
        counted = ", ".join(f"{n} {outcome.replace('_', ' ')}" for outcome, n in self.assessment.outcomes.most_common())
        return f"{len(self.assessment.decisions)} segments: {counted}"


def evaluate(
    lake: Lake,
    config: RetrainingConfig,
    curriculum: Curriculum,
    runs: Sequence[Launch],
    *,
    kind: Kind,
    by: str,
    now: datetime,
    costs: CostsConfig | None = None,
) -> Evaluation:
    """Evaluate the trigger of one kind as sensor `by`; raises what `assess_segments` raises. costs: as there."""
    assessment = assess_segments(lake, config, curriculum, runs, now, by=by, costs=costs)
    decisions = list(assessment.decisions.values())
    examples = {segment: signals.examples for segment, signals in assessment.signals.items()}
    news = record_decisions(lake, decisions, examples, policy=assessment.policy, now=now)
    due = [decision for decision in decisions if decision.outcome == "fire" and kind in decision.kinds]
    launch = config.launch
    claims = [
        make_claim(lake, decision, by=by, now=now, budget=launch.weekly_budget, seconds=launch.claim_seconds)
        for decision in due
    ]
    made = tuple(claim for claim in claims if claim is not None)
    return Evaluation(assessment, tuple(news), made, settled=not assessment.pending and not due)
