"""Signals from sums equal those computed row by row, and depend on nothing but the rows."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.health.aggregate import aggregate_day
from lyo_pipelines.health.contract import HEALTH, USERS
from lyo_pipelines.health.read import FrameHealth, examples_by_day, load_health, read_health, total_examples
from lyo_pipelines.retraining.compute_signals import compute_signals
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.signals import Change, Shares, Signals
from lyo_pipelines.retraining.window_sums import Frames
from lyo_pipelines.retraining.windows import comparison_windows
from lyo_pipelines.statistics.histogram import BINS, histogram_quantiles
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.health.interaction_rows import frame, row
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.retraining import reference_measure
from lyo_pipelines_tests.retraining.reference_measure import Naive, Row
from lyo_pipelines_tests.retraining.signal_factory import policy
from lyo_pipelines_tests.statistics.histogram_bins import bins_of

TODAY = date(2026, 9, 18)
"""The windows hold ordinary days and exam days, and a holiday lies in them."""
EVIDENCE = policy("evidence", window_days=(4, 9), baseline_days=14).evidence
WINDOWS = comparison_windows(TODAY, load_curriculum(Lake("memory://no-files")), EVIDENCE)
SEGMENTS = ("tutoring.en.math", "tutoring.hi.math", "tutoring.ta.math")
NO_EXAMPLES = pl.DataFrame(schema={"segment": pl.String, "n": pl.Int64, "kept": pl.Int64})


@cache
def history() -> tuple[Row, ...]:
    """Rows of all days that the windows need: users with habits, days with moods, topics with levels; some things unknown."""
    rng = np.random.default_rng(3)
    habits, moods = rng.normal(0, 0.5, 40), {day: rng.normal(0, 0.3) for day in WINDOWS.days}
    made = []
    for day in WINDOWS.days:
        for segment in SEGMENTS:
            for _ in range(rng.integers(8, 16)):
                user, topic = int(rng.integers(40)), int(rng.integers(4))
                rated = round(float(np.clip(rng.normal(3.6 + habits[user] + moods[day] + topic / 4, 1), 1, 5)))
                made.append(
                    row(
                        day=day, segment=segment, topic=(None, "angles", "fractions", "averages")[topic],
                        grade=(None, "6", "7")[rng.integers(3)], rating=float(rated) if rng.random() < 0.7 else None,
                        thumbs=(None, 1, -1)[rng.choice(3, p=[0.8, 0.15, 0.05])], retries=int(rng.random() < 0.1),
                        complaint_category=(None, "cultural", "slow")[rng.choice(3, p=[0.9, 0.06, 0.04])],
                        relevance_score=float(rng.integers(0, 5)) / 4 if rng.random() < 0.8 else None,
                        error=(None, "timeout")[int(rng.random() < 0.05)], kept=bool(rng.random() < 0.6),
                        response_time_ms=float(np.exp(rng.normal(7.5 + topic / 5, 0.5))), mismatched=bool(rng.random() < 0.05),
                        user_pseudonym=f"u_{user}" if user else None,
                    )
                )  # fmt: skip
    return tuple(made)


def health_of(rows: list[Row] | tuple[Row, ...]) -> FrameHealth:
    """Days of health of these rows."""
    parts: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    for day in sorted({r["day"] for r in rows}):
        today = [{k: v for k, v in r.items() if k != "day"} for r in rows if r["day"] == day]
        health, users = aggregate_day(frame(today), ["cultural"])
        parts.append((health.with_columns(day=pl.lit(day)), users.with_columns(day=pl.lit(day))))
    return FrameHealth(pl.concat(h for h, _ in parts), pl.concat(u for _, u in parts))


@cache
def measured() -> dict[str, Signals]:
    return compute_signals(health_of(history()), WINDOWS, TODAY, NO_EXAMPLES)


def mine(segment: str, days: tuple[date, ...] | None = None) -> list[Row]:
    return [r for r in history() if r["segment"] == segment and (days is None or r["day"] in days)]


def flat(value: Any) -> list[Any]:
    """All numbers and texts of nested values, in order."""
    if is_dataclass(value):
        return [part for field in fields(value) for part in flat(getattr(value, field.name))]
    if isinstance(value, dict):
        return [part for key in sorted(value) for part in (key, *flat(value[key]))]
    if isinstance(value, (tuple, list, np.ndarray)):
        return [part for item in value for part in flat(item)]
    return [value]


def assert_same(one: dict[str, Signals], other: dict[str, Signals]) -> None:
    assert one.keys() == other.keys()
    for segment, signals in one.items():
        left, right = flat(signals), flat(other[segment])
        assert [x for x in left if isinstance(x, str)] == [x for x in right if isinstance(x, str)]
        numbers = [[x for x in side if isinstance(x, (int, float))] for side in (left, right)]
        assert numbers[0] == pytest.approx(numbers[1], nan_ok=True)


def assert_change(found: Change, expected: Naive) -> None:
    now, base = expected.values(expected.now), expected.values(expected.base)
    assert (found.n, found.n_base) == (len(now), len(base))
    assert (found.value, found.base) == pytest.approx((np.mean(now), np.mean(base)))
    assert (found.within, found.coverage) == pytest.approx((expected.within, expected.coverage))
    assert found.mix == pytest.approx(np.mean(now) - np.mean(base) - expected.within)
    assert found.day_error == pytest.approx(expected.error * math.sqrt(expected.dispersion))
    assert found.left_out == 0
    assert found.user_error == pytest.approx(expected.user_error)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_changes_of_means_equal_those_computed_row_by_row(segment):
    found, rows = measured()[segment], mine(segment)
    assert found.rating is not None
    for change, pair in zip(found.rating, (WINDOWS.short, WINDOWS.long), strict=True):
        assert_change(change, Naive(rows, pair, WINDOWS, reference_measure.rating))
    assert found.time is not None
    assert_change(found.time, Naive(rows, WINDOWS.short, WINDOWS, reference_measure.log_time))
    assert found.relevance_change is not None
    assert_change(found.relevance_change, Naive(rows, WINDOWS.short, WINDOWS, reference_measure.relevance))


@pytest.mark.parametrize("segment", SEGMENTS)
def test_levels_have_the_error_of_a_mean_widened_by_the_scatter_of_days(segment):
    found = measured()[segment]
    for level, value in (
        (found.rating_level, reference_measure.rating),
        (found.relevance, reference_measure.relevance),
    ):
        expected = Naive(mine(segment), WINDOWS.short, WINDOWS, value)
        values = expected.values(expected.now)
        assert level is not None
        assert (level.n, level.value) == (len(values), pytest.approx(np.mean(values)))
        assert level.error == pytest.approx(
            np.std(values, ddof=1) / math.sqrt(len(values)) * math.sqrt(expected.dispersion)
        )
        assert level.user_error == pytest.approx(expected.level_user_error)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_shares_equal_those_computed_row_by_row(segment):
    found = measured()[segment]
    for shares, pair, value in (
        (found.negative, WINDOWS.week, reference_measure.negative),
        (found.cultural, WINDOWS.long, reference_measure.cultural),
    ):
        expected = Naive(mine(segment), pair, WINDOWS, value, coarse=pair == WINDOWS.week)
        now, base = expected.values(expected.now), expected.values(expected.base)
        told = Shares(
            int(sum(now)),
            len(now),
            int(sum(base)),
            len(base),
            expected.expected,
            expected.coverage,
            expected.dispersion,
            expected.worth,
        )
        assert shares is not None
        assert flat(shares)[:8] == pytest.approx(flat(told)[:8])
        assert shares.users.dispersion == pytest.approx(expected.user_dispersion)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_topics_grades_and_languages_are_counted(segment):
    found, pair = measured()[segment], WINDOWS.long
    now, both = mine(segment, pair.now), mine(segment, pair.now + pair.base)
    assert [topic.n for topic in found.topics] == sorted((topic.n for topic in found.topics), reverse=True)
    assert {topic.name for topic in found.topics} == {"angles", "fractions", "averages"}
    for topic in found.topics:
        asked = [r for r in now if r["topic"] == topic.name]
        ratings = [r["rating"] for r in asked if r["rating"] is not None]
        kept = sum(r["kept"] for r in both if r["topic"] == topic.name)
        assert (topic.n, topic.retried, topic.kept) == (len(asked), sum(r["retries"] > 0 for r in asked), kept)
        assert flat(topic.rating)[:3] == pytest.approx(
            [len(ratings), np.mean(ratings), np.std(ratings, ddof=1) / math.sqrt(len(ratings))]
        )
    assert found.grades == {grade: sum(r["kept"] for r in both if r["grade"] == grade) for grade in ("6", "7")}
    assert found.mismatch == (sum(r["mismatched"] for r in now), len(now))


@pytest.mark.parametrize("segment", SEGMENTS)
def test_response_times_are_compared_with_a_baseline_of_the_same_mix(segment):
    found = measured()[segment].tail
    expected = Naive(mine(segment), WINDOWS.short, WINDOWS, reference_measure.log_time)

    def histogram(rows: list[Row], weights: list[float] | None = None) -> np.ndarray:
        return np.bincount(bins_of([r["response_time_ms"] for r in rows]), weights=weights, minlength=BINS)

    asked, known = ([expected.stratum(r) for r in rows] for rows in (expected.comparable(), expected.base))
    share = {key: asked.count(key) / len(asked) for key in set(asked)}
    worth = 1 / sum(part**2 / known.count(key) for key, part in share.items())
    mixed = histogram(expected.base, [share.get(key, 0) / known.count(key) * worth for key in known])
    assert found is not None
    assert np.allclose(found.histogram, histogram(expected.now))
    assert np.allclose(found.baseline, mixed)
    assert found.baseline.sum() == pytest.approx(worth)
    assert (found.p50, found.p95) == tuple(histogram_quantiles(found.histogram, level)[0] for level in (0.5, 0.95))
    assert (found.p50_base, found.p95_base) == pytest.approx(
        tuple(histogram_quantiles(mixed, level)[0] for level in (0.5, 0.95))
    )
    assert found.dispersion == pytest.approx(expected.dispersion)


@given(st.randoms(use_true_random=False))
@settings(max_examples=draws(4))
def test_the_order_of_rows_does_not_matter(random):
    health = health_of(history())
    mixed = [
        part.sample(fraction=1.0, shuffle=True, seed=random.randrange(1_000))
        for part in (health.health, health.by_user)
    ]
    assert_same(compute_signals(FrameHealth(*mixed), WINDOWS, TODAY, NO_EXAMPLES), measured())


def test_a_day_told_in_several_pieces_is_the_same_day():
    topics = [[r for r in history() if r["topic"] == topic] for topic in ("angles", None, "fractions", "averages")]
    pieces = [health_of(rows) for rows in topics]
    health = FrameHealth(pl.concat(piece.health for piece in pieces), pl.concat(piece.by_user for piece in pieces))
    assert_same(compute_signals(health, WINDOWS, TODAY, NO_EXAMPLES), measured())


@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_segment_does_not_see_the_others(segment):
    alone = compute_signals(health_of(mine(segment)), WINDOWS, TODAY, NO_EXAMPLES)
    assert_same(alone, {segment: measured()[segment]})


def test_days_outside_the_windows_count_for_nothing():
    odd = row(day=date(2020, 1, 1), segment=SEGMENTS[0], rating=1.0)
    today = row(day=TODAY, segment=SEGMENTS[0], rating=1.0)
    assert_same(compute_signals(health_of([*history(), odd, today]), WINDOWS, TODAY, NO_EXAMPLES), measured())


@pytest.mark.parametrize("remote", [False, True])
def test_the_lake_gives_the_signals_that_memory_gives(tmp_path, remote):
    lake = Lake(f"memory://{tmp_path}" if remote else str(tmp_path))
    health = health_of(history())
    for day in WINDOWS.days:
        for part, schema, path in (
            (health.by_user, USERS, lake.health_users(day)),
            (health.health, HEALTH, lake.health(day)),
        ):
            lake.write_table(part.filter(pl.col("day") == day).drop("day").to_arrow().cast(schema), path)
    counts = total_examples(examples_by_day(lake))
    expected = compute_signals(health, WINDOWS, TODAY, counts)
    assert_same(compute_signals(read_health(lake, WINDOWS.days), WINDOWS, TODAY, counts), expected)
    assert_same(compute_signals(load_health(lake), WINDOWS, TODAY, counts), expected)
    assert expected[SEGMENTS[0]].interactions == len(mine(SEGMENTS[0]))
    assert expected[SEGMENTS[0]].examples == sum(r["kept"] for r in mine(SEGMENTS[0]))


def test_a_segment_known_only_by_its_examples_has_empty_signals():
    counts = pl.DataFrame({"segment": ["tutoring.old.math"], "n": [70], "kept": [60]})
    found = compute_signals(health_of(mine(SEGMENTS[0])), WINDOWS, TODAY, counts)["tutoring.old.math"]
    assert (found.interactions, found.examples, found.topics, found.mismatch) == (70, 60, (), (0, 0))
    assert found.rating is not None
    assert (found.rating[0].n, found.rating[0].n_base) == (0, 0)
    assert math.isnan(found.rating[0].within)


def test_without_any_day_there_are_no_signals():
    nothing = FrameHealth(*(part.clear() for part in (health_of(history()).health, health_of(history()).by_user)))
    assert compute_signals(nothing, WINDOWS, TODAY, NO_EXAMPLES) == {}


def crowd(*more: Row, n: int = 12, **changes: Any) -> dict[str, Signals]:
    """One segment in which sixty users fare alike on every day, and what somebody adds to it."""
    rows = [
        row(day=day, segment=SEGMENTS[0], rating=3.0 + (at % 3), user_pseudonym=f"u_{(at + number) % 60}", **changes)
        for number, day in enumerate(WINDOWS.days)
        for at in range(n)
    ]
    return compute_signals(health_of([*rows, *more]), WINDOWS, TODAY, NO_EXAMPLES)


def alone(per_day: int, **changes: Any) -> list[Row]:
    """One more user, who writes so many rows on each of the days that are judged."""
    told = {"segment": SEGMENTS[0], "user_pseudonym": "u_loud"} | changes
    return [row(day=day, **told) for day in WINDOWS.long.now for _ in range(per_day)]


def test_a_user_who_wrote_too_much_is_left_out_of_every_figure():
    quiet = crowd()[SEGMENTS[0]]
    loud = crowd(*alone(9, rating=1.0, thumbs=-1, response_time_ms=60_000.0, mismatched=True, retries=1))[SEGMENTS[0]]
    assert loud.rating is not None and loud.rating_level is not None and loud.tail is not None
    assert quiet.rating_level is not None and quiet.tail is not None
    assert loud.rating_level.left_out > 0.3 and quiet.rating_level.left_out == 0
    assert loud.rating_level.value == pytest.approx(quiet.rating_level.value, abs=0.1)
    low, high = loud.rating[0].interval(0.05)
    assert low < 0 < high and high - low < 1, "how far the others changed is known"
    assert loud.tail.p95 == pytest.approx(quiet.tail.p95, rel=0.1)
    assert loud.mismatch[0] == 0 and loud.topics[0].retried == 0
    assert loud.negative_rate is not None and loud.negative_rate.count == 0


def test_slow_answers_of_one_user_are_no_slow_answers_of_many_though_they_reach_the_slowest_twentieth():
    loud = crowd(*alone(1, response_time_ms=60_000.0))[SEGMENTS[0]].tail
    many = crowd(*[row(day=day, segment=SEGMENTS[0], user_pseudonym=f"u_{n}", response_time_ms=60_000.0)
                   for n, day in enumerate(WINDOWS.long.now)])[SEGMENTS[0]].tail  # fmt: skip
    assert loud is not None and many is not None
    assert loud.p95 > 50_000 and many.p95 > 50_000
    assert loud.users.dispersion > 3 > many.users.dispersion


def test_a_user_who_wrote_less_makes_the_errors_wide_instead():
    quiet, loud = (crowd(*more)[SEGMENTS[0]] for more in ((), alone(1, rating=1.0, mismatched=True, retries=1)))
    assert quiet.rating_level is not None and loud.rating_level is not None
    assert loud.rating_level.left_out == 0 and loud.rating_level.user_error > quiet.rating_level.user_error
    assert loud.mismatch_users.dispersion > 5 and loud.topics[0].users.dispersion > 5
    assert loud.mismatch_users.degrees_of_freedom < math.inf


def test_a_log_that_names_no_users_is_judged_by_its_days():
    found = compute_signals(
        health_of([{**r, "user_pseudonym": None} for r in mine(SEGMENTS[0])]), WINDOWS, TODAY, NO_EXAMPLES
    )[SEGMENTS[0]]
    assert found.rating_level is not None and found.rating is not None and found.cultural is not None
    assert math.isnan(found.rating_level.user_error) and math.isnan(found.rating[0].user_error)
    assert (found.rating_level.left_out, found.cultural.users.dispersion) == (0, 1)
    assert found.rating_level.error > 0


def test_what_a_candidate_on_trial_answered_says_nothing_of_the_segment():
    trial = alone(
        6,
        kept=False,
        rating=1.0,
        response_time_ms=60_000.0,
        experiment_arm="candidate",
        adapter_version="v2",
        user_pseudonym="u_5",
    )
    lost = alone(3, kept=False, rating=1.0, adapter_version="v2", user_pseudonym="u_6")
    champion = crowd(experiment_arm="current", adapter_version="v1")
    with_trial = crowd(*trial, *lost, experiment_arm="current", adapter_version="v1")
    assert_same(with_trial, champion)


def scatter_of_days(mood: float, topics: int) -> float:
    """Mean dispersion of many segments with ten times a day, spread 1 in their topics, and a mood that each day shares."""
    rng, days = np.random.default_rng(8), (*WINDOWS.short.now, *WINDOWS.short.base)
    rows, answers = 200, np.arange(200).repeat(10)
    empty = pl.DataFrame(pl.from_arrow(HEALTH.empty_table()))
    parts = [empty.with_columns(day=pl.lit(None, dtype=pl.Date))]
    for day in days:
        values = (rng.normal(0, mood, (rows, 1)) + rng.normal(7, 1, (rows, 10))).ravel()
        topic = rng.choice([f"t{n}" for n in range(topics)], values.size)
        told = pl.DataFrame(
            {"segment": [f"a.en.s{n}" for n in answers], "topic": topic, "grade": "", "day": day, "log_time": values}
        )
        parts.append(
            told.group_by("segment", "topic", "grade", "day").agg(
                timed=pl.len().cast(pl.Int32), log_time_sum=pl.col("log_time").sum(), log_time_squares=(pl.col("log_time") ** 2).sum()
            )
        )  # fmt: skip
    health = pl.concat(parts, how="diagonal").with_columns(
        pl.col(pl.Int32, pl.Float64).fill_null(0), pl.col(pl.List).fill_null([])
    )
    users = pl.DataFrame(pl.from_arrow(USERS.empty_table())).with_columns(day=pl.lit(None, dtype=pl.Date))
    found = compute_signals(FrameHealth(health, users), WINDOWS, TODAY, NO_EXAMPLES)
    return float(np.mean([signals.tail.dispersion for signals in found.values() if signals.tail is not None]))


def test_moods_of_days_are_seen_though_strata_are_thin_and_not_where_there_are_none():
    assert scatter_of_days(0.0, topics=1) < 1.3  # the floor is 1, so the mean of estimates lies above it
    assert scatter_of_days(0.0, topics=50) < 1.3
    assert scatter_of_days(0.5, topics=1) > 2.2
    assert scatter_of_days(0.5, topics=50) > 1.8


def test_windows_that_share_days_get_their_own_sums():
    frames = Frames(health_of(history()), WINDOWS)
    for pair in (WINDOWS.short, WINDOWS.long, WINDOWS.week):
        for days in (pair.now, pair.base):
            sums = frames.dense(frames.sums(days), "n")
            assert sums.tolist() == [len(mine(segment, days)) for segment in SEGMENTS]
