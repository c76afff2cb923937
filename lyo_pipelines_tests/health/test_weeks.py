"""Segments by week: the same sums as the days, intervals over users, and a picture that fits a page."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from lyo_pipelines.health.plots import weeks_plot
from lyo_pipelines.health.read import read_health
from lyo_pipelines.health.weeks import weeks_of
from lyo_pipelines.plotting import MAXIMUM_BYTES
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.defs.health_days import stratum, write_day

LAST = date(2026, 3, 29)
MATH, PHYSICS = "tutoring.en.math", "tutoring.en.physics"


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """Four weeks of math that falls in the last one, and one week of physics."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    for back in range(28):
        day = LAST - timedelta(days=back)
        strata = [stratum(MATH, 80, rating=3.0 if back < 7 else 4.5)]
        write_day(lake, day, [*strata, *([stratum(PHYSICS, 8)] if 7 <= back < 14 else [])])
    return weeks_of(read_health(lake, lake.days("health")), LAST, weeks=5)


def test_each_week_has_the_sums_of_its_days(weeks):
    assert list(weeks) == [MATH, PHYSICS], "most interactions first"
    assert [one.interactions for one in weeks[MATH]] == [0, 560, 560, 560, 560]
    assert [round(one.rating, 3) for one in weeks[MATH][1:]] == [4.5, 4.5, 4.5, 3.0]
    assert weeks[MATH][-1].start == LAST - timedelta(days=6)
    assert weeks[MATH][-1].response_ms == pytest.approx(math.exp(7))


def test_a_week_without_an_interaction_is_empty_and_not_zero(weeks):
    empty = weeks[PHYSICS][-1]
    assert (empty.interactions, empty.rated) == (0, 0)
    assert math.isnan(empty.rating) and math.isnan(empty.complaints) and math.isnan(empty.response_ms)


def test_the_interval_holds_the_mean(weeks):
    for week in weeks[MATH][1:]:
        assert week.rating_low <= week.rating <= week.rating_high


def test_the_picture_fits_a_page_and_without_segments_there_is_none(weeks):
    png = weeks_plot(weeks, rating_limit=lambda segment: 4.0)
    assert png.startswith(b"\x89PNG") and len(png) <= MAXIMUM_BYTES
    assert weeks_plot({}, rating_limit=lambda segment: 4.0) == b""
