"""What one rule says of a release, and what is decided. The words for people stand beside the figures; no rule belongs here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from lyo_pipelines.statistics.noninferiority import Answer

Action = Literal["up", "hold", "fall_back", "done"]
Outcome = Literal["fire", "clear", "hold", "unknown"]
"""fire: fall back for this. clear: nothing against a step up. hold: no step up for this. unknown: too little evidence to say."""
Measurement = float | int | str | None


@dataclass(frozen=True)
class ReleaseFinding:
    """What a rule found, with the figures it rests on (always the threshold and what was counted)."""

    rule: str
    outcome: Outcome
    says: str
    figures: Mapping[str, Measurement] = field(default_factory=dict)


@dataclass(frozen=True)
class ReleaseDecision:
    """What to do with a release now. rating: what is shown about ratings; superior: shown better, which no step needs.

    until_known_days: when a release that holds is expected to be able to move, at the present rate; None where it is not in sight.
    """

    action: Action
    says: str
    reasons: tuple[ReleaseFinding, ...]
    until_known_days: float | None = None
    rating: Answer = "undecided"
    superior: bool = False


def rounded_measurements(**values: Measurement) -> dict[str, Measurement]:
    """Figures for the ledger: nan and infinities are no JSON and become None."""
    return {
        name: (round(value, 5) if math.isfinite(value) else None) if isinstance(value, float) else value
        for name, value in values.items()
    }


def told_time(at: datetime) -> str:
    """A moment for a sentence or a table, with its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def number(value: float, digits: int = 2) -> str:
    """A signed figure for a sentence."""
    return f"{value:+.{digits}f}" if math.isfinite(value) else "unknown"


def percent(share: float) -> str:
    """A share for a sentence."""
    return f"{100 * share:.1f} %" if math.isfinite(share) else "unknown"
