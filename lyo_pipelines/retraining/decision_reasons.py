"""In one word why a decision came out as it did, so that days, histories and plots can be put together. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lyo_pipelines.retraining.decide import RetrainingDecision

REASONS = {
    "fire": "launched",
    "running": "a training is in flight",
    "failed": "launches failed in a row",
    "few examples": "a cause, but too few examples for any training",
    "nothing new": "a cause, but nothing new to learn from",
    "cooldown": "a cause within the cooldown",
    "budget": "a cause beyond the weekly budget",
    "not worth": "a cause, but earlier gains say that it is not worth it",
    "held": "a cause that is held",
    "mix": "a fall that a change of mix explains",
    "same cause": "launched for this cause lately",
    "cannot tell": "something looks worse, not enough evidence",
    "not measured": "too little measured to say anything",
    "below minimum": "nothing wrong, too few examples to train",
    "not due": "nothing wrong, refresh not due",
    "quiet": "nothing to train for",
}
"""Every reason with its words, most telling first."""

LIMITS = frozenset(
    {"running", "failed", "few examples", "nothing new", "cooldown", "budget", "not worth", "held", "same cause"}
)
"""Reasons that hold a segment back although something is wrong with it."""

# how the sentences of decide.py begin or what they contain
_HELD_BY = {
    "in flight": "running",
    "failed in a row": "failed",
    "that any training needs": "few examples",
    "nothing new to learn from": "nothing new",
    "cooldown:": "cooldown",
    "weekly budget": "budget",
    "not worth it:": "not worth",
}
_LAUNCHED_FOR_THIS = "(launched for this on "
_VOLUME = {"volume.minimum": "below minimum", "volume.refresh": "not due"}


@dataclass(frozen=True)
class DecisionSpan:
    """Consecutive days with the same outcome and reason; `says` is what the newest day said."""

    first: date
    last: date
    outcome: str
    reason: str
    says: str

    @property
    def days(self) -> int:
        """How many days it holds."""
        return (self.last - self.first).days + 1


def reason_of(decision: RetrainingDecision) -> str:
    """The reason of a decision: a key of REASONS."""
    found = [(f.rule, f.outcome, f.suspicious, f.says) for f in decision.findings]
    return _reason(decision.outcome, decision.held_by, found)


def reason_of_row(row: Mapping[str, Any]) -> str:
    """The same of a row of the ledger (`findings` parsed)."""
    found = [(f["rule"], f["outcome"], bool(f.get("suspicious")), f.get("says", "")) for f in row["findings"]]
    return _reason(row["outcome"], row["held_by"], found)


def decision_spans(days: Iterable[tuple[date, str, str, str]]) -> list[DecisionSpan]:
    """Put (day, outcome, reason, says), oldest first, together; a day without a decision ends a span."""
    found: list[DecisionSpan] = []
    for day, outcome, reason, says in days:
        last = found[-1] if found else None
        if last and (last.outcome, last.reason) == (outcome, reason) and day - last.last <= timedelta(days=1):
            found[-1] = DecisionSpan(last.first, day, outcome, reason, says)
        else:
            found.append(DecisionSpan(day, day, outcome, reason, says))
    return found


def _reason(outcome: str, held_by: Iterable[str], findings: list[tuple[str, str, bool, str]]) -> str:
    if outcome == "fire":
        return "fire"
    for why in held_by:
        return next((reason for part, reason in _HELD_BY.items() if part in why), "held")
    held = [says for _, concluded, suspicious, says in findings if concluded == "hold" and suspicious]
    if held:
        return "same cause" if _LAUNCHED_FOR_THIS in held[0] else "mix"
    if outcome == "not_enough_evidence":
        unknown = any(concluded == outcome and suspicious for _, concluded, suspicious, _ in findings)
        return "cannot tell" if unknown else "not measured"
    volume = (_VOLUME[rule] for rule, concluded, _, _ in findings if rule in _VOLUME and concluded == "hold")
    return next(volume, "quiet")
