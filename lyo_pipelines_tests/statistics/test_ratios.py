"""Ratios of shares and of rates, and Wilson's interval in closed form: known examples, references, symmetries, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from lyo_pipelines.statistics.proportions import wilson_bounds
from lyo_pipelines.statistics.ratios import rate_ratio, share_ratio

COUNT = st.integers(0, 60)
EXPOSURE = st.floats(1, 1e5)


@given(st.integers(1, 2_000), st.data(), st.sampled_from([0.9, 0.95, 0.999]))
def test_wilson_in_closed_form_is_scipy_s(n, data, confidence):
    successes = data.draw(st.integers(0, n))
    z = float(ndtri((1 + confidence) / 2))
    theirs = stats.binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    assert wilson_bounds(successes, n, z) == pytest.approx(tuple(theirs), abs=1e-9)


def test_wilson_in_closed_form_takes_parts_of_counts_and_nothing():
    assert wilson_bounds(0, 0, 2.0) == (0, 1)
    assert wilson_bounds(10, 100, 2)[0] < wilson_bounds(10.5, 100, 2)[0] < wilson_bounds(11, 100, 2)[0]


def test_the_ratio_of_shares_in_a_published_example():
    """Aspirin and heart attacks (Physicians' Health Study; Agresti, Categorical Data Analysis, 2.2): 1.82, 1.43 to 2.31."""
    found = share_ratio(189, 11_034, 104, 11_037, 1.96)
    assert found == pytest.approx((1.82, 1.43, 2.31), abs=0.015)


@given(COUNT, COUNT, st.integers(60, 5_000), st.integers(60, 5_000), st.floats(1, 9))
def test_swapping_the_windows_turns_the_ratio_of_shares_over(count, count_base, n, n_base, dispersion):
    ratio, low, high = share_ratio(count, n, count_base, n_base, 2.5, dispersion)
    other = share_ratio(count_base, n_base, count, n, 2.5, dispersion)
    assert low <= ratio <= high
    assert other == pytest.approx((1 / ratio, 1 / high, 1 / low))


@given(COUNT, COUNT, st.floats(1, 9))
def test_dispersion_widens_the_ratio_of_shares_and_leaves_the_estimate(count, count_base, dispersion):
    plain, wide = (
        share_ratio(count, 100, count_base, 400, 2.0),
        share_ratio(count, 100, count_base, 400, 2.0, dispersion),
    )
    assert wide[0] == plain[0]
    assert wide[1] <= plain[1] * (1 + 1e-12)
    assert wide[2] >= plain[2] * (1 - 1e-12)


def test_the_ratio_of_shares_covers_as_often_as_promised():
    rng = np.random.default_rng(1)
    draws = zip(rng.binomial(200, 0.12, 3_000), rng.binomial(300, 0.10, 3_000), strict=True)
    bounds = np.array([share_ratio(a, 200, b, 300, 1.96)[1:] for a, b in draws])
    assert ((bounds[:, 0] <= 1.2) & (bounds[:, 1] >= 1.2)).mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("counts", [(0, 0, 3, 10), (3, 10, 0, 0)])
def test_without_trials_a_ratio_of_shares_may_be_anything(counts):
    ratio, low, high = share_ratio(*counts, z=2.0)  # pyright: ignore[reportCallIssue]
    assert math.isnan(ratio)
    assert (low, high) == (0, math.inf)


@given(COUNT, COUNT, EXPOSURE, EXPOSURE, st.sampled_from([0.05, 0.001]))
def test_the_ratio_of_rates_is_clopper_and_pearson_given_the_sum(count, count_base, exposure, exposure_base, alpha):
    if count + count_base == 0:
        assert rate_ratio(0, exposure, 0, exposure_base, alpha)[1:] == (0, math.inf)
        return
    _, low, high = rate_ratio(count, exposure, count_base, exposure_base, alpha)
    exact = stats.binomtest(count, count + count_base).proportion_ci(1 - 2 * alpha, method="exact")
    scale = exposure_base / exposure
    assert low == pytest.approx(exact.low / (1 - exact.low) * scale, rel=1e-6)
    assert high == (pytest.approx(exact.high / (1 - exact.high) * scale, rel=1e-6) if exact.high < 1 else math.inf)


@given(st.integers(1, 60), COUNT, EXPOSURE, EXPOSURE)
def test_the_interval_excludes_one_exactly_when_the_exact_test_rejects(count, count_base, exposure, exposure_base):
    _, low, _ = rate_ratio(count, exposure, count_base, exposure_base, 0.01)
    p = stats.binomtest(count, count + count_base, exposure / (exposure + exposure_base), alternative="greater").pvalue
    if abs(p - 0.01) > 1e-9:
        assert (low > 1) == (p < 0.01)


@given(st.integers(1, 60), st.integers(1, 60), EXPOSURE, EXPOSURE)
def test_swapping_the_windows_turns_the_ratio_of_rates_over(count, count_base, exposure, exposure_base):
    ratio, low, high = rate_ratio(count, exposure, count_base, exposure_base, 0.01)
    other = rate_ratio(count_base, exposure_base, count, exposure, 0.01)
    assert low < ratio < high
    assert other == pytest.approx((1 / ratio, 1 / high, 1 / low))


def test_a_bound_of_the_ratio_of_rates_errs_no_more_often_than_promised():
    rng = np.random.default_rng(2)
    draws = zip(rng.poisson(4, 4_000), rng.poisson(12, 4_000), strict=True)
    assert np.mean([rate_ratio(a, 100, b, 300, 0.05)[1] > 1 for a, b in draws]) <= 0.055


def test_no_events_before_leave_the_ratio_of_rates_open_above():
    ratio, low, high = rate_ratio(6, 100, 0, 400, 0.05)
    assert (ratio, high) == (math.inf, math.inf)
    assert low > 1
    assert rate_ratio(3, 0, 5, 10, 0.05)[1:] == (0, math.inf)
    assert rate_ratio(0, 10, 5, 10, 0.05)[:2] == (0, 0)


def test_an_infinite_dispersion_says_that_nothing_is_known():
    ratio, low, high = share_ratio(40, 100, 20, 100, 3.0, math.inf)
    assert low < 1e-100 < ratio < 1e100 < high
