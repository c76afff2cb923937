"""Volume and business: each figure at, just below and just above it; and what holds for the findings of every rule."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest

from lyo_pipelines.retraining.decide import decide_segment, within_budget
from lyo_pipelines.retraining.history import TrainingHistory
from lyo_pipelines.retraining.rules import business, performance, quality
from lyo_pipelines.retraining.rules.volume import band, volume_rule
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines_tests.retraining.signal_factory import (
    NOW,
    TODAY,
    area,
    case,
    change,
    level,
    only,
    policy,
    shares,
    signals,
    tail,
    topic,
    training,
)


@pytest.mark.parametrize(
    ("examples", "outcome", "said"),
    [
        (0, "hold", "0 of 1,000"),
        (999, "hold", "999 of 1,000"),
        (1_000, "fire", "(ready), and never trained"),
        (4_999, "fire", "(ready)"),
        (5_000, "fire", "(optimal)"),
    ],
)
def test_the_first_training_waits_for_the_minimum(examples, outcome, said):
    found = only(volume_rule(case(signals(examples=examples))))
    assert (found.rule, found.outcome) == ("volume.minimum", outcome)
    assert said in found.says


@pytest.mark.parametrize(
    ("days", "before", "examples", "outcome", "said"),
    [
        (13, 2_000, 3_000, "hold", "not before"),
        (14, 2_000, 2_399, "hold", "due on"),
        (14, 2_000, 2_400, "fire", "20% more"),
        (14, 4_600, 4_999, "hold", "due on"),
        (14, 4_600, 5_000, "fire", "grown into the optimal band"),
        (14, 5_000, 5_100, "hold", "due on"),
        (27, 2_000, 2_020, "hold", "due on"),
        (28, 2_000, 2_020, "fire", "due"),
        (28, 2_000, 2_019, "hold", "19 new examples since"),
        (90, 2_000, 2_000, "hold", "0 new examples since"),
        (90, 2_000, 1_500, "hold", "fewer than the 2,000"),
        (90, 2_000, 900, "hold", "900 of 1,000"),
    ],
)
def test_a_refresh_comes_between_two_and_four_weeks_and_never_without_new_examples(
    days, before, examples, outcome, said
):
    past = TrainingHistory(training=training(days, before))
    found = only(volume_rule(case(signals(examples=examples), past=past)))
    assert found.outcome == outcome
    assert said in found.says


def test_the_cause_of_a_refresh_is_the_dataset_that_was_last_learnt():
    past = TrainingHistory(training=training(30, 2_000, fingerprint="abcdefabcdefabcdef"))
    assert only(volume_rule(case(signals(examples=3_000), past=past))).cause == "volume.refresh:abcdefabcdef"


@pytest.mark.parametrize(
    ("examples", "name"), [(999, "below minimum"), (1_000, "ready"), (4_999, "ready"), (5_000, "optimal")]
)
def test_bands_begin_at_their_limits(examples, name):
    assert band(examples, policy().volume) == name


@pytest.mark.parametrize(
    ("examples", "launched_days_ago", "outcome"),
    [
        (199, 30, "not_enough_evidence"),
        (200, 30, "fire"),
        (200, 120, "fire"),
        (200, 121, None),
        (200, 0, "fire"),
        (200, -1, None),
    ],
)
def test_a_new_subject_needs_its_minimum_of_examples(examples, launched_days_ago, outcome):
    found = list(business.new_area(case(signals(examples=examples), where=area(launched_days_ago))))
    assert [f.outcome for f in found] == ([outcome] if outcome else [])
    assert all(f.cause == "business.new_subject:math" for f in found)


def test_what_is_new_about_an_area_is_named():
    where = area(30, subject="math", language="ta")
    old_subject = replace(where, subject_launched=TODAY - timedelta(days=500))

    def cause(where_now, subjects=(), languages=()):
        past = TrainingHistory(covered_subjects=frozenset(subjects), covered_languages=frozenset(languages))
        return [f.cause for f in business.new_area(case(where=where_now, past=past))]

    assert cause(where) == ["business.new_subject:math"]
    assert cause(where, subjects=["math"]) == ["business.new_language:ta"]
    assert cause(old_subject) == ["business.new_language:ta"]
    assert cause(where, subjects=["math"], languages=["ta"]) == ["business.new_subject:math.ta"]
    assert list(business.new_area(case(where=where, past=TrainingHistory(training=training())))) == []
    assert list(business.new_area(case())) == []


@pytest.mark.parametrize(
    ("kept", "outcome"), [(0, None), (1, "not_enough_evidence"), (49, "not_enough_evidence"), (50, "fire")]
)
def test_a_grade_that_the_adapter_did_not_learn_needs_its_minimum_of_examples(kept, outcome):
    known = signals(grades={"6": 900, "7": kept, "9": 900})
    found = list(business.new_grade(case(known, past=TrainingHistory(training=training()), where=area())))
    assert [(f.subject, f.outcome) for f in found] == ([("7", outcome)] if outcome else [])


def test_grades_are_new_only_where_a_training_says_which_it_learnt():
    known = signals(grades={"7": 900})
    assert list(business.new_grade(case(known, where=area()))) == []
    assert list(business.new_grade(case(known, where=area(), past=TrainingHistory(training=training(grades={}))))) == []


@pytest.mark.parametrize(
    ("began_days_ago", "trained_days_ago", "fires"),
    [(0, 1, True), (0, 0, False), (29, 30, True), (29, 29, False), (30, 60, False), (-1, 60, False)],
)
def test_an_academic_year_that_began_after_the_training_counts_for_thirty_days(began_days_ago, trained_days_ago, fires):
    start = (NOW - timedelta(days=began_days_ago)).date()
    past = TrainingHistory(training=training(trained_days_ago))
    found = list(business.academic_year(case(past=past, where=area(400), year_start=start)))
    assert [f.cause for f in found] == ([f"business.academic_year:{start}"] if fires else [])
    assert list(business.academic_year(case(where=area(400), year_start=start))) == []


def test_an_adapter_that_learnt_from_an_erased_person_is_trained_again_at_once():
    tainted = replace(training(1), tainted_since="2026-11-18T09:00:00+00:00")
    assert list(business.erased_person(case(past=TrainingHistory(training=training(1))))) == []
    past = TrainingHistory(training=tainted, new=0)
    (found,) = business.erased_person(case(past=past))
    assert (found.outcome, found.subject) == ("fire", "2026-11-18T09:00:00+00:00")
    decision = decide_segment(signals(examples=2_000), policy(), past, NOW)
    assert (decision.outcome, decision.held_by) == ("fire", ()), "neither new examples nor the cooldown hold it"
    assert within_budget([decision], [NOW - timedelta(days=1)] * 9, NOW, 1) == [decision]
    assert decide_segment(signals(examples=3), policy(), past, NOW).outcome == "hold"


def test_every_finding_carries_figures_that_are_json_and_says_something():
    strange = signals(
        rating=(change(math.nan, base=math.nan, n_base=0), change()), rating_level=level(math.nan, 1), tail=tail(n=1, n_base=0),
        time=change(math.nan, n=1, n_base=0), cultural=shares(3, 10, 0, 900), negative=shares(3, 3, 0, 0),
        topics=(topic(rated=1, rating=math.nan),),
    )  # fmt: skip
    for known in (strange, signals(), Signals("a.en", TODAY)):
        rules = (
            (volume_rule, *business.RULES)
            if known.rating is None
            else (volume_rule, *quality.RULES, *performance.RULES, *business.RULES)
        )
        for rule in rules:
            for found in rule(case(known, where=area())):
                json.dumps(dict(found.figures), allow_nan=False)
                assert found.says
