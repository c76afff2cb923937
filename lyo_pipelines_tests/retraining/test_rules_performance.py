"""Response times, retries, knowledge gaps, languages: at, just below and just above each figure, with much data and with little."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lyo_pipelines.retraining.history import Reported, TrainingHistory
from lyo_pipelines.retraining.rules import performance
from lyo_pipelines.retraining.signals import UserSpread
from lyo_pipelines_tests.retraining.signal_factory import (
    LITTLE,
    MUCH,
    area,
    case,
    change,
    only,
    signals,
    tail,
    topic,
    training,
)


def slower(ratio: float, n: int = MUCH, **other):
    return change(math.log(ratio), n=n, n_base=4 * n, base=7.5, **other)


@pytest.mark.parametrize(
    ("typical", "slowest", "outcome"),
    [
        (slower(1.0), tail(), "clear"),
        (slower(1.14), tail(), "clear"),
        (slower(1.16), tail(), "not_enough_evidence"),
        (slower(1.25), tail(), "fire"),
        (slower(1.25, LITTLE), tail(), "not_enough_evidence"),
        (slower(3.0, 50), tail(), "fire"),
        (slower(3.0, 49), tail(), "not_enough_evidence"),
        (slower(1.25, coverage=0.5), tail(), "not_enough_evidence"),
        (slower(1.0), tail(1.5), "fire"),
        (slower(1.0), tail(1.5, n=100, n_base=100), "not_enough_evidence"),
        (slower(1.0, 40), tail(3.0, n=40), "not_enough_evidence"),
        (change(math.nan, n=500, n_base=0, base=math.nan), tail(n_base=0), "not_enough_evidence"),
        (change(math.nan, n=0, n_base=500), tail(n=0), "not_measured"),
    ],
)
def test_slower_answers_must_be_shown_typically_or_at_the_slow_end(typical, slowest, outcome):
    found = only(performance.response_time(case(signals(time=typical, tail=slowest))))
    assert found.outcome == outcome
    if outcome == "fire":
        assert ("p95 1." in found.says) == (typical.within == 0)


@pytest.mark.parametrize(
    ("retried", "n", "outcome"),
    [
        (300, 1_000, "clear"), (301, 1_000, "not_enough_evidence"), (400, 1_000, "fire"), (12, 30, "not_enough_evidence"),
        (29, 30, "fire"), (29, 29, "not_measured"),
    ],
)  # fmt: skip
def test_retries_of_a_topic_must_be_shown(retried, n, outcome):
    found = only(performance.retries(case(signals(topics=(topic(n=n, retried=retried),)))))
    assert found.outcome == outcome
    assert found.subject == ("angles" if found.suspicious else "")


def test_topics_share_the_errors_of_one_test():
    bad, good = topic("angles", n=200, retried=84), [topic(f"t{n}") for n in range(400)]
    assert only(performance.retries(case(signals(topics=(bad,))))).outcome == "fire"
    assert only(performance.retries(case(signals(topics=(bad, *good))))).outcome == "not_enough_evidence"


@pytest.mark.parametrize(
    ("rating", "rated", "outcome"),
    [(3.5, 4_000, None), (3.4, 4_000, "fire"), (3.4, 100, "not_enough_evidence"), (1.0, 30, "fire"), (1.0, 29, None)],
)
def test_a_topic_of_the_curriculum_that_is_rated_low_is_a_knowledge_gap(rating, rated, outcome):
    known = signals(topics=(topic(rating=rating, rated=rated), topic("gossip", rating=1.0)))
    found = list(performance.knowledge_gaps(case(known, where=area())))
    assert [(f.subject, f.outcome) for f in found] == ([("angles", outcome)] if outcome else [])
    assert all(f.rule == "performance.knowledge_gap" for f in found)


@pytest.mark.parametrize(
    ("before", "kept", "fires"), [(0, 30, True), (0, 29, False), (29, 58, True), (29, 57, False), (30, 5_000, False)]
)
def test_a_topic_that_was_missing_and_can_now_be_learnt_is_a_cause(before, kept, fires):
    past = TrainingHistory(training=training(topics={"fractions": 400, "angles": before}))
    found = list(performance.knowledge_gaps(case(signals(topics=(topic(kept=kept),)), past=past, where=area(400))))
    assert [f.cause for f in found if f.outcome == "fire"] == (["performance.new_topic:angles"] if fires else [])


def test_topics_are_missing_only_where_a_curriculum_and_a_training_say_what_there_is():
    known = signals(topics=(topic(kept=900),))
    assert list(performance.knowledge_gaps(case(known, past=TrainingHistory(training=training(topics={}))))) == []
    assert list(performance.knowledge_gaps(case(known, where=area(400)))) == []
    assert list(performance.knowledge_gaps(case(known, past=TrainingHistory(training=training(topics={"x": 1}))))) == []


def test_a_new_area_says_which_topics_have_too_few_examples():
    where = area(10, *(f"t{n}" for n in range(8)))
    found = only(performance.knowledge_gaps(case(signals(topics=(topic("t0"), topic("t1", kept=29))), where=where)))
    assert (found.rule, found.outcome, found.figures["thin_topics"]) == ("performance.coverage", "hold", 7)
    assert "and 2 more" in found.says
    assert list(performance.knowledge_gaps(case(signals(topics=()), where=area(121)))) == []


@pytest.mark.parametrize(
    ("mismatch", "outcome"),
    [
        ((100, 1_000), "clear"), ((101, 1_000), "not_enough_evidence"), ((150, 1_000), "fire"), ((30, 50), "fire"),
        ((49, 49), "not_enough_evidence"), ((0, 0), "not_measured"),
    ],
)  # fmt: skip
def test_answers_in_another_language_must_be_shown(mismatch, outcome):
    assert only(performance.language_accuracy(case(signals(mismatch=mismatch)))).outcome == outcome


@pytest.mark.parametrize(
    ("match", "n", "outcome"),
    [
        (0.9, 1_000, None),
        (0.89, 1_000, "not_enough_evidence"),
        (0.8, 1_000, "fire"),
        (0.8, 20, "not_enough_evidence"),
        (0.1, 0, None),
    ],
)
def test_a_report_with_answers_in_another_language_is_a_cause_of_its_own(match, n, outcome):
    past = TrainingHistory(reported=Reported("owner-1", match, n))
    found = [f for f in performance.language_accuracy(case(past=past)) if f.subject == "report"]
    assert [f.outcome for f in found] == ([outcome] if outcome else [])


def test_a_language_that_the_report_finds_worse_is_a_cause_of_its_own():
    past = TrainingHistory(reported=Reported("owner-1", 0.99, 500, ("hi", "ta")))
    found = [f for f in performance.language_accuracy(case(past=past)) if f.outcome == "fire"]
    assert [f.cause for f in found] == ["performance.language:report.hi", "performance.language:report.ta"]


SWAYED = UserSpread(40.0, 6.0, left_out=0.0)


def test_what_few_users_did_is_no_evidence_in_any_rule():
    asked_again = replace(topic(n=400, retried=200), users=SWAYED)
    assert only(performance.retries(case(signals(topics=(asked_again,))))).outcome == "not_enough_evidence"
    assert only(performance.retries(case(signals(topics=(topic(n=400, retried=200),))))).outcome == "fire"
    rated = topic(rating=2.0)
    rated = replace(rated, rating=replace(rated.rating, user_error=1.2, user_degrees_of_freedom=4.0))
    (gap,) = performance.knowledge_gaps(case(signals(topics=(rated,))))
    assert gap.outcome == "not_enough_evidence"
    *_, language = performance.language_accuracy(case(signals(mismatch=(300, 1_000), mismatch_users=SWAYED)))
    assert language.outcome == "not_enough_evidence"
    slow = replace(tail(slower=3.0), users=UserSpread(math.inf, 0.0))
    assert only(performance.response_time(case(signals(tail=slow)))).outcome == "not_enough_evidence"


def test_users_who_are_left_out_are_named_by_their_share():
    asked_again = replace(topic(n=400, retried=200), users=UserSpread(1.0, math.inf, left_out=0.4))
    assert (
        "400, without users who wrote 40 % of them"
        in only(performance.retries(case(signals(topics=(asked_again,))))).says
    )


def test_a_topic_that_few_users_asked_about_is_no_gap_yet():
    past = TrainingHistory(training=training(60, topics={"angles": 200}))
    for askers, outcome in ((3, "not_enough_evidence"), (20, "fire")):
        new = replace(topic("circles", kept=90), askers=askers)
        found = performance.knowledge_gaps(case(signals(topics=(new,)), past=past, where=area(30, "circles", "angles")))
        assert [f.outcome for f in found if f.rule == "performance.new_topic"] == [outcome]
