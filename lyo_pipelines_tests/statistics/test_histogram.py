"""Histograms of times: quantiles as exact as a bin, intervals that cover, and everything adds up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from lyo_pipelines.statistics.histogram import BINS, GROWTH, histogram_quantiles, quantile_interval, ratio_bounds
from lyo_pipelines_tests.statistics.histogram_bins import bins_of

TIMES = st.lists(st.floats(1.0, GROWTH ** (BINS - 1)), min_size=1, max_size=80)
LEVEL = st.floats(0, 1)


def histogram(values) -> np.ndarray:
    return np.bincount(bins_of(values), minlength=BINS)


def many(samples: np.ndarray) -> np.ndarray:
    """One histogram per row."""
    rows, size = samples.shape
    flat = np.repeat(np.arange(rows), size) * BINS + bins_of(samples).ravel()
    return np.bincount(flat, minlength=rows * BINS).reshape(rows, BINS)


@given(TIMES, LEVEL)
def test_a_quantile_lies_within_one_bin_of_the_value_that_numpy_finds(values, level):
    found = histogram_quantiles(histogram(values), level)[0]
    lower = np.quantile(values, level, method="inverted_cdf")
    upper = np.quantile(values, min(1.0, level + 1e-9), method="inverted_cdf")  # where level * n falls on a value
    assert lower / GROWTH * (1 - 1e-9) <= found <= upper * GROWTH * (1 + 1e-9)


def test_on_many_smooth_values_a_quantile_is_off_by_less_than_half_a_bin():
    values = np.random.default_rng(1).lognormal(7.5, 0.6, 20_000)
    for level in (0.05, 0.5, 0.95):
        assert (
            abs(math.log(histogram_quantiles(histogram(values), level)[0] / np.quantile(values, level)))
            < math.log(GROWTH) / 2
        )


@given(TIMES, TIMES)
def test_adding_histograms_is_the_histogram_of_both(first, second):
    assert (histogram(first) + histogram(second) == histogram(first + second)).all()


@given(TIMES, st.lists(LEVEL, min_size=2, max_size=5).map(sorted))
def test_higher_levels_have_no_smaller_quantiles(values, levels):
    found = [histogram_quantiles(histogram(values), level)[0] for level in levels]
    assert found == sorted(found)


@given(TIMES, LEVEL, st.integers(2, 50))
def test_counting_everything_several_times_changes_no_quantile(values, level, times):
    counts = histogram(values)
    assert histogram_quantiles(counts * times, level)[0] == pytest.approx(
        histogram_quantiles(counts, level)[0], rel=1e-6
    )


def test_every_histogram_has_its_own_level_and_an_empty_one_no_quantile():
    table = np.stack([histogram([100.0]), histogram([5_000.0]), np.zeros(BINS)])
    low, high, none = histogram_quantiles(table, np.array([0.5, 1.0, 0.5]))
    assert (low, high) == pytest.approx((100, 5_000), rel=GROWTH - 1)
    assert math.isnan(none)
    assert all(math.isnan(bound[0]) for bound in quantile_interval(np.zeros(BINS), 0.5, 2.0))


@pytest.mark.parametrize(("level", "size"), [(0.5, 60), (0.5, 400), (0.95, 400)])
def test_an_interval_covers_the_true_quantile_as_often_as_promised(level, size):
    rng = np.random.default_rng(7)
    low, high = quantile_interval(many(rng.lognormal(7.5, 0.5, (3_000, size))), level, 1.96)
    truth = math.exp(7.5 + 0.5 * ndtri(level))
    assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.985


def test_dispersion_widens_an_interval_as_so_many_fewer_values_would():
    counts = histogram(np.random.default_rng(2).lognormal(7, 0.5, 4_000))
    wide, fewer = quantile_interval(counts, 0.5, 2.0, dispersion=4.0), quantile_interval(counts / 4, 0.5, 2.0)
    assert np.allclose(wide, fewer)
    low, high = quantile_interval(counts, 0.5, 2.0)
    assert wide[0][0] < low[0] < high[0] < wide[1][0]


def test_where_no_value_lies_so_far_out_the_interval_is_open():
    counts = histogram(np.random.default_rng(3).lognormal(7, 0.5, 60))
    low, high = quantile_interval(counts, 0.95, 3.4)
    assert high[0] == math.inf
    assert low[0] > 0
    low, high = quantile_interval(counts, 0.05, 3.4)
    assert low[0] == 0
    assert high[0] < math.inf


@given(
    st.lists(st.floats(0.1, 1e4), min_size=3, max_size=3).map(sorted),
    st.lists(st.floats(0.1, 1e4), min_size=3, max_size=3).map(sorted),
)
def test_a_ratio_lies_in_its_bounds_and_the_inverse_has_the_inverse_bounds(one, other):
    (a_low, a, a_high), (b_low, b, b_high) = one, other
    low, high = ratio_bounds(a, a_low, a_high, b, b_low, b_high)
    assert low <= a / b * (1 + 1e-9)
    assert high >= a / b * (1 - 1e-9)
    inverse = ratio_bounds(b, b_low, b_high, a, a_low, a_high)
    assert inverse[0] == pytest.approx(1 / high, rel=1e-9)
    assert inverse[1] == pytest.approx(1 / low, rel=1e-9)
    # wider than either alone, narrower than the extremes of both
    assert a_low / b_high * (1 - 1e-9) <= low <= min(a_low / b, a / b_high) * (1 + 1e-9)


def test_a_ratio_with_an_exact_part_has_the_other_part_s_interval():
    assert np.allclose(ratio_bounds(100, 90, 120, 50, 50, 50), (90 / 50, 120 / 50))


def test_a_ratio_against_an_open_interval_is_open():
    low, high = ratio_bounds(100, 90, 120, 50, 40, math.inf)
    assert (low, high > 2) == (0, True)


@given(st.integers(0, 10))
def test_the_bounds_of_a_ratio_of_tails_err_as_rarely_as_promised(seed):
    rng = np.random.default_rng(seed)
    parts = []
    for size in (300, 900):
        table = many(rng.lognormal(7.5, 0.5, (400, size)))
        parts += [histogram_quantiles(table, 0.95), *quantile_interval(table, 0.95, 1.645)]
    low, _ = ratio_bounds(*parts)
    assert (low > 1).mean() <= 0.09
