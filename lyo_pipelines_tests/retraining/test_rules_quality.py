"""Ratings, feedback, relevance, complaints: at, just below and just above each figure, with much data and with little."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lyo_pipelines.retraining.rules import quality
from lyo_pipelines.retraining.signals import UserSpread
from lyo_pipelines_tests.retraining.signal_factory import (
    LITTLE,
    MUCH,
    case,
    change,
    level,
    only,
    shares,
    signals,
)


@pytest.mark.parametrize(
    ("value", "n", "outcome"),
    [
        (3.5, MUCH, "clear"), (3.51, MUCH, "clear"), (3.49, MUCH, "not_enough_evidence"), (3.4, MUCH, "fire"),
        (3.4, LITTLE, "not_enough_evidence"),
        (2.5, LITTLE, "fire"), (2.5, 40, "fire"), (2.5, 39, "not_enough_evidence"), (4.5, 39, "not_enough_evidence"),
        (math.nan, 0, "not_measured"),
    ],
)  # fmt: skip
def test_a_low_mean_rating_must_be_shown(value, n, outcome):
    known = signals(rating_level=level(value, n), rating=(change(-0.8, base=4.2), change()))
    assert only(quality.average_rating(case(known))).outcome == outcome


@pytest.mark.parametrize(
    ("value", "n", "outcome"),
    [
        (0.7, MUCH, "clear"),
        (0.69, MUCH, "fire"),
        (0.69, LITTLE, "not_enough_evidence"),
        (0.5, 49, "not_enough_evidence"),
        (0.5, 50, "fire"),
    ],
)
def test_low_relevance_must_be_shown(value, n, outcome):
    known = signals(relevance=level(value, n, spread=0.1), relevance_change=change(-0.4, base=0.88))
    assert only(quality.relevance(case(known))).outcome == outcome


@pytest.mark.parametrize(
    ("fall", "outcome"),
    [
        (change(0.0, base=4.2, mix=-0.9), "hold"),  # only the mix made it fall below the figure
        (change(-0.9, base=4.2), "fire"),
        (change(0.0, base=3.3), "fire"),  # it was below before: nothing to explain
        (change(math.nan, base=math.nan, n_base=0, coverage=0.0), "fire"),  # nothing to compare with
        (change(0.0, base=4.2, mix=-0.9, coverage=0.3), "fire"),  # too little of it can be compared
    ],
)
def test_a_mean_rating_that_mix_alone_lowered_holds(fall, outcome):
    found = only(quality.average_rating(case(signals(rating_level=level(3.3, MUCH), rating=(fall, change())))))
    assert found.outcome == outcome
    assert ("change of mix" in found.says) == (outcome == "hold")


@pytest.mark.parametrize(
    ("fall", "outcome"),
    [
        (change(-0.14, n=MUCH, n_base=MUCH), "clear"),
        (change(-0.16, n=MUCH, n_base=MUCH), "fire"),
        (change(-0.16, n=LITTLE), "not_enough_evidence"),
        (change(-2.0, n=40, n_base=80), "fire"),
        (change(-2.0, n=39), "not_enough_evidence"),
        (change(-2.0, n_base=79), "not_enough_evidence"),
        (change(-2.0, coverage=0.59), "not_enough_evidence"),
        (change(-2.0, coverage=0.61), "fire"),
        (change(0.0, mix=-1.0), "hold"),
        (change(-0.1, mix=-0.9), "hold"),
        (change(-0.9, mix=-0.1), "fire"),
        (change(+0.9), "clear"),
        (change(-0.9, user_error=1.0), "not_enough_evidence"),
        (change(-0.9, day_error=1.0), "not_enough_evidence"),
    ],
)
def test_a_fall_must_be_shown_within_topics_and_grades(fall, outcome):
    found = only(quality.rating_drop(case(signals(rating=(fall, fall)))))
    assert found.outcome == outcome
    assert found.suspicious == (outcome != "clear")


def test_the_window_that_shows_more_speaks():
    for first, second in ((change(-0.9), change()), (change(), change(-0.9)), (change(-0.9, n=10), change(-0.9))):
        assert only(quality.rating_drop(case(signals(rating=(first, second))))).outcome == "fire"


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (shares(1_200, 10_000, 1_000, 10_000), "clear"),
        (shares(1_210, 10_000, 1_000, 10_000), "not_enough_evidence"),
        (shares(1_500, 10_000, 1_000, 10_000), "fire"),
        (shares(1_500, 10_000, 1_000, 10_000, dispersion=30.0), "not_enough_evidence"),
        (shares(1_500, 10_000, 1_000, 10_000, coverage=0.59), "not_enough_evidence"),
        (shares(1_500, 10_000, 1_000, 10_000, expected=0.15), "clear"),  # what today's mix would have given
        (shares(40, 50, 5, 50), "fire"),
        (shares(40, 49, 5, 50), "not_enough_evidence"),
        (shares(40, 50, 5, 49), "not_enough_evidence"),
        (shares(4, 50, 0, 5_000), "clear"),  # fewer than five events say nothing
        (shares(0, 0, 100, 1_000), "not_measured"),
        (shares(90, 100, 0, 0, expected=math.nan, coverage=0.0), "not_enough_evidence"),
    ],
)
def test_more_negative_feedback_must_be_shown(found, outcome):
    assert only(quality.negative_feedback(case(signals(negative=found)))).outcome == outcome


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (shares(20, 2_000, 16, 8_000), "fire"),
        (shares(6, 2_000, 16, 8_000), "clear"),
        (shares(4, 100, 0, 80_000), "clear"),  # fewer than five events
        (shares(5, 100, 0, 80_000), "fire"),
        (shares(20, 2_000, 16, 8_000, dispersion=5.0), "clear"),
        (shares(20, 2_000, 16, 8_000, expected=0.01), "clear"),  # what today's mix would have given
        (shares(20, 2_000, 16, 8_000, expected=0.01, coverage=0.5), "fire"),  # too little can be compared: plain counts
        (shares(20, 2_000, 0, 49), "not_enough_evidence"),
        (shares(0, 2_000, 16, 8_000), "clear"),
        (shares(0, 0, 16, 8_000), "not_measured"),
    ],
)
def test_rising_cultural_complaints_must_be_shown(found, outcome):
    assert only(quality.cultural_complaints(case(signals(cultural=found)))).outcome == outcome


def test_a_fall_that_may_be_chance_is_not_called_a_change_of_a_mix_that_did_not_change():
    loud = change(-0.9, base=4.2, mix=-0.02, user_error=1.5)
    low = only(quality.average_rating(case(signals(rating_level=level(3.3, MUCH), rating=(loud, change())))))
    assert (low.outcome, "mix" in low.says) == ("not_enough_evidence", False)
    drop = only(quality.rating_drop(case(signals(rating=(loud, loud)))))
    assert (drop.outcome, "change of mix" in drop.says) == ("not_enough_evidence", False)


@pytest.mark.parametrize(
    ("feedback", "answers", "outcome"),
    [
        (
            shares(60, 60, 8, 8),
            shares(60, 1_400, 8, 1_400),
            "fire",
        ),  # all that is logged is negative, and there is more of it
        (shares(60, 60, 55, 55), shares(60, 1_400, 55, 1_400), "clear"),
        (shares(60, 60, 0, 0, expected=math.nan), shares(60, 1_400, 0, 1_400), "fire"),
        (shares(60, 600, 8, 80), shares(60, 1_400, 8, 1_400), "clear"),  # more feedback of both kinds
    ],
)
def test_where_nothing_but_complaints_is_logged_their_share_of_answers_counts(feedback, answers, outcome):
    found = only(quality.negative_feedback(case(signals(negative=feedback, negative_rate=answers))))
    assert found.outcome == outcome


def test_complaints_of_few_users_are_worth_as_many_as_there_are_users():
    rise = shares(12, 2_000, 4, 8_000)
    assert only(quality.cultural_complaints(case(signals(cultural=rise)))).outcome == "fire"
    by_one = replace(rise, users=UserSpread(12.0, 9.0))
    found = only(quality.cultural_complaints(case(signals(cultural=by_one))))
    assert (found.outcome, "few users" in found.says) == ("clear", True)


def test_negative_feedback_of_few_users_cannot_be_told():
    rise = shares(1_500, 10_000, 1_000, 10_000, users=UserSpread(30.0, 20.0))
    assert only(quality.negative_feedback(case(signals(negative=rise)))).outcome == "not_enough_evidence"


def test_a_rise_from_nothing_is_told_without_an_infinite_figure():
    found = only(quality.cultural_complaints(case(signals(cultural=shares(20, 2_000, 0, 8_000)))))
    assert found.outcome == "fire" and "none before" in found.says and "inf" not in found.says
