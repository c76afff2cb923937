"""What a step up needs (G5), one function each: ratings shown not to be worse, exposure, sound assignment, time served.

Each holds the release where it is until it is met; what sends it back stands in guardrails.py.
"""

from __future__ import annotations

import math

from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.findings import ReleaseFinding, number, percent, rounded_measurements
from lyo_pipelines.statistics.noninferiority import noninferiority_answer
from lyo_pipelines.statistics.power import days_until_decided
from lyo_pipelines.statistics.sample_ratio import sample_ratio_p_value


def not_worse(case: ReleaseCase) -> ReleaseFinding:
    """Ratings shown not to be worse by more than the margin: no evidence is no reason to go on."""
    found, margin, confidence = case.rating, case.config.up.margin, case.stage.confidence
    bounds = case.rating_bounds(confidence)
    told = rounded_measurements(
        difference=found.estimate, low=bounds.low, margin=margin, confidence=confidence, rated=int(found.ratio.n),
        rated_current=int(found.base.n), users=found.ratio.groups, users_current=found.base.groups,
    )  # fmt: skip
    says = f"rating {number(found.estimate)}, at least {number(bounds.low)} over all looks"
    if noninferiority_answer(bounds.low, bounds.high, margin) == "not_worse":
        return ReleaseFinding("up.not_worse", "clear", f"{says}: not worse by more than {margin}", told)
    return ReleaseFinding(
        "up.not_worse", "hold", f"{says}: that it is not worse by more than {margin} is not shown", told
    )


def exposure(case: ReleaseCase) -> ReleaseFinding:
    """Enough users, answers and rated answers at this stage."""
    ours, needed = case.seen.candidate, case.config.up
    have = {
        "users": (ours.users, needed.users),
        "rated answers": (ours.rated, needed.rated),
        "answers": (ours.answers, needed.answers),
    }
    told = rounded_measurements(
        users=ours.users, rated=ours.rated, answers=ours.answers,
        users_needed=needed.users, rated_needed=needed.rated, answers_needed=needed.answers,
    )  # fmt: skip
    short = [f"{there:,} of {least:,} {what}" for what, (there, least) in have.items() if there < least]
    if short:
        return ReleaseFinding("up.exposure", "hold", f"too little exposure: {', '.join(short)}", told)
    return ReleaseFinding(
        "up.exposure", "clear", f"{ours.users:,} users, {ours.rated:,} rated of {ours.answers:,} answers", told
    )


def sample_ratio(case: ReleaseCase) -> ReleaseFinding:
    """As many users in each arm as were sent there; otherwise something loses users, and the comparison means nothing."""
    ours, base, share = case.seen.candidate.users, case.seen.current.users, case.seen.share
    alpha = case.config.up.sample_ratio_alpha
    p_value = sample_ratio_p_value([ours, base], [share, 1 - share]) if 0 < share < 1 else 1.0
    told = rounded_measurements(users=ours, users_current=base, share=share, p_value=p_value, alpha=alpha)
    seen = ours / (ours + base) if ours + base else math.nan
    says = f"{percent(seen)} of {ours + base:,} users got the candidate, {percent(share)} were sent there"
    if p_value < alpha:
        return ReleaseFinding(
            "up.sample_ratio", "hold", f"{says}: users are lost or counted twice in one arm; mend it first", told
        )
    return ReleaseFinding("up.sample_ratio", "clear", says, told)


def time_served(case: ReleaseCase) -> ReleaseFinding:
    """The owner's days at this stage."""
    days, needed = case.seen.stage_days, case.stage.days
    told = rounded_measurements(days=days, days_needed=needed, stage=case.seen.stage, share=case.seen.share)
    met = days >= needed - 1e-9
    return ReleaseFinding(
        "up.time_served", "clear" if met else "hold", f"{days:.1f} of {needed:g} days at this stage", told
    )


def until_known(case: ReleaseCase) -> float | None:
    """Days until time, exposure and ratings allow an answer, at the present rate; None where that is not in sight."""
    seen, config = case.seen, case.config
    days = seen.stage_days
    rating = days_until_decided(
        case.rating.estimate, case.rating.standard_error, days, config.up.margin, confidence=case.stage.confidence,
        confidence_worse=config.up.confidence_worse, planned_error=config.planned_errors.rating,
    )  # fmt: skip
    ours, needed = seen.candidate, config.up
    counted = ((ours.users, needed.users), (ours.rated, needed.rated), (ours.answers, needed.answers))
    if rating is None or any(there == 0 for there, _ in counted):
        return None
    exposed = max((days * (least / there - 1) for there, least in counted), default=0.0)
    return round(max(0.0, case.stage.days - days, exposed, rating), 2)


REQUIREMENTS = (not_worse, exposure, sample_ratio, time_served)
"""Everything that a step up needs beside guardrails that are not near."""
