"""Wilson's interval, the minimal detectable effect, and the verdict."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lyo_pipelines.statistics.detectable_effect import minimal_detectable_effect
from lyo_pipelines.statistics.proportions import wilson_bounds
from lyo_pipelines.statistics.verdict import comparison_verdict

NUMBER = st.floats(-10, 10)
OPPOSITE = {"better": "worse", "worse": "better", "cannot_tell": "cannot_tell"}


def test_wilson_gives_the_textbook_interval():
    assert wilson_bounds(10, 100, 1.96) == pytest.approx((0.0552, 0.1744), abs=1e-4)


@given(st.integers(1, 500), st.data())
def test_wilson_stays_between_0_and_1_and_holds_the_share(n, data):
    successes = data.draw(st.integers(0, n))
    low, high = wilson_bounds(successes, n, 1.96)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1


def test_wilson_without_trials_knows_nothing():
    assert wilson_bounds(0, 0, 1.96) == (0, 1)


def test_an_effect_of_the_minimal_size_is_found_with_the_promised_power():
    rng = np.random.default_rng(5)
    effect = minimal_detectable_effect(1 / math.sqrt(200), power=0.8)
    found = [stats.ttest_1samp(rng.normal(effect, 1, 200), 0).pvalue < 0.05 for _ in range(1_500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


@given(st.floats(0.001, 10), st.integers(1, 50))
def test_more_comparisons_hide_larger_effects(error, comparisons):
    alone = minimal_detectable_effect(error)
    among = minimal_detectable_effect(error, comparisons=comparisons)
    assert among >= alone > 0


def test_without_a_standard_error_there_is_no_effect_size():
    assert math.isnan(minimal_detectable_effect(math.nan))
    for bad in ({"alpha": 0.0}, {"power": 1.0}, {"comparisons": 0}):
        with pytest.raises(ValueError, match="alpha and power"):
            minimal_detectable_effect(1.0, **bad)


@pytest.mark.parametrize(
    ("numbers", "direction", "word"),
    [
        ((0.5, 0.1, 0.9, 0.01), "higher", "better"),
        ((0.5, 0.1, 0.9, 0.01), "lower", "worse"),
        ((-0.5, -0.9, -0.1, 0.01), "lower", "better"),
        ((-0.5, -0.9, -0.1, 0.01), "higher", "worse"),
        ((0.5, 0.1, 0.9, 0.20), "higher", "cannot_tell"),
        ((0.5, -0.1, 0.9, 0.01), "higher", "cannot_tell"),
        ((0.5, 0.1, 0.9, 0.05), "higher", "cannot_tell"),
        ((0.0, 0.0, 0.0, 1.0), "higher", "cannot_tell"),
        ((math.nan, 0.1, 0.9, 0.01), "higher", "cannot_tell"),
        ((0.5, math.nan, math.nan, 0.01), "higher", "cannot_tell"),
    ],
)
def test_the_verdict_needs_both_the_interval_and_the_corrected_p_value(numbers, direction, word):
    assert comparison_verdict(*numbers, direction=direction) == word


@given(NUMBER, NUMBER, NUMBER, st.floats(0, 1), st.sampled_from(["higher", "lower"]))
def test_swapping_the_models_gives_the_opposite_verdict(difference, one, other, p, direction):
    low, high = sorted((one, other))
    ours = comparison_verdict(difference, low, high, p, direction=direction)
    theirs = comparison_verdict(-difference, -high, -low, p, direction=direction)
    assert theirs == OPPOSITE[ours]
