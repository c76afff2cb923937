"""F2: ratings, negative feedback, relevance, cultural complaints. A fall that only a change of mix explains holds.

Users are the unit of chance in every interval, so nobody alone makes or hides a cause.
"""

from __future__ import annotations

import math

from lyo_pipelines.retraining.deciding_ratings import (
    agreed,
    deciding_change,
    deciding_level,
    with_choice,
)
from lyo_pipelines.retraining.findings import (
    Findings,
    TriggerCase,
    TriggerFinding,
    measurements,
    number,
    percent,
    without,
)
from lyo_pipelines.retraining.signals import Change, Level, Shares, critical_values
from lyo_pipelines.statistics.ratios import rate_ratio, share_ratio

KIND = "quality"
MIX_RESIDUE = 0.1
"""This share of a change of mix may be left after topics and grades are compared with themselves (finer topics, other users)."""
MIX_ALPHA = 0.05
"""At this level a fall within strata counts as shown when a threshold was crossed: otherwise mix alone may have crossed it."""


def average_rating(case: TriggerCase) -> Findings:
    """Mean rating below the configured limit."""
    level, change, choice = deciding_level(case)
    found = _below(
        case, "quality.average_rating", "mean rating", level, change, threshold=case.policy.quality.average_rating,
        minimum=case.policy.evidence.minimum_rated,
    )  # fmt: skip
    found = agreed(found, case, 0, choice, case.policy.quality.average_rating)
    yield with_choice(found, case, 0, choice)


def relevance(case: TriggerCase) -> Findings:
    """Mean relevance below the configured limit."""
    assert case.signals.relevance is not None and case.signals.relevance_change is not None
    yield _below(
        case, "quality.relevance", "mean relevance", case.signals.relevance, case.signals.relevance_change,
        threshold=case.policy.quality.relevance, minimum=case.policy.evidence.minimum_interactions,
    )  # fmt: skip


def _below(
    case: TriggerCase, rule: str, what: str, level: Level, change: Change, *, threshold: float, minimum: int
) -> TriggerFinding:
    if level.n == 0:
        return TriggerFinding(rule, KIND, "not_measured", f"no {what.removeprefix('mean ')} in the window")
    low, high = level.interval(case.alpha)
    known = measurements(
        value=level.value, low=low, high=high, threshold=threshold, n=level.n, base=change.base, mix=change.mix
    )
    suspicious = level.value < threshold
    told = f"{what} {number(level.value)} of {level.n:,}{without(level.left_out)} [{number(low)}, {number(high)}]"
    if level.n < minimum:
        says = f"{what} {number(level.value)}, but only {level.n:,} values of {minimum:,} needed"
        return TriggerFinding(rule, KIND, "not_enough_evidence", says, known, suspicious=suspicious)
    if not suspicious:
        return TriggerFinding(rule, KIND, "clear", f"{told}, at least {threshold:g}", known)
    if not high < threshold:
        return TriggerFinding(
            rule, KIND, "not_enough_evidence", f"{told}: the interval reaches {threshold:g}", known, suspicious=True
        )
    was_above = change.base >= threshold and change.coverage >= case.policy.evidence.minimum_coverage
    if was_above and change.interval(MIX_ALPHA)[1] >= 0:
        inside = f"{told} is below {threshold:g}, but within topics and grades it changed by {change.within:+.2f}"
        # only a mix that did change, and by so much, explains it
        is_mix = level.value - change.mix >= threshold
        says = f"{inside}: a change of mix ({change.mix:+.2f})" if is_mix else f"{inside}: cannot tell"
        return TriggerFinding(rule, KIND, "hold" if is_mix else "not_enough_evidence", says, known, suspicious=True)
    return TriggerFinding(rule, KIND, "fire", f"{told}, below {threshold:g}", known, suspicious=True)


def rating_drop(case: TriggerCase) -> Findings:
    """Mean rating below the segment's own trailing baseline, within topics and grades; the window that shows more speaks."""
    found = []
    for window, days in enumerate(case.policy.evidence.window_days):
        change, choice = deciding_change(case, window)
        finding = agreed(_drop(case, change, days), case, window, choice)
        found.append(with_choice(finding, case, window, choice))
    # what looks wrong comes first, then what is known to be well, then what nobody can tell
    order = [
        ("fire", True),
        ("hold", True),
        ("not_enough_evidence", True),
        ("clear", False),
        ("not_enough_evidence", False),
    ]
    yield min(found, key=lambda finding: order.index((finding.outcome, finding.suspicious)))


def _drop(case: TriggerCase, change: Change, days: int) -> TriggerFinding:
    evidence, smallest = case.policy.evidence, case.policy.quality.rating_drop
    rule, total = "quality.rating_drop", change.value - change.base
    low, high = change.interval(case.alpha)
    known = measurements(
        value=change.value, base=change.base, within=change.within, mix=change.mix, low=low, high=high, smallest_drop=smallest,
        n=change.n, n_base=change.n_base, coverage=change.coverage, days=days,
    )  # fmt: skip
    suspicious = total <= -smallest or change.within <= -smallest
    told = f"mean rating {number(change.base)} -> {number(change.value)} in {days} days{without(change.left_out)}"
    if change.n < evidence.minimum_rated or change.n_base < evidence.minimum_baseline_rated:
        needed = f"{evidence.minimum_rated} and {evidence.minimum_baseline_rated} needed"
        says = f"{told}, but {change.n:,} and {change.n_base:,} ratings of {needed}"
        return TriggerFinding(rule, KIND, "not_enough_evidence", says, known, suspicious=suspicious)
    if change.coverage < evidence.minimum_coverage:
        says = f"{told}, but only {percent(change.coverage)} of it in topics and grades that the baseline has"
        return TriggerFinding(rule, KIND, "not_enough_evidence", says, known, suspicious=suspicious)
    inside = f"within topics and grades {change.within:+.2f} [{low:+.2f}, {high:+.2f}]"
    # where the mix moved much, a little of it may hide inside topics and grades, too
    if change.within <= -smallest and high < -MIX_RESIDUE * abs(change.mix):
        return TriggerFinding(rule, KIND, "fire", f"{told}; {inside}, mix {change.mix:+.2f}", known, suspicious=True)
    if total <= -smallest and change.mix <= total / 2:
        return TriggerFinding(
            rule, KIND, "hold", f"{told}, but {inside}: a change of mix ({change.mix:+.2f})", known, suspicious=True
        )
    if suspicious:
        return TriggerFinding(
            rule, KIND, "not_enough_evidence", f"{told}; {inside}: cannot tell", known, suspicious=True
        )
    return TriggerFinding(rule, KIND, "clear", f"{told}; {inside}", known)


def negative_feedback(case: TriggerCase) -> Findings:
    """Share of negative feedback up by more than the configured limit, week over week, with the same mix of topics.

    Of all feedback, where there is praise, too. Where (nearly) all that users ever log is negative, its share cannot rise: there the
    share of all answers is looked at.
    """
    shares, evidence = case.signals.negative, case.policy.evidence
    assert shares is not None
    rule, threshold = "quality.negative_feedback", 1 + case.policy.quality.negative_feedback_rise
    if shares.n == 0:
        yield TriggerFinding(rule, KIND, "not_measured", "no feedback last week")
        return
    of = ""
    if case.signals.negative_rate is not None and _one_sided(shares, threshold):
        shares, of = case.signals.negative_rate, " answers (users log nothing but complaints)"
    z, _ = critical_values(case.alpha)
    expected = 0.0 if math.isnan(shares.expected) else shares.expected * shares.worth
    dispersion = shares.dispersion_for(case.alpha)
    ratio, low, high = share_ratio(shares.count, shares.n, expected, shares.worth, z, dispersion)
    known = measurements(
        value=shares.count / shares.n, base=shares.expected, ratio=ratio, low=low, high=high, threshold=threshold, n=shares.n,
        n_base=shares.n_base, coverage=shares.coverage,
    )  # fmt: skip
    now, before = (_share(value, bool(of)) for value in (shares.count / shares.n, shares.expected))
    told = (
        f"{now} negative of {shares.n:,}{of}{without(shares.users.left_out)}, week before {before} of {shares.n_base:,}"
    )
    suspicious = ratio > threshold and shares.count >= evidence.minimum_events
    if min(shares.n, shares.n_base) < evidence.minimum_interactions or shares.coverage < evidence.minimum_coverage:
        yield TriggerFinding(
            rule, KIND, "not_enough_evidence", f"{told}: too few to compare", known, suspicious=suspicious
        )
    elif suspicious and low > threshold:
        says = f"{told}: {ratio:.2f} times as much [{low:.2f}, {high:.2f}], more than {threshold:.2f}"
        yield TriggerFinding(rule, KIND, "fire", says, known, suspicious=True)
    elif suspicious:
        says = f"{told}: {ratio:.2f} times as much [{low:.2f}, {high:.2f}]; the interval reaches {threshold:.2f}"
        yield TriggerFinding(rule, KIND, "not_enough_evidence", says, known, suspicious=True)
    else:
        yield TriggerFinding(rule, KIND, "clear", told, known)


def _one_sided(shares: Shares, threshold: float) -> bool:
    """Whether no share could be larger than the one before by so much: there is hardly any feedback but complaints."""
    if shares.n_base == 0:
        return shares.count == shares.n
    return shares.count_base * threshold >= shares.n_base and shares.count * threshold >= shares.n


def _share(share: float, is_rare: bool) -> str:
    return f"{100 * share:.1f} %" if is_rare and not math.isnan(share) else percent(share)


def cultural_complaints(case: TriggerCase) -> Findings:
    """Cultural complaints per interaction rising against the baseline (exact: they are rare)."""
    shares, evidence = case.signals.cultural, case.policy.evidence
    assert shares is not None
    rule, threshold = "quality.cultural_complaints", 1 + case.policy.quality.cultural_complaints_rise
    if shares.n == 0:
        yield TriggerFinding(rule, KIND, "not_measured", "no interactions in the window")
        return
    mixed = shares.coverage >= evidence.minimum_coverage and not math.isnan(shares.expected)
    exposure = shares.worth if mixed else float(shares.n_base)
    base = shares.expected * exposure if mixed else float(shares.count_base)
    # whatever scatters more than chance is worth fewer complaints: six of one user are worth one
    dispersion = max(shares.dispersion, shares.users.dispersion)
    ratio, low, high = rate_ratio(shares.count / dispersion, shares.n, base / dispersion, exposure, case.alpha)
    known = measurements(
        count=shares.count, count_base=shares.count_base, ratio=ratio, low=low, high=high, threshold=threshold, n=shares.n,
        n_base=shares.n_base,
    )  # fmt: skip
    told = f"{shares.count} cultural complaints in {shares.n:,}, before {shares.count_base} in {shares.n_base:,}"
    suspicious = shares.count > 0 and ratio > threshold
    if shares.n_base < evidence.minimum_interactions:
        yield TriggerFinding(rule, KIND, "not_enough_evidence", f"{told}: no baseline", known, suspicious=False)
    elif suspicious and shares.count >= evidence.minimum_events and low > threshold:
        many = f"{ratio:.1f} times the rate" if math.isfinite(ratio) else "none before"
        says = f"{told}: {many} [at least {low:.1f} times]"
        yield TriggerFinding(rule, KIND, "fire", says, known, suspicious=True)
    elif suspicious and shares.count >= evidence.minimum_events and shares.users.dispersion > 2:
        says = f"{told}: most of them by few users"
        yield TriggerFinding(rule, KIND, "clear", says, known)
    else:
        # a handful of rare complaints more is the ordinary state of things, not a suspicion
        yield TriggerFinding(rule, KIND, "clear", told, known)


RULES = (average_rating, rating_drop, negative_feedback, relevance, cultural_complaints)
