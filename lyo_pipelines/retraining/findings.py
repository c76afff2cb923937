"""What one rule says of one segment. The words for people stand here with the figures, so that a decision explains itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from lyo_pipelines.config.retraining import Policy
from lyo_pipelines.retraining.curriculum import Area
from lyo_pipelines.retraining.history import TrainingHistory

if TYPE_CHECKING:  # it brings scipy, which whoever only names a kind needs not
    from lyo_pipelines.retraining.signals import Signals

Kind = Literal["quality", "performance", "business", "volume"]
Outcome = Literal["fire", "hold", "not_enough_evidence", "clear", "not_measured"]
KINDS: tuple[Kind, ...] = ("quality", "performance", "business", "volume")
"""Most urgent first."""

Measurement = float | int | str | None

CONFIDENCE = "confidence"
"""Among a finding's figures: that of its interval [low, high], for all topics together where a rule looks at several."""


@dataclass(frozen=True)
class TriggerFinding:
    """What a rule found. `subject` names the topic or curriculum item it is about; `suspicious`: the estimate lies beyond the
    threshold, whether or not that is shown."""

    rule: str
    kind: Kind
    outcome: Outcome
    says: str
    figures: Mapping[str, Measurement] = field(default_factory=dict)
    subject: str = ""
    suspicious: bool = False

    @property
    def cause(self) -> str:
        """What it would launch for, stable from tick to tick: figures change daily, a cause does not."""
        return f"{self.rule}:{self.subject}" if self.subject else self.rule


@dataclass(frozen=True)
class TriggerCase:
    """One segment on one day, as every rule gets it."""

    signals: Signals
    policy: Policy
    history: TrainingHistory
    today: date
    area: Area | None = None
    year_start: date | None = None

    @property
    def alpha(self) -> float:
        """Error probability of one bound of one statistical test."""
        return self.policy.evidence.alpha


Findings = Iterator[TriggerFinding]


def number(value: float, digits: int = 2) -> str:
    """A figure for a sentence."""
    return "unknown" if math.isnan(value) else f"{value:,.{digits}f}"


def percent(share: float) -> str:
    """A share for a sentence."""
    return "unknown" if math.isnan(share) else f"{100 * share:.0f} %"


def without(left_out: float) -> str:
    """Words for users who wrote too much and are left out; empty where there are none."""
    return f", without users who wrote {percent(left_out)} of them" if left_out > 0 else ""


def measurements(**values: float | int | str | None) -> dict[str, Measurement]:
    """Figures for the ledger: rounded, nan and infinities as None (they are no JSON)."""
    for name, value in values.items():
        if isinstance(value, float):
            values[name] = round(value, 5) if math.isfinite(value) else None
    return values
