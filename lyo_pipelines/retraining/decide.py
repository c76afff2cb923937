"""The decision about one segment: pure. It asks every rule, then what forbids a launch now, and says all of it.

Which rules there are stands in rules/; reading signals and history, and launching, belong elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain

from lyo_pipelines.config.retraining import Policy
from lyo_pipelines.retraining.curriculum import Area
from lyo_pipelines.retraining.findings import CONFIDENCE, KINDS, Kind, Outcome, TriggerCase, TriggerFinding
from lyo_pipelines.retraining.history import Launch, TrainingHistory
from lyo_pipelines.retraining.rules import business, performance, quality
from lyo_pipelines.retraining.rules.volume import volume_rule
from lyo_pipelines.retraining.signals import Signals

RATINGS = frozenset({"quality.average_rating", "quality.rating_drop", "quality.negative_feedback"})
"""Rules that see a segment's ratings fall."""
TOPIC_RATINGS = "performance.knowledge_gap"
"""The rule that sees those of a single topic."""
RULES = (volume_rule, *quality.RULES, *performance.RULES, *business.RULES)
_NEEDS_WINDOW = (*quality.RULES, *performance.RULES)
_JUDGED_BY_WINDOW = ("quality", "performance")


@dataclass(frozen=True)
class RetrainingDecision:
    """What is decided about a segment on a day, with everything that led to it.

    outcome: fire, hold or not_enough_evidence. causes: identities of what fired (also while something holds the launch back).
    held_by: why nothing is launched although something fired. cause_hash: names the launch; the same causes give the same hash.
    waiting_since: when the segment was last trained or launched; None: never.
    """

    segment: str
    day: date
    outcome: Outcome
    says: str
    findings: tuple[TriggerFinding, ...]
    causes: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    held_by: tuple[str, ...] = ()
    cause_hash: str = ""
    attempt: int = 1
    waiting_since: date | None = None

    @property
    def fired(self) -> tuple[TriggerFinding, ...]:
        """The findings that fired."""
        return tuple(finding for finding in self.findings if finding.outcome == "fire")


def decide_segment(
    signals: Signals,
    policy: Policy,
    history: TrainingHistory,
    now: datetime,
    *,
    area: Area | None = None,
    year_start: date | None = None,
) -> RetrainingDecision:
    """Decide about one segment. `area` is what the curriculum says of it, `year_start` the first day of its academic year."""
    case = TriggerCase(signals, policy, history, now.date(), area, year_start)
    asked = RULES if signals.rating is not None else [rule for rule in RULES if rule not in _NEEDS_WINDOW]
    found = chain.from_iterable(rule(case) for rule in asked)
    findings = tuple(_dated(_once(_with_confidence(finding, case), case), case) for finding in found)
    if history.failed_in_row:
        return _again(history.launches[0], case, findings)
    fired = sorted((f for f in findings if f.outcome == "fire"), key=lambda f: (KINDS.index(f.kind), f.cause))
    if not fired:
        return _quiet(signals, findings)
    causes = tuple(dict.fromkeys(_identity(finding, history) for finding in fired))
    held = tuple(_held_by(case, fired))
    reasons = "; ".join(f.says for f in fired)
    return RetrainingDecision(
        segment=signals.segment,
        day=signals.day,
        outcome="hold" if held else "fire",
        says=f"{reasons}. Held: {'; '.join(held)}" if held else reasons,
        findings=findings,
        causes=causes,
        kinds=tuple(kind for kind in KINDS if any(f.kind == kind for f in fired)),
        held_by=held,
        cause_hash=sha256("\n".join([signals.segment, *sorted(causes)]).encode()).hexdigest()[:16],
        waiting_since=history.last.date() if history.last else None,
    )


def _again(failed: Launch, case: TriggerCase, findings: tuple[TriggerFinding, ...]) -> RetrainingDecision:
    """A launch whose run failed is launched again for the same causes, whatever the rules say now: what it began (an adapter
    without a report) would otherwise stay half done."""
    held = tuple(_stopped(case))
    attempt, most = case.history.failed_in_row + 1, case.policy.launch.maximum_attempts
    named: tuple[Kind, ...] = tuple(
        kind for kind in KINDS if any(cause.startswith(f"{kind}.") for cause in failed.causes)
    )
    kinds: tuple[Kind, ...] = named or ("volume",)
    causes = ", ".join(_base(cause) for cause in failed.causes) or "causes that its run no longer names"
    says = f"launched for {causes} on {failed.at.date().isoformat()}, and the run failed"
    return RetrainingDecision(
        segment=case.signals.segment,
        day=case.signals.day,
        outcome="hold" if held else "fire",
        says=f"{says}. Held: {'; '.join(held)}" if held else f"{says}: attempt {attempt} of {most}",
        findings=(*findings, TriggerFinding("launch.failed", kinds[0], "fire", says, suspicious=True)),
        causes=failed.causes,
        kinds=kinds,
        held_by=held,
        cause_hash=failed.launch,
        attempt=attempt,
    )


def _quiet(signals: Signals, findings: tuple[TriggerFinding, ...]) -> RetrainingDecision:
    """Nothing fired: say the most telling thing."""
    held = [f for f in findings if f.outcome == "hold" and f.suspicious]
    unknown = [f for f in findings if f.outcome == "not_enough_evidence" and f.suspicious]
    measured = any(f.outcome == "clear" for f in findings)
    # what was looked into and explained (a change of mix, a cause launched lately) weighs more than what nobody can tell
    outcome: Outcome = "hold" if held or (measured and not unknown) else "not_enough_evidence"
    telling = held + unknown or [f for f in findings if f.outcome == "hold"]
    says = "; ".join(f.says for f in telling) or "nothing to train for"
    if _holidays_since(signals):
        says = f"{says}; nothing is judged since {signals.judged[0][1].isoformat()}: holidays"
    return RetrainingDecision(signals.segment, signals.day, outcome, says, findings)


def _once(finding: TriggerFinding, case: TriggerCase) -> TriggerFinding:
    """A cause that launched this segment lately does not fire again: it holds, and says since when and until when."""
    if finding.outcome != "fire":
        return finding
    days = timedelta(days=case.policy.launch.same_cause_days)
    for launch in case.history.launches:
        if launch.status != "failed" and any(covers(_base(cause), finding) for cause in launch.causes):
            again = launch.at.date() + days
            if case.today < again:
                says = f"{finding.says} (launched for this on {launch.at.date().isoformat()}, again from {again.isoformat()})"
                return replace(finding, outcome="hold", says=says, suspicious=True)
    return finding


def _with_confidence(finding: TriggerFinding, case: TriggerCase) -> TriggerFinding:
    """Say among the figures how sure the interval is."""
    if finding.figures.get("low") is None and finding.figures.get("high") is None:
        return finding
    return replace(finding, figures={**finding.figures, CONFIDENCE: round(1 - 2 * case.alpha, 6)})


def _dated(finding: TriggerFinding, case: TriggerCase) -> TriggerFinding:
    """Say which days are judged where these are not the last ones: in holidays the newest school days may be weeks old."""
    says_something = finding.outcome not in ("clear", "not_measured")
    if (
        not says_something
        or finding.rule.partition(".")[0] not in _JUDGED_BY_WINDOW
        or not _holidays_since(case.signals)
    ):
        return finding
    first, last = case.signals.judged[0]
    says = f"{finding.says} (school days from {first.isoformat()} to {last.isoformat()} are judged: holidays since)"
    return replace(finding, says=says)


def _holidays_since(signals: Signals) -> bool:
    """Whether no school day has passed since the last one that is judged."""
    return bool(signals.judged) and signals.day - signals.judged[0][1] > timedelta(days=1)


def covers(launched: str, finding: TriggerFinding) -> bool:
    """Whether a launch for one cause was a launch for this finding, too: the same cause, or the same fall of ratings seen by another
    rule (one slump shows in the mean, against the baseline, in negative feedback and topic by topic)."""
    return launched == finding.cause or (
        launched in RATINGS and (finding.cause in RATINGS or finding.rule == TOPIC_RATINGS)
    )


def _identity(finding: TriggerFinding, history: TrainingHistory) -> str:
    """The cause and how many launches it had before, so that it can be launched again when its time has come."""
    before = sum(
        launch.status != "failed" and any(_base(cause) == finding.cause for cause in launch.causes)
        for launch in history.launches
    )
    return f"{finding.cause}#{before + 1}"


def _base(identity: str) -> str:
    return identity.rpartition("#")[0]


def _held_by(case: TriggerCase, fired: Sequence[TriggerFinding]) -> Iterable[str]:
    """Why a segment with causes is not launched now."""
    history, launch = case.history, case.policy.launch
    yield from _stopped(case)
    expired = sum(count for _, count in history.training.expired_before(case.today)) if history.training else 0
    left = max(0, case.signals.examples - expired)
    if left < launch.minimum_examples:
        yield f"{left:,} of {launch.minimum_examples:,} curated examples that any training needs" + (
            f" ({expired:,} expired)" if expired else ""
        )
    elif any(finding.rule == business.ERASURE for finding in fired):
        return
    elif history.training is not None and not any(finding.rule == business.EXPIRY for finding in fired):
        new = history.new_examples(case.signals.examples)
        if new is not None and new < launch.minimum_new_examples:
            yield f"nothing new to learn from: {new:,} of {launch.minimum_new_examples:,} new examples since the last dataset"
    last = history.last
    if last is not None:
        first = min(last.date() + timedelta(days=_cooldown(finding.kind, case.policy)) for finding in fired)
        if case.today < first:
            yield f"cooldown: last trained or launched on {last.date().isoformat()}, not before {first.isoformat()}"


def _stopped(case: TriggerCase) -> Iterable[str]:
    """Why nothing at all is launched, not even another attempt."""
    if case.history.running:
        yield "a training of this segment is in flight"
    if case.history.failed_in_row >= case.policy.launch.maximum_attempts:
        yield f"{case.history.failed_in_row} launches failed in a row: mend it, then `lyo train {case.signals.segment}`"


def _cooldown(kind: Kind, policy: Policy) -> int:
    """Days after a training within which this kind of cause does not launch: quality and business may be quicker."""
    quick = {"quality": policy.quality.cooldown_days, "business": policy.business.cooldown_days}
    return quick.get(kind, policy.volume.earliest_days)


def within_budget(
    decisions: Iterable[RetrainingDecision], history: Iterable[datetime], now: datetime, budget: int
) -> list[RetrainingDecision]:
    """Let only as many fire as the weekly budget still has room for; the others hold and say so.

    First trainings come first, then who has waited longest, with a head start for urgent kinds of causes: a segment that waits moves
    up until it is trained, so nobody starves. history: when launches of all segments were made. A retry of a failed launch takes no
    new room, and an erasure needs none.
    """
    used = sum(now - timedelta(days=7) < at for at in history)  # one from a clock that is ahead was launched, too
    order = list(decisions)
    asks = (d for d in order if d.outcome == "fire" and d.attempt == 1 and not any(map(is_erasure, d.causes)))
    waiting = sorted(asks, key=lambda d: _turn(d, now.date()))
    late = {decision.segment for decision in waiting[max(0, budget - used) :]}
    why = f"the weekly budget of {budget} launches is used ({used} in the last seven days)"
    return [
        replace(d, outcome="hold", held_by=(*d.held_by, why), says=f"{d.says}. Held: {why}") if d.segment in late else d
        for d in order
    ]


def is_erasure(cause: str) -> bool:
    """Whether a cause is that somebody was erased: what must go waits for nothing."""
    return cause.startswith(business.ERASURE)


HEAD_START: dict[Kind, int] = {"quality": 56, "performance": 28, "business": 28, "volume": 0}
"""So many days of waiting a cause is worth: a quality cause goes before a refresh of segments that waited eight weeks longer."""


def _turn(decision: RetrainingDecision, today: date) -> tuple[bool, int, int, int, str]:
    kind, since = decision.kinds[0], decision.waiting_since
    waited = 0 if since is None else (today - since).days + HEAD_START[kind]
    return since is not None, -waited, KINDS.index(kind), -len(decision.causes), decision.segment
