"""F3: response time, retries by topic, knowledge gaps of the curriculum, answers in the wrong language.

Users are the unit of chance in every interval, so nobody alone makes or hides a cause.
"""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np

from lyo_pipelines.retraining.coverage import thin_topics
from lyo_pipelines.retraining.findings import (
    Findings,
    TriggerCase,
    TriggerFinding,
    measurements,
    number,
    percent,
    without,
)
from lyo_pipelines.retraining.signals import TopicSignals, UserSpread, critical_values, user_dispersion
from lyo_pipelines.statistics.histogram import histogram_quantiles, quantile_interval, ratio_bounds
from lyo_pipelines.statistics.proportions import wilson_bounds
from lyo_pipelines.statistics.random_groups import MINIMUM_GROUPS

KIND = "performance"
TAIL = 0.95


def response_time(case: TriggerCase) -> Findings:
    """Typical or slowest answers slower than the configured limit allows, with the same mix of topics and grades."""
    change, tail, evidence = case.signals.time, case.signals.tail, case.policy.evidence
    assert change is not None and tail is not None
    rule, threshold = "performance.response_time", 1 + case.policy.performance.response_time_rise
    if change.n == 0:
        yield TriggerFinding(rule, KIND, "not_measured", "no response times in the window")
        return
    if math.isnan(change.within):
        yield TriggerFinding(
            rule, KIND, "not_enough_evidence", "no baseline of response times to compare with", measurements(n=change.n)
        )
        return
    typical, low, high = (math.exp(min(50.0, x)) for x in (change.within, *change.interval(case.alpha)))
    slowest = tail.p95 / tail.p95_base if tail.p95_base > 0 else math.nan
    enough = min(change.n, change.n_base) >= evidence.minimum_interactions
    slow_low = _tail_bound(case) if slowest > threshold and enough else 0.0
    known = measurements(
        ratio=typical, low=low, high=high, threshold=threshold, n=change.n, n_base=change.n_base, p50_ms=tail.p50, p95_ms=tail.p95,
        p50_base_ms=tail.p50_base, p95_base_ms=tail.p95_base, p95_ratio=slowest, p95_low=slow_low,
    )  # fmt: skip
    told = f"p50 {number(tail.p50_base, 0)} -> {number(tail.p50, 0)} ms, p95 {number(tail.p95_base, 0)} -> {number(tail.p95, 0)} ms"
    told += without(change.left_out)
    suspicious = typical > threshold or (enough and slowest > threshold)
    if not enough or change.coverage < evidence.minimum_coverage:
        yield TriggerFinding(
            rule, KIND, "not_enough_evidence", f"{told}: too few to compare", known, suspicious=suspicious
        )
    elif low > threshold or slow_low > threshold:
        which = f"typically {typical:.2f} times as long [{low:.2f}, {high:.2f}]"
        if not low > threshold:
            which = f"p95 {slowest:.2f} times as long [from {slow_low:.2f}]"
        yield TriggerFinding(rule, KIND, "fire", f"{told}; {which}, more than {threshold:.2f}", known, suspicious=True)
    elif suspicious:
        says = f"{told}; typically {typical:.2f} times as long [{low:.2f}, {high:.2f}]: cannot tell"
        yield TriggerFinding(rule, KIND, "not_enough_evidence", says, known, suspicious=True)
    else:
        yield TriggerFinding(rule, KIND, "clear", told, known)


def _tail_bound(case: TriggerCase) -> float:
    """Lower bound of the 95th percentile's ratio."""
    tail = case.signals.tail
    assert tail is not None
    z, _ = critical_values(case.alpha)
    by_users = max(tail.dispersion, user_dispersion(tail.users, case.alpha))
    if math.isinf(by_users):
        return 0.0
    now, base = (np.asarray(histogram)[None, :] for histogram in (tail.histogram, tail.baseline))
    bounds = [
        x
        for table, dispersion in ((now, by_users), (base, tail.dispersion))
        for x in (histogram_quantiles(table, TAIL), *quantile_interval(table, TAIL, z, dispersion))
    ]
    return float(ratio_bounds(*bounds)[0][0])


def retries(case: TriggerCase) -> Findings:
    """A topic that learners have to ask about again too often."""
    threshold = case.policy.performance.retry_share
    topics = [topic for topic in case.signals.topics if topic.n >= case.policy.evidence.minimum_topic_interactions]
    if not topics:
        yield TriggerFinding("performance.retries", KIND, "not_measured", "no topic with enough interactions")
        return
    alpha = case.alpha / len(topics)
    beyond = [topic for topic in topics if topic.retried / topic.n > threshold]
    for topic in beyond:
        low, high = _bounds(topic.retried, topic.n, topic.users, alpha)
        known = measurements(value=topic.retried / topic.n, low=low, high=high, threshold=threshold, n=topic.n)
        share, left_out = percent(topic.retried / topic.n), without(topic.users.left_out)
        told = f"{topic.name}: {share} of {topic.n:,}{left_out} asked again [{percent(low)}, {percent(high)}]"
        outcome = "fire" if low > threshold else "not_enough_evidence"
        yield TriggerFinding("performance.retries", KIND, outcome, told, known, subject=topic.name, suspicious=True)
    if not beyond:
        worst = max(topics, key=lambda topic: topic.retried / topic.n)
        says = f"at most {percent(worst.retried / worst.n)} asked again ({worst.name}, {worst.n:,})"
        known = measurements(value=worst.retried / worst.n, threshold=threshold, n=worst.n)
        yield TriggerFinding("performance.retries", KIND, "clear", says, known)


def _bounds(events: int, n: int, users: UserSpread, alpha: float) -> tuple[float, float]:
    """Interval of a share, with so many trials as they are worth: answers to one user are no independent trials."""
    z, _ = critical_values(alpha)
    worth = user_dispersion(users, alpha)
    return wilson_bounds(events / worth, n / worth, z)


def knowledge_gaps(case: TriggerCase) -> Findings:
    """Curriculum topics that are rated low, or were missing when the adapter was trained and can now be learnt."""
    topics = {topic.name: topic for topic in case.signals.topics if _on_curriculum(case, topic)}
    judged = [topic for topic in topics.values() if topic.rating.n >= case.policy.evidence.minimum_topic_interactions]
    low = [finding for topic in judged if (finding := _low_topic(case, topic, len(judged))) is not None]
    missing = [finding for topic in topics.values() if (finding := _missing_topic(case, topic)) is not None]
    yield from low
    yield from missing
    thin = _thin_topics(case, topics)
    if thin:
        shown = ", ".join(thin[:5]) + (f" and {len(thin) - 5} more" if len(thin) > 5 else "")
        says = f"{len(thin)} curriculum topics with fewer than {case.policy.performance.gap_examples} examples: {shown}"
        yield TriggerFinding("performance.coverage", KIND, "hold", says, measurements(thin_topics=len(thin)))


def _on_curriculum(case: TriggerCase, topic: TopicSignals) -> bool:
    return case.area is None or topic.name in case.area.topics


def _low_topic(case: TriggerCase, topic: TopicSignals, tests: int) -> TriggerFinding | None:
    threshold = case.policy.quality.average_rating
    if not topic.rating.value < threshold:
        return None
    low, high = topic.rating.interval(case.alpha / tests)
    known = measurements(value=topic.rating.value, low=low, high=high, threshold=threshold, n=topic.rating.n)
    rated = f"{number(topic.rating.value)} of {topic.rating.n:,}{without(topic.rating.left_out)}"
    told = f"{topic.name} is rated {rated} [{number(low)}, {number(high)}]"
    outcome = "fire" if high < threshold else "not_enough_evidence"
    return TriggerFinding("performance.knowledge_gap", KIND, outcome, told, known, subject=topic.name, suspicious=True)


def _missing_topic(case: TriggerCase, topic: TopicSignals) -> TriggerFinding | None:
    training, enough = case.history.training, case.policy.performance.gap_examples
    if training is None or not training.topics or case.area is None:
        return None
    before = training.topics.get(topic.name, 0)
    if before >= enough or topic.kept < max(enough, 2 * before):
        return None
    says = f"{topic.name}: {before} examples when last trained, {topic.kept} in the last weeks"
    known = measurements(trained_on=before, examples=topic.kept, minimum=enough)
    outcome = "fire"
    if topic.askers < MINIMUM_GROUPS:
        outcome, says = "not_enough_evidence", f"{says}, but few users asked about it"
    return TriggerFinding("performance.new_topic", KIND, outcome, says, known, subject=topic.name, suspicious=True)


def _thin_topics(case: TriggerCase, topics: dict[str, TopicSignals]) -> tuple[str, ...]:
    """Topics of a new area that learners cannot yet be taught well: too few examples."""
    area, reach = case.area, timedelta(days=case.policy.performance.new_area_days)
    if area is None or case.signals.interactions == 0 or not area.launched <= case.today <= area.launched + reach:
        return ()
    return thin_topics(area, topics.values(), case.policy.performance.gap_examples)


def language_accuracy(case: TriggerCase) -> Findings:
    """Answers in another language than the declared one, in the log or in the last report."""
    rule, performance = "performance.language", case.policy.performance
    mismatched, examined = case.signals.mismatch
    z, _ = critical_values(case.alpha)
    reported = case.history.reported
    if reported is not None:
        for language in reported.worse_languages:
            says = f"the report of {reported.version} finds answers in {language} worse than before"
            known = measurements(version=reported.version)
            yield TriggerFinding(rule, KIND, "fire", says, known, subject=f"report.{language}", suspicious=True)
    if reported is not None and reported.n and reported.language_match < performance.language_match:
        _, high = wilson_bounds(round(reported.language_match * reported.n), reported.n, z)
        says = f"{percent(reported.language_match)} of {reported.n:,} test answers of {reported.version} in the right language"
        known = measurements(
            value=reported.language_match, high=high, threshold=performance.language_match, n=reported.n
        )
        outcome = "fire" if high < performance.language_match else "not_enough_evidence"
        yield TriggerFinding(rule, KIND, outcome, says, known, subject="report", suspicious=True)
    if examined < case.policy.evidence.minimum_interactions:
        says = f"{examined:,} answers examined for their language"
        yield TriggerFinding(
            rule, KIND, "not_enough_evidence" if examined else "not_measured", says, measurements(n=examined)
        )
        return
    share = mismatched / examined
    users = case.signals.mismatch_users
    low, high = _bounds(mismatched, examined, users, case.alpha)
    known = measurements(value=share, low=low, high=high, threshold=performance.language_mismatch, n=examined)
    answers = f"{examined:,} answers{without(users.left_out)}"
    told = f"{percent(share)} of {answers} in another language [{percent(low)}, {percent(high)}]"
    beyond = share > performance.language_mismatch
    outcome = "clear" if not beyond else "fire" if low > performance.language_mismatch else "not_enough_evidence"
    yield TriggerFinding(rule, KIND, outcome, told, known, suspicious=beyond)


RULES = (response_time, retries, knowledge_gaps, language_accuracy)
