"""The A/B test: verdicts on four metrics, and how long it still runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyo_pipelines.rollout.experiment import Experiment, ExperimentMetric, evaluate_experiment
from lyo_pipelines.rollout.observations import empty_arm
from lyo_pipelines_tests.rollout.observation_factory import CONFIG, arm, observation


def read(candidate, current=None, **changed) -> Experiment:
    return evaluate_experiment(observation(candidate, current, share=0.1, **changed), CONFIG)


def metric(found: Experiment, name: str) -> ExperimentMetric:
    return next(each for each in found.metrics if each.name == name)


def test_alike_arms_have_no_winner_and_every_metric_its_figures():
    found = read(arm(), days=5)
    assert {each.verdict for each in found.metrics} == {"cannot_tell"}
    assert [each.name for each in found.metrics] == ["rating", "response_time", "cultural_complaints", "retries"]
    assert (found.winner, found.sound, found.over, found.days_left) == (None, True, False, 9)
    assert metric(found, "rating").n == 1_000
    assert metric(found, "response_time").estimate == pytest.approx(1.0)
    assert metric(found, "rating").low < 0 < metric(found, "rating").high


def test_two_weeks_are_enough():
    assert read(arm(), days=14).over


@pytest.mark.parametrize(
    ("changed", "name", "verdict"),
    [
        ({"rating": 4.7}, "rating", "better"),
        ({"rating": 3.9}, "rating", "worse"),
        ({"ms": 1_000}, "response_time", "better"),
        ({"ms": 4_000}, "response_time", "worse"),
        ({"retries": 20}, "retries", "better"),
        ({"retries": 200}, "retries", "worse"),
        ({"cultural": 120}, "cultural_complaints", "worse"),
    ],
)
def test_what_is_shown_is_said_in_the_right_direction(changed, name, verdict):
    changed = {"retries": 100, "cultural": 30} | changed
    found = read(arm(**changed), arm(900, retries=900, cultural=270))
    assert metric(found, name).verdict == verdict
    assert [m.name for m in found.metrics if m.verdict != "cannot_tell"] == [name]
    assert found.winner == ("candidate" if verdict == "better" else "current")


def test_few_events_have_no_verdict_not_even_none_at_all():
    found = read(arm(cultural=0), arm(900, cultural=40))
    assert metric(found, "cultural_complaints").verdict == "cannot_tell"


def test_retries_of_a_few_users_weigh_as_users():
    """Twice as many retries, all of them by three users: rows alone would call that worse."""
    few = np.r_[np.full(3, 50), np.zeros(97, np.int64)].astype(np.int64)
    candidate = replace(arm(each=50), retries_n=few)
    found = metric(read(candidate, arm(900, each=50, retries=700)), "retries")
    assert found.verdict == "cannot_tell"
    assert metric(read(arm(each=50, retries=150), arm(900, each=50, retries=700)), "retries").verdict == "worse"


def test_nobody_yet_is_no_verdict():
    found = read(empty_arm(), empty_arm(), days=0)
    assert {each.verdict for each in found.metrics} == {"cannot_tell"}
    assert found.winner is None


def test_better_in_one_and_worse_in_another_is_no_win():
    assert read(arm(rating=4.8, ms=4_000)).winner == "current"


def test_lost_users_make_every_verdict_worthless():
    found = read(arm(40, rating=4.8), arm(900))
    assert (found.sound, found.winner) == (False, None)
