"""Which ratings a rule about ratings goes by where some were invited at random, and how a finding says so. Thresholds: see rules/."""

from __future__ import annotations

import math
from dataclasses import replace

from lyo_pipelines.config.retraining import EvidenceConfig
from lyo_pipelines.retraining.findings import TriggerCase, TriggerFinding, measurements
from lyo_pipelines.retraining.signals import Change, InvitedRatings, Level
from lyo_pipelines.statistics.deciding_mean import ALL_RATINGS, Choice, choose_mean

AGREEMENT = 0.05
"""Where all ratings decide because few were invited, these must show what fires at this level: so nothing that only changes who rates
fires more often, however it hides from the comparison of both."""
_NO_BASELINE = "ratings given unasked decide: other shares of the two windows were invited to rate"


def deciding_level(case: TriggerCase) -> tuple[Level, Change, Choice]:
    """The mean rating of the short window that decides, with the change that belongs to it."""
    plain, invited = case.signals.rating_level, case.signals.invited[0]
    assert plain is not None and case.signals.rating is not None
    change = case.signals.rating[0]
    if invited is None:
        return plain, change, ALL_RATINGS
    needed = case.policy.evidence.minimum_rated
    choice = choose_mean(
        invited=invited.level.n, needed=needed, can_correct=math.isfinite(invited.level.value),
        is_enough=invited.level.n >= needed, gap=invited.gap,
    )  # fmt: skip
    if choice.by == "plain":
        return plain, change, choice
    return invited.level, invited.change if math.isfinite(invited.change.within) else change, choice


def deciding_change(case: TriggerCase, window: int) -> tuple[Change, Choice]:
    """The change of the mean rating that decides; window: 0 is the short one, 1 the long one."""
    assert case.signals.rating is not None
    plain, invited = case.signals.rating[window], case.signals.invited[window]
    if invited is None:
        return plain, ALL_RATINGS
    # what misleads in one window misleads in the other: they share days and the baseline
    windows = [one for one in (invited, *case.signals.invited) if one is not None]
    shown = next(
        (one for one in windows if one.volunteering_gap.beyond_chance or one.change_gap.beyond_chance), invited
    )
    choice = _of_change(invited, shown, case.policy.evidence)
    return (invited.change if choice.by == "corrected" else plain), choice


def agreed(
    finding: TriggerFinding, case: TriggerCase, window: int, choice: Choice, threshold: float | None = None
) -> TriggerFinding:
    """The finding; where it fires on all ratings, the invited ones, few as they are, must point the same way (see AGREEMENT).

    threshold: what the mean has to lie below; None: it is the change that has to lie below zero.
    """
    invited = case.signals.invited[window]
    if invited is None or choice.by == "corrected" or finding.outcome != "fire":
        return finding
    known: Change | Level = invited.change if threshold is None else invited.level
    high = known.interval(AGREEMENT)[1]
    if math.isnan(high) or high < (threshold or 0.0):
        return finding
    return replace(finding, outcome="not_enough_evidence", says=f"{finding.says}; invited ratings do not show it")


def _of_change(invited: InvitedRatings, shown: InvitedRatings, evidence: EvidenceConfig) -> Choice:
    change = invited.change
    needed, needed_base = evidence.minimum_rated, evidence.minimum_baseline_rated
    can_correct = math.isfinite(change.within)
    if invited.unasked and not can_correct:
        return Choice("plain", _NO_BASELINE)
    short = change.n < needed or change.n_base >= needed_base
    return choose_mean(
        invited=change.n if short else change.n_base, needed=needed if short else needed_base, can_correct=can_correct,
        is_enough=change.n >= needed and change.n_base >= needed_base, gap=shown.change_gap,
        volunteering=shown.volunteering, volunteering_gap=shown.volunteering_gap,
    )  # fmt: skip


def with_choice(finding: TriggerFinding, case: TriggerCase, window: int, choice: Choice) -> TriggerFinding:
    """The finding with what decided and why, and the means beside it; as it is where the log knows of no invitation."""
    invited, plain = case.signals.invited[window], (case.signals.rating or (None, None))[window]
    if invited is None or plain is None:
        return finding
    told = measurements(
        decides=choice.by, plain=plain.value, corrected=invited.level.value, lowest=invited.lowest, highest=invited.highest,
        invited=invited.change.n, invited_base=invited.change.n_base, response=invited.response,
        volunteering=invited.volunteering[0], volunteering_base=invited.volunteering[1],
    )  # fmt: skip
    return replace(finding, says=finding.says + choice.aside, figures={**finding.figures, **told})
