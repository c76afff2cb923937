"""Days and seconds of the log."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.sample.people import Chances
from lyo_pipelines.sample.rows import Moment
from lyo_pipelines.sample.times import day_counts, second_of_day, timestamp


@given(st.integers(0, 50_000), st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 12))
def test_day_counts_add_up_and_end_the_day_before(n, end, weeks):
    counts = day_counts(n, end, weeks)
    assert sum(count for _, count in counts) == n
    assert all(count >= 0 for _, count in counts)
    assert counts[-1][0] == end - timedelta(days=1) and len(counts) == 7 * weeks


@given(st.integers())
def test_a_conversation_starts_by_day_and_has_an_hour_left(seed):
    assert 0 <= second_of_day(Random(seed)) <= 86_400 - 3_600


@given(st.floats(0, 86_399), st.floats(0, 400_000))
def test_a_moment_counts_on_into_the_next_days(second, later):
    text = Moment(date(2026, 2, 27), second).text(later)
    exact = datetime(2026, 2, 27, tzinfo=UTC) + timedelta(seconds=second + later)
    assert abs(datetime.fromisoformat(text) - exact) < timedelta(milliseconds=2)


def test_timestamps_are_iso_utc_with_milliseconds():
    assert timestamp("2026-11-20", 3_661.5) == "2026-11-20T01:01:01.500Z"


@given(st.integers())
def test_chances_draw_only_options_that_have_a_weight(seed):
    assert Chances({"a": 0.0, "b": 1.0}).draw(Random(seed)) == "b"
