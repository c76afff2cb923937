"""What a step up needs (G5), one function each: ratings shown not to be worse, exposure, sound assignment, time served, answers
that are recent.

Each holds the release where it is until it is met; what sends it back stands in guardrails.py.
"""

from __future__ import annotations

import math

from lyo_pipelines.rollout.error_rates import Failures
from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.experiment import ExperimentMetric, evaluate_experiment
from lyo_pipelines.rollout.findings import ReleaseFinding, number, percent, rounded_measurements
from lyo_pipelines.rollout.observations import Arm
from lyo_pipelines.statistics.noninferiority import noninferiority_answer
from lyo_pipelines.statistics.power import days_until_decided
from lyo_pipelines.statistics.sample_ratio import sample_ratio_p_value

WIDEST = 4.0
"""Ratings lie between 1 and 5: a bound beyond this says nothing."""
USUAL_SPREAD = 2.0
"""Standard errors by which failures that nobody can be told of may exceed what was usual."""


def not_worse(case: ReleaseCase) -> ReleaseFinding:
    """Ratings shown not to be worse by more than the margin: no evidence is no reason to go on."""
    found, margin, confidence = case.rating, case.config.up.margin, case.stage.confidence
    bounds = case.rating_bounds(confidence)
    told = rounded_measurements(
        difference=found.estimate, low=bounds.low, margin=margin, confidence=confidence, rated=int(found.ratio.n),
        rated_current=int(found.base.n), users=found.ratio.groups, users_current=found.base.groups,
        **case.ratings.evidence(),
    )  # fmt: skip
    aside = case.ratings.choice.aside
    least = (
        f"at least {number(bounds.low)} over all looks" if bounds.low > -WIDEST else "how far below is not known yet"
    )
    says = f"rating {number(found.estimate)}, {least}"
    if noninferiority_answer(bounds.low, bounds.high, margin) == "not_worse":
        return ReleaseFinding("up.not_worse", "clear", f"{says}: not worse by more than {margin}{aside}", told)
    return ReleaseFinding(
        "up.not_worse", "hold", f"{says}: that it is not worse by more than {margin} is not shown{aside}", told
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


def recent(case: ReleaseCase) -> ReleaseFinding:
    """Answers that are not days old: while none arrive, nobody knows what users meet, and days that pass prove nothing."""
    silent, last = case.seen.silent_days, case.seen.last_day
    told = rounded_measurements(silent_days=silent, limit=case.config.up.silent_days)
    if last is not None and silent >= case.config.up.silent_days:
        says = (
            f"no answer of this release has arrived for {silent} days, the newest is of {last.isoformat()}: look at the gateway's "
            "journal and at landing"
        )
        return ReleaseFinding("up.recent", "hold", says, told)
    return ReleaseFinding("up.recent", "clear", "answers are recent", told)


def success_metrics(case: ReleaseCase) -> ReleaseFinding:
    """None of the success metrics of an A/B test (G2) shown to be worse; ratings have a rule of their own."""
    tested = evaluate_experiment(case.seen, case.config).metrics
    metrics = {one.name: one for one in tested if one.name != "rating" and one.use == "success"}
    told = rounded_measurements(
        **{name: one.value for name, one in metrics.items()},
        **{f"{name}_current": one.value_current for name, one in metrics.items()},
        alpha=case.config.experiment.alpha, slower=case.config.up.slower,
    )  # fmt: skip
    worse = [_said(one) for one in metrics.values() if _is_worse(one, case)]
    if worse:
        return ReleaseFinding("up.success_metrics", "hold", f"shown to be worse: {', '.join(worse)}", told)
    return ReleaseFinding("up.success_metrics", "clear", "no success metric is shown to be worse", told)


def _is_worse(metric: ExperimentMetric, case: ReleaseCase) -> bool:
    if metric.name == "response_time":
        return metric.low > case.config.up.slower
    return metric.verdict == "worse"


def _said(metric: ExperimentMetric) -> str:
    if metric.name == "response_time":
        return f"response time {metric.estimate:.2f} times the current adapter's"
    name = metric.name.replace("_", " ")
    if metric.name == "tokens_per_answer":
        return f"{name} {metric.estimate:.2f} times the current adapter's"
    if metric.name == "session_minutes":
        return f"{name} {metric.value:.1f} against {metric.value_current:.1f}"
    return f"{name} in {percent(metric.value)} of {_counted(metric)} against {percent(metric.value_current)}"


def _counted(metric: ExperimentMetric) -> str:
    return "users" if metric.name == "return_rate" else "answers"


def attribution(case: ReleaseCase) -> ReleaseFinding:
    """Rows say whose they are, or what they do not say could not hide failures of the candidate."""
    seen, limit = case.seen.attribution, case.config.up.unattributed
    ours, answers = case.seen.candidate, max(case.seen.candidate.answers, 1)
    usual = seen.rows * seen.orphans_before / seen.rows_before if seen.rows_before else 0.0
    beyond = (
        max(0.0, seen.orphans - usual) + USUAL_SPREAD * math.sqrt(min(seen.orphans, usual)) if seen.orphans else 0.0
    )
    failures = case.errors[-1].ours.without_worst(known=True)
    worst = (failures.count + beyond) / max(failures.n + beyond, 1)
    elsewhere, elsewhere_current = _elsewhere(ours), _elsewhere(case.seen.current)
    told = rounded_measurements(
        limit=limit, armless=seen.armless, versionless=seen.versionless, mismatched=seen.mismatched,
        fallbacks=seen.fallbacks, orphans=seen.orphans,
        orphans_usual=usual, errors_at_worst=worst, elsewhere=elsewhere, elsewhere_current=elsewhere_current,
        other_arms=sum(rows for _, rows in seen.names), answers=ours.answers,
    )  # fmt: skip
    names = ", ".join(f"{name!r} {rows:,} times" for name, rows in seen.names)
    named = f" (unknown names of arms: {names})" if names else ""
    wrong: list[str] = []
    if seen.armless > limit * answers:
        wrong.append(f"{seen.armless:,} answers of the candidate's version carry no known arm{named}")
    elif named and sum(rows for _, rows in seen.names) > limit * answers:
        wrong.append(f"rows carry no known arm{named}")
    if seen.versionless > limit * answers:
        wrong.append(f"{seen.versionless:,} answers in the candidate's arm name no adapter")
    if seen.fallbacks > limit * answers:
        wrong.append(
            f"{seen.fallbacks:,} answers in the candidate's arm came from another adapter, so a machine may not load it"
        )
    if (stale := seen.mismatched - seen.fallbacks) > limit * answers:
        wrong.append(
            f"{stale:,} answers of the candidate's version came in the other arm, so a gateway's file may be out of date"
        )
    if not elsewhere - elsewhere_current <= limit:
        wrong.append(
            f"{percent(elsewhere)} of the answers to the candidate's users came in no arm and not from it (others: "
            f"{percent(elsewhere_current)}), so a machine may not load it"
        )
    if beyond and worst > case.near_error_share:
        wrong.append(
            f"{seen.orphans:,} failures name neither arm nor adapter; were they the candidate's, {percent(worst)} of its "
            "answers would fail"
        )
    if wrong:
        return ReleaseFinding("up.attribution", "hold", f"{'; '.join(wrong)} (mend this first)", told)
    return ReleaseFinding("up.attribution", "clear", "rows say whose they are", told)


def _elsewhere(arm: Arm) -> float:
    """Share of the answers to an arm's users that came in no arm, without the one user with most of them."""
    if not len(arm.elsewhere_n):
        return 0.0
    share = Failures(arm.elsewhere_n, arm.answers_n + arm.elsewhere_n, arm.nobody).without_worst().share
    return 0.0 if math.isnan(share) else share


def until_known(case: ReleaseCase) -> float | None:
    """Days until time, exposure and ratings allow an answer, at the present rate; None where that is not in sight."""
    seen, config = case.seen, case.config
    days = seen.stage_days
    rating = days_until_decided(
        case.rating.estimate, case.rating.standard_error, days, config.up.margin, confidence=case.stage.confidence,
        confidence_worse=config.up.confidence_worse, planned_error=config.planned_errors.rating,
        degrees_of_freedom=case.rating.degrees_of_freedom,
    )  # fmt: skip
    ours, needed = seen.candidate, config.up
    counted = ((ours.users, needed.users), (ours.rated, needed.rated), (ours.answers, needed.answers))
    if case.rating.degrees_of_freedom + 1 < case.watch.users:
        return None  # a few users wrote nearly everything: more days of them tell nothing of the others
    if rating is None or any(there == 0 for there, _ in counted):
        return None
    exposed = max((days * (least / there - 1) for there, least in counted), default=0.0)
    return round(max(0.0, case.stage.days - days, exposed, rating), 2)


REQUIREMENTS = (not_worse, exposure, sample_ratio, time_served, recent, success_metrics, attribution)
"""Everything that a step up needs beside guardrails that are not near."""
