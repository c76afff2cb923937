"""Planning: sizes against a textbook, power by simulation, and how long until we know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from lyo_pipelines.statistics.power import days_until_decided, power
from lyo_pipelines.statistics.sequential import sequential_bounds

LOOK = {"confidence": 0.95, "confidence_worse": 0.95, "planned_error": 0.06}


def test_power_is_how_often_one_look_succeeds():
    rng = np.random.default_rng(1)
    found = rng.normal(0.25, 0.1, 50_000) - ndtri(0.95) * 0.1 > 0
    assert power(0.25, 0.1) == pytest.approx(found.mean(), abs=0.01)


@given(st.floats(-0.5, 0.5), st.floats(0.01, 0.3), st.floats(0.5, 30))
def test_the_days_it_says_are_when_the_bound_passes_the_margin(estimate, error, days):
    left = days_until_decided(estimate, error, days, 0.1, **LOOK)
    if left is None:
        later = sequential_bounds(estimate, error * math.sqrt(days / (days + 365)), confidence=0.95, planned_error=0.06)
        assert later.low <= -0.1 <= later.high
    elif left == 0:
        now = sequential_bounds(estimate, error, confidence=0.95, planned_error=0.06)
        assert now.low > -0.1 or now.high < -0.1
    else:
        then = sequential_bounds(estimate, error * math.sqrt(days / (days + left)), confidence=0.95, planned_error=0.06)
        before = sequential_bounds(
            estimate, error * math.sqrt(days / (days + max(0, left - 0.06))), confidence=0.95, planned_error=0.06
        )
        assert then.low > -0.1 or then.high < -0.1
        assert before.low <= -0.1 <= before.high


def test_nothing_known_is_never_soon():
    for estimate, error, days in ((math.nan, 0.1, 3.0), (0.0, math.nan, 3.0), (0.0, 0.1, 0.0), (-0.1, 0.1, 3.0)):
        assert days_until_decided(estimate, error, days, 0.1, **LOOK) is None


@given(st.floats(-0.5, 0.5), st.floats(0.01, 0.3), st.floats(0.5, 30), st.floats(1, 200))
def test_few_degrees_of_freedom_never_make_it_known_sooner(estimate, error, days, freedom):
    many = days_until_decided(estimate, error, days, 0.1, **LOOK)
    few = days_until_decided(estimate, error, days, 0.1, degrees_of_freedom=freedom, **LOOK)
    assert few is None or (many is not None and few >= many - 0.06)
