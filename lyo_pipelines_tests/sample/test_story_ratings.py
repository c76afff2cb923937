"""The stories about ratings: what falls, what only seems to fall, and what is too little to say; elsewhere nothing drifts."""

from __future__ import annotations

from statistics import mean, median, variance

import pytest

from lyo_pipelines.sample.story_lessons import HARD_TOPICS
from lyo_pipelines.sample.story_rows import BAD_LUCK
from lyo_pipelines_tests.sample.generated_logs import (
    SEEDS,
    SEGMENTS,
    fall,
    grouped,
    ratings_of,
    rows_of,
    seeds,
    story_kinds,
    story_rows,
    told_log,
)


@seeds
def test_rating_slump_ratings_fall_by_about_one_in_every_topic_and_grade(seed):
    rows = story_rows(seed, "rating_slump")
    assert 0.8 < fall(rows) < 1.7
    for name in ("topic", "grade"):
        large = [group for group in grouped(rows, name).values() if len(ratings_of(group, recent=True)) >= 15]
        assert len(large) >= 3
        assert all(fall(group) > 0 for group in large)


@seeds
def test_rating_slump_reaches_feedback_that_comes_later(seed):
    late = {row["interaction_id"] for row in told_log(seed).feedback if "rating" in row}
    told = [row for row in story_rows(seed, "rating_slump") if "story_rating_slump" in row["planted"]]
    ratings = [row["rating"] for row in told if row["interaction_id"] in late]
    assert len(ratings) >= 5
    assert min(ratings) <= 3


@seeds
def test_mix_only_the_mean_falls_and_no_topic_does(seed):
    rows = story_rows(seed, "mix_only")
    assert fall(rows) > 0.3
    hard, easy = ([row for row in rows if (row["topic"] in HARD_TOPICS) == wanted] for wanted in (True, False))
    assert abs(fall(hard)) < 0.4 and abs(fall(easy)) < 0.5
    every = {True: hard, False: easy}
    means = {wanted: mean(row["rating"] for row in group if row["rating"]) for wanted, group in every.items()}
    assert 3.65 < means[True] < 4.05 and 4.5 < means[False] < 4.8
    for recent, low, high in ((False, 0.14, 0.30), (True, 0.62, 0.85)):
        share = mean(row["topic"] in HARD_TOPICS for row in rows if row["is_recent"] == recent)
        assert low < share < high


@seeds
def test_mix_only_topics_weighted_as_they_are_now_had_the_same_mean_before(seed):
    before: dict[str, float] = {}
    for topic, group in grouped(story_rows(seed, "mix_only"), "topic").items():
        if earlier := ratings_of(group, recent=False):
            before[topic] = mean(earlier)
    now = [
        (row["rating"], before[row["topic"]])
        for row in story_rows(seed, "mix_only")
        if row["is_recent"] and row["rating"] is not None and row["topic"] in before
    ]
    assert abs(mean(rating - expected for rating, expected in now)) < 0.3


@pytest.mark.parametrize("grade", range(6, 13))
def test_mix_only_every_grade_has_hard_topics_and_easy_ones(grade):
    topics = {row["topic"] for seed in SEEDS for row in story_rows(seed, "mix_only") if row["grade"] == str(grade)}
    assert topics & HARD_TOPICS and topics - HARD_TOPICS


@seeds
def test_noisy_small_has_few_ratings_that_are_low_by_bad_luck(seed):
    rows = story_rows(seed, "noisy_small")
    recent, earlier = ratings_of(rows, recent=True), ratings_of(rows, recent=False)
    assert 8 <= len(recent) <= 12
    assert mean(recent) < 3.4
    assert mean(earlier) > 3.8 and len(earlier) > 50
    assert max(recent) - min(recent) == 4
    days = {row["occurred_at"][:10] for row in rows if row["is_recent"] and row["rating"] is not None}
    assert len(days) >= 5


def test_noisy_small_any_eight_ratings_from_the_start_of_the_bad_luck_are_low():
    assert all(mean(BAD_LUCK[:count]) < 3.4 for count in range(8, len(BAD_LUCK) + 1))


@seeds
def test_nothing_drifts_where_no_story_is_told(seed):
    touched = {SEGMENTS[name] for name in ("rating_slump", "mix_only", "noisy_small")}
    for segment, rows in grouped(rows_of(seed), "segment").items():
        now, before = ratings_of(rows, recent=True), ratings_of(rows, recent=False)
        if segment not in touched and min(len(now), len(before)) >= 20:
            error = (variance(now) / len(now) + variance(before) / len(before)) ** 0.5
            assert abs(fall(rows)) < 4 * error, segment
        if segment != SEGMENTS["slow_answers"] and len(rows) >= 200:
            times = [
                [row["response_time_ms"] for row in rows if row["is_recent"] == recent] for recent in (True, False)
            ]
            if all(times):
                assert 0.8 < median(times[0]) / median(times[1]) < 1.25, segment


@seeds
def test_a_planted_low_rating_stays_one_whatever_the_story(seed):
    flawed = [row for row in rows_of(seed) if "low_rating" in row["planted"]]
    assert {row["segment"] for row in flawed} >= {SEGMENTS["rating_slump"], SEGMENTS["mix_only"]}
    assert {row["rating"] for row in flawed} == {1, 2}


@seeds
def test_a_thumb_beside_a_rating_agrees_with_it(seed):
    judged = [row for row in rows_of(seed) if story_kinds(row["planted"]) and row["thumbs"] and row["rating"]]
    assert len(judged) > 50
    assert all(
        row["thumbs"] == (1 if row["rating"] >= 4 else -1) for row in judged if "low_rating" not in row["planted"]
    )
