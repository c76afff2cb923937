"""Which days are judged against which."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.retraining.curriculum import Period, load_curriculum
from lyo_pipelines.retraining.windows import comparison_windows
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.retraining.signal_factory import CONFIG

CURRICULUM = load_curriculum(Lake("memory://no-files"))
EVIDENCE = CONFIG.evidence.model_copy(update={"baseline_days": 56})
ANY_DAY = st.dates(date(2026, 1, 1), date(2028, 12, 31))


def pairs(today: date):
    found = comparison_windows(today, CURRICULUM, EVIDENCE)
    return found, (found.short, found.long, found.week)


@given(ANY_DAY)
@settings(max_examples=draws(30))
def test_windows_have_their_lengths_without_holidays_and_never_overlap_their_baselines(today):
    found, all_pairs = pairs(today)
    for pair, now, base in zip(all_pairs, (14, 28, 7), (56, 56, 7), strict=True):
        assert len(pair.now) == now
        assert base <= len(pair.base) <= 2 * base
        assert not set(pair.now) & set(pair.base)
        assert list(pair.now) == sorted(set(pair.now))
        assert list(pair.base) == sorted(set(pair.base))
        assert max(pair.base) < min(pair.now) <= max(pair.now) < today
        assert "holiday" not in {CURRICULUM.kind(day) for day in (*pair.now, *pair.base)}
    assert found.days == tuple(sorted({day for pair in all_pairs for day in (*pair.now, *pair.base)}))
    assert found.exams == {day for day in found.days if CURRICULUM.kind(day) == "exam"}


@given(ANY_DAY)
@settings(max_examples=draws(20))
def test_the_window_holds_every_school_day_up_to_yesterday(today):
    for pair in pairs(today)[1]:
        span = [min(pair.now) + timedelta(days=n) for n in range((today - min(pair.now)).days)]
        assert [day for day in span if CURRICULUM.kind(day) != "holiday"] == list(pair.now)


def test_on_ordinary_days_the_baseline_ends_where_the_window_begins():
    found, _ = pairs(date(2026, 7, 1))
    assert found.short.now == tuple(date(2026, 6, 17) + timedelta(days=n) for n in range(14))
    assert (found.short.base[-1], len(found.short.base)) == (date(2026, 6, 16), 56)
    assert found.week.base == tuple(date(2026, 6, 17) + timedelta(days=n) for n in range(7))


def test_exam_days_are_compared_with_the_exam_days_before_them_too():
    found, _ = pairs(date(2026, 9, 25))
    earlier = [day for day in found.long.base if day < date(2026, 6, 1)]
    assert len(earlier) == 56
    assert max(earlier) == date(2026, 3, 31)
    assert {CURRICULUM.kind(day) for day in earlier} == {"exam"}
    assert {day for day in found.long.now if day in found.exams} == {
        date(2026, 9, 15) + timedelta(days=n) for n in range(10)
    }
    assert len([day for day in found.long.base if day > date(2026, 6, 1)]) == 56
    assert not set(found.week.base) & set(earlier)


def test_where_exams_come_once_a_year_they_are_compared_with_last_year_s():
    once = CURRICULUM.model_copy(update={"exam_weeks": (Period(name="annual", first="09-15", last="09-30"),)})
    found = comparison_windows(date(2026, 9, 25), once, EVIDENCE)
    assert {date(2025, 9, 15) + timedelta(days=n) for n in range(16)} == {
        d for d in found.long.base if d < date(2026, 1, 1)
    }
    ordinary = comparison_windows(date(2026, 9, 14), once, EVIDENCE)
    assert min(ordinary.long.base) > date(2026, 1, 1)


@pytest.mark.parametrize("today", [date(2026, 11, 12), date(2026, 11, 20)])
def test_a_week_of_holidays_moves_the_window_and_does_not_empty_it(today):
    assert min(pairs(today)[0].short.now) == today - timedelta(days=14 + 5)
