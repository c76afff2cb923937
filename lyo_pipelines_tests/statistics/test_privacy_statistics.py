"""Intervals, exposure and the one-run bound: exact where they say so, and the same as others compute."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, skewnorm

from lyo_pipelines.statistics.exact_intervals import at_least_p_value, median_bounds, share_bounds
from lyo_pipelines.statistics.exposure import modelled_exposure, rank_among, ranked_exposure
from lyo_pipelines.statistics.one_run import epsilon_ceiling, epsilon_lower_bound

COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_share_bounds_are_the_exact_ones_of_scipys_binomial_test(counts):
    found, n = counts
    told = binomtest(found, n).proportion_ci(0.95, method="exact")
    assert share_bounds(found, n) == pytest.approx((told.low, told.high), abs=1e-9)
    assert at_least_p_value(found, n, 0.01) == pytest.approx(binomtest(found, n, 0.01, "greater").pvalue, abs=1e-12)


@given(st.integers(1, 60), st.floats(0.001, 0.999))
def test_share_bounds_hold_the_true_share_as_often_as_they_say(n, share):
    chances = binom.pmf(range(n + 1), n, share)
    held = sum(p for k, p in enumerate(chances) if share_bounds(k, n)[0] <= share <= share_bounds(k, n)[1])
    assert held >= 0.95 - 1e-9


def test_a_median_of_too_few_values_has_no_bounds():
    assert median_bounds([1, 2, 3, 4, 5]) == (-math.inf, math.inf)
    assert median_bounds([6, 2, 3, 4, 5, 1]) == (1, 6)
    assert median_bounds(range(1, 101)) == (40, 61)


@given(st.lists(st.floats(-100, 100), min_size=10, max_size=40), st.floats(-100, 100))
def test_a_rank_counts_ties_against_the_canary(controls, score):
    rank = rank_among(score, controls)
    assert 1 <= rank <= len(controls) + 1
    assert rank == 1 + sum(control <= score for control in controls)
    assert 0 <= ranked_exposure(rank, len(controls)) <= math.log2(len(controls) + 1)


def test_modelled_exposure_goes_beyond_the_controls_and_agrees_with_the_distribution_they_are_from():
    drawn = skewnorm.rvs(4, loc=50, scale=5, size=2_000, random_state=3)
    for score in (47.0, 45.5):
        true = -math.log2(skewnorm.cdf(score, 4, loc=50, scale=5))
        assert modelled_exposure(score, drawn) == pytest.approx(true, rel=0.25)
    assert modelled_exposure(20.0, drawn) > math.log2(len(drawn) + 1)
    assert math.isnan(modelled_exposure(1.0, [2.0] * 50))


@given(COUNTS)
def test_no_epsilon_below_the_bound_explains_so_many_right_guesses(counts):
    right, guesses = counts
    bound = epsilon_lower_bound(right, guesses)
    assert bound <= epsilon_ceiling(guesses) + 1e-9
    if bound > 0:
        chance = 1 / (1 + math.exp(-bound))
        assert binom.sf(right - 1, guesses, chance) == pytest.approx(0.05, abs=1e-6)


def test_guesses_of_a_coin_refute_no_epsilon_more_often_than_allowed():
    rng = np.random.default_rng(0)
    claims = [epsilon_lower_bound(int(rng.binomial(40, 0.5)), 40) > 0 for _ in range(2_000)]
    assert np.mean(claims) < 0.05


@pytest.mark.parametrize(("right", "guesses"), [(24, 24), (30, 40), (12, 24), (0, 3), (55, 60)])
def test_the_bounds_are_those_of_memaudit(right, guesses):
    stats = pytest.importorskip("memaudit.stats")
    told = stats.steinke_eps_lower_bound(right, guesses, delta=0.0, alpha=0.05)
    assert epsilon_lower_bound(right, guesses) == pytest.approx(told["eps_lb"], abs=1e-6)
    assert epsilon_ceiling(guesses) == pytest.approx(told["ceiling"], abs=1e-6)
    assert share_bounds(right, guesses) == pytest.approx(stats.clopper_pearson(right, guesses), abs=1e-9)
