"""F4 and F8: a new subject, language or grade in the curriculum that no adapter has learnt, the start of an academic year, what holds
no more, an erasure."""

from __future__ import annotations

from datetime import date, timedelta

from lyo_pipelines.retraining.curriculum import Area
from lyo_pipelines.retraining.findings import Findings, TriggerCase, TriggerFinding, measurements, percent

KIND = "business"
ERASURE = "business.erasure"
"""The one cause that needs no new examples, no cooldown and no room in the weekly budget: somebody has a right to it."""
EXPIRY = "business.expiry"
"""It needs no new examples: what it launches for is that examples leave."""


def new_area(case: TriggerCase) -> Findings:
    """The segment is new on the curriculum and has no adapter yet."""
    area, policy = case.area, case.policy
    if area is None or case.history.training is not None or not _is_new(area.launched, case):
        return
    rule, item, what = _named(area, case)
    examples, minimum = case.signals.examples, policy.business.minimum_examples
    known = measurements(examples=examples, minimum=minimum, launched=area.launched.isoformat())
    told = f"{what} since {area.launched.isoformat()}, without an adapter"
    if examples < minimum:
        says = f"{told}: {examples:,} of {minimum:,} curated examples"
        yield TriggerFinding(rule, KIND, "not_enough_evidence", says, known, subject=item, suspicious=True)
    else:
        yield TriggerFinding(
            rule, KIND, "fire", f"{told}: {examples:,} curated examples", known, subject=item, suspicious=True
        )


def _named(area: Area, case: TriggerCase) -> tuple[str, str, str]:
    """(rule, item, words): what exactly is new about the segment."""
    if area.subject not in case.history.covered_subjects and _is_new(area.subject_launched, case):
        return "business.new_subject", area.subject, f"new subject {area.subject}"
    if area.language not in case.history.covered_languages:
        return "business.new_language", area.language, f"new language {area.language}"
    return "business.new_subject", f"{area.subject}.{area.language}", f"{area.subject} is new in {area.language}"


def _is_new(launched: date, case: TriggerCase) -> bool:
    return launched <= case.today <= launched + timedelta(days=case.policy.performance.new_area_days)


def new_grade(case: TriggerCase) -> Findings:
    """Grades that are taught, have examples, and were not in what the adapter learnt."""
    area, training = case.area, case.history.training
    if area is None or training is None or not training.grades:
        return
    minimum = case.policy.business.minimum_grade_examples
    for grade in sorted(area.grades - training.grades.keys(), key=lambda text: (len(text), text)):
        examples = case.signals.grades.get(grade, 0)
        if not examples:
            continue
        says = f"grade {grade} was not in the last training; {examples:,} of {minimum:,} examples in the last weeks"
        outcome = "fire" if examples >= minimum else "not_enough_evidence"
        known = measurements(examples=examples, minimum=minimum)
        yield TriggerFinding("business.new_grade", KIND, outcome, says, known, subject=grade, suspicious=True)


def academic_year(case: TriggerCase) -> Findings:
    """A new academic year began, and the adapter was trained before it."""
    training, start = case.history.training, case.year_start
    if training is None or start is None or case.area is None:
        return
    if not start <= case.today < start + timedelta(days=case.policy.business.academic_year_days):
        return
    if training.at.date() >= start:
        return
    says = f"the academic year began on {start.isoformat()}; last trained on {training.at.date().isoformat()}"
    yield TriggerFinding(
        "business.academic_year", KIND, "fire", says, measurements(start=start.isoformat()), subject=start.isoformat()
    )


def expiry(case: TriggerCase) -> Findings:
    """What the adapter learnt holds no more: an edition, an academic year or a document of it ended."""
    training = case.history.training
    if training is None or not training.expires:
        return
    gone = training.expired_before(case.today)
    if not gone:
        return
    policy, expired = case.policy.business, sum(count for _, count in gone)
    learnt, last = max(training.learnt, expired), gone[-1][0].isoformat()
    share = expired / learnt
    known = measurements(
        expired=expired,
        learnt=learnt,
        share=share,
        since=last,
        minimum=policy.minimum_expired,
        minimum_share=policy.expired_share,
    )
    says = f"{expired:,} of {learnt:,} examples ({percent(share)}) that {training.version} learnt hold no more, the last since {last}"
    enough = expired >= policy.minimum_expired and share >= policy.expired_share
    if not enough:
        wanted = f"{policy.minimum_expired:,} and {percent(policy.expired_share)} are needed"
        yield TriggerFinding(EXPIRY, KIND, "hold", f"{says}: {wanted}", known, subject=last)
    else:
        yield TriggerFinding(EXPIRY, KIND, "fire", f"{says}; training again leaves them out", known, subject=last)


def erased_person(case: TriggerCase) -> Findings:
    """Somebody was erased from whom the adapter had learnt: it is trained again without them."""
    training = case.history.training
    if training is None or not training.tainted_since:
        return
    since = training.tainted_since[:10]
    says = f"{training.version} learnt from people who were erased on {since}; training again leaves them out"
    yield TriggerFinding(
        ERASURE,
        KIND,
        "fire",
        says,
        measurements(since=since),
        subject=training.tainted_since,
        suspicious=True,
    )


RULES = (new_area, new_grade, academic_year, expiry, erased_person)
