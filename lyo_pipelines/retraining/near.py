"""What is near a launch: causes that fired or are held, suspicions that nobody can tell yet, and first trainings on their way.

Since when stands in the ledger, by when in the figures. Decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.findings import TriggerFinding
from lyo_pipelines.retraining.ledger import DecisionRow, read_decisions
from lyo_pipelines.storage.lake import Lake

GROWTH_DAYS = 28
"""Days that tell how fast examples come."""
_STATES = {"fire": "fires", "hold": "held", "not_enough_evidence": "cannot tell yet"}
_URGENT = tuple(_STATES.values())


@dataclass(frozen=True)
class NearCause:
    """One cause. since: first day of the row of decisions in which it was suspected or fired (None: the ledger does not say yet).
    expected: day on which a first training has its examples at the pace of the last weeks.
    """

    segment: str
    rule: str
    state: str
    says: str
    since: date | None = None
    expected: date | None = None


def near_causes(
    lake: Lake, decisions: Iterable[RetrainingDecision], by_day: pl.DataFrame, *, today: date
) -> list[NearCause]:
    """What is near a launch, most urgent first. by_day: columns segment, day, n, kept (health.read.examples_by_day)."""
    pace = _pace(by_day, today)
    found: list[NearCause] = []
    for decision in decisions:
        near = [finding for finding in decision.findings if _is_near(finding)]
        # the ledger is read only for segments that have something to say
        past = read_decisions(lake, decision.segment) if near else []
        for finding in near:
            found.append(
                NearCause(
                    decision.segment,
                    finding.rule + (f" ({finding.subject})" if finding.subject else ""),
                    "held" if finding.outcome == "fire" and decision.held_by else _STATES[finding.outcome],
                    finding.says + (f". Held: {'; '.join(decision.held_by)}" if decision.held_by else ""),
                    _since(finding, past),
                    _expected(finding, pace.get(decision.segment, 0.0), today),
                )
            )
    return sorted(found, key=lambda one: (_URGENT.index(one.state), one.expected or date.max, one.segment, one.rule))


def _is_near(finding: TriggerFinding) -> bool:
    if finding.outcome == "fire" or finding.suspicious:
        return finding.outcome in _STATES
    return finding.kind == "volume" and finding.outcome == "hold"


def _since(finding: TriggerFinding, past: Sequence[DecisionRow]) -> date | None:
    """Day of the oldest of the newest decisions that, without a gap, found the same."""
    since: date | None = None
    for row in past:
        same = any(
            one.get("rule") == finding.rule
            and one.get("subject", "") == finding.subject
            and (one.get("suspicious") or one.get("outcome") in ("fire", "hold"))
            for one in row["findings"]
        )
        if not same:
            break
        since = row["day"]
    return since


def _pace(by_day: pl.DataFrame, today: date) -> Mapping[str, float]:
    """Segment -> examples a day over the last weeks."""
    recent = by_day.filter(pl.col("day") >= today - timedelta(days=GROWTH_DAYS)).group_by("segment")
    return dict(recent.agg(pl.col("kept").sum() / GROWTH_DAYS).iter_rows())


def _expected(finding: TriggerFinding, pace: float, today: date) -> date | None:
    if finding.rule != "volume.minimum" or finding.outcome != "hold" or pace <= 0:
        return None
    missing = float(finding.figures.get("minimum") or 0) - float(finding.figures.get("examples") or 0)
    days = math.ceil(missing / pace)
    return today + timedelta(days=days) if 0 < days <= 3650 else None
