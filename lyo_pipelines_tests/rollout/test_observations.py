"""From raw interactions to an arm: sums by unit."""

from __future__ import annotations

import math

import polars as pl
import pytest

from lyo_pipelines.rollout.collect import arm_of
from lyo_pipelines.rollout.day_sums import sums_by_user
from lyo_pipelines.rollout.observations import Arm, empty_arm
from lyo_pipelines_tests.rollout.observation_factory import BEGAN, observation

ROWS = pl.DataFrame(
    {
        "user_pseudonym": ["a", "a", "b", None, None],
        "rating": [5.0, 3.0, None, 4.0, None],
        "response_time_ms": [1_000, 4_000, 9_000, None, 0],
        "error": [None, None, "timeout", None, None],
        "complaint_category": [None, "cultural", "wrong", None, None],
        "retries": [0, 2, None, 1, 0],
        "rating_invited": [True, None, True, False, False],
    }
)


NOBODY = pl.DataFrame(schema={"user_pseudonym": pl.String, "pre_period_n": pl.Int64, "pre_period_sum": pl.Float64})


def summed(rows: pl.DataFrame, before: pl.DataFrame = NOBODY) -> Arm:
    return arm_of(sums_by_user(rows.with_columns(place=pl.lit("candidate")), ["cultural"]), "candidate", before)


def by_ratings(arm):
    order = arm.ratings_sum.argsort()
    return {name: getattr(arm, name)[order].tolist() for name in vars(arm) if hasattr(getattr(arm, name), "tolist")}


def test_interactions_are_summed_by_user_and_those_without_one_count_as_one():
    found = summed(ROWS)
    sums = by_ratings(found)
    assert (found.users, found.interactions, found.rated, found.answers) == (3, 5, 3, 5)
    assert sums["ratings_sum"] == [0, 4, 8]
    assert sums["ratings_n"] == [0, 1, 2]
    assert sums["answers_n"] == [1, 2, 2]
    assert sums["errors_n"] == [1, 0, 0]
    assert sums["cultural_n"] == [0, 0, 1]
    assert sums["retries_n"] == [0, 1, 1]
    # an answer that failed could not be rated
    assert (sums["invited_n"], sums["invited_rated_n"], sums["invited_sum"]) == ([0, 0, 1], [0, 0, 1], [0, 0, 5])
    assert (sums["uninvited_n"], sums["uninvited_rated_n"], sums["uninvited_sum"]) == ([0, 2, 0], [0, 1, 0], [0, 4, 0])


def test_only_times_of_answers_that_came_count():
    sums = by_ratings(summed(ROWS))
    assert sums["times_n"] == [0, 0, 2]
    assert sums["log_ms_sum"] == pytest.approx([0, 0, math.log(1_000) + math.log(4_000)])


def test_what_users_rated_before_is_theirs_and_others_are_left_out():
    before = pl.DataFrame(
        {"user_pseudonym": ["a", "z", None], "pre_period_n": [1, 1, 1], "pre_period_sum": [2.0, 5.0, 1.0]}
    )
    sums = by_ratings(summed(ROWS, before))
    assert sums["pre_period_n"] == [0, 1, 1]
    assert sums["pre_period_sum"] == [0, 1, 2]


def test_an_arm_without_anybody_has_the_same_columns():
    none = empty_arm()
    assert vars(arm_of(None, "candidate", NOBODY)).keys() == vars(none).keys()
    found = summed(ROWS.head(0))
    assert vars(found).keys() == vars(none).keys()
    assert (found.users, found.answers, found.rated) == (none.users, none.answers, none.rated) == (0, 0, 0)


def test_days_are_counted_from_the_stage_s_beginning():
    assert observation(days=2.5).stage_days == 2.5
    assert observation(days=0).now == BEGAN
