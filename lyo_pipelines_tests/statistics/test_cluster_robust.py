"""Differences between two sets of users: the formulas against hand counts, and by simulation the errors they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from lyo_pipelines.statistics.cluster_robust import (
    cluster_robust_difference,
    cluster_robust_ratio,
    covariate_adjusted_difference,
    design_effect,
)

COUNTS = arrays(np.int64, st.integers(2, 30), elements=st.integers(0, 9))


def test_with_one_value_for_each_user_it_is_the_mean_with_its_usual_error_and_welch_s_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 1, 40), rng.normal(0, 3, 25)
    found = cluster_robust_difference(cluster_robust_ratio(a, np.ones(40)), cluster_robust_ratio(b, np.ones(25)))
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert found.estimate / found.standard_error == pytest.approx(welch.statistic)
    assert found.degrees_of_freedom == pytest.approx(welch.df)
    assert (found.ratio.n, found.ratio.groups) == (40, 40)
    assert found.ratio.standard_error == pytest.approx(stats.sem(a))


def test_the_error_is_that_of_whole_users():
    """Ten users with ten equal ratings each are ten observations, not a hundred."""
    means = np.array([1, 2, 3, 4, 5, 1, 2, 3, 4, 5.0])
    found = cluster_robust_ratio(10 * means, np.full(10, 10))
    assert found.standard_error == pytest.approx(stats.sem(means))
    assert found.degrees_of_freedom == pytest.approx(9)


def test_three_users_who_wrote_nearly_everything_count_as_three():
    found = cluster_robust_ratio(np.r_[[400.0, 500, 300], np.full(97, 4)], np.r_[[100, 100, 100], np.ones(97)])
    assert 3 < found.degrees_of_freedom + 1 < 6
    assert found.groups == 100


def test_the_error_is_right_when_users_differ_in_habits_and_activity():
    rng = np.random.default_rng(2)
    estimates, errors = [], []
    for _ in range(2_000):
        n = rng.poisson(4 * rng.permutation(np.arange(1, 121) ** -0.5) / 0.17)
        total = n * rng.normal(4, 0.5, 120) + rng.normal(0, 1, 120) * np.sqrt(n)
        found = cluster_robust_ratio(total, n)
        estimates.append(found.value)
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.06)


def test_where_nothing_or_one_user_is_seen_there_is_no_error():
    nothing, one, two = (
        cluster_robust_ratio([], []),
        cluster_robust_ratio([4.0], [1]),
        cluster_robust_ratio([4.0, 4.0], [1, 1]),
    )
    assert math.isnan(nothing.value)
    assert one.value == 4
    assert math.isnan(cluster_robust_difference(one, two).standard_error)
    assert math.isnan(
        cluster_robust_difference(two, two).standard_error
    )  # users who are all alike: their spread is unknown, not nil
    with pytest.raises(ValueError, match="one sum and one count"):
        cluster_robust_ratio([1.0], [1, 2])


@given(COUNTS)
def test_users_without_a_count_change_nothing(n):
    total = n * np.linspace(1, 5, len(n))
    padded, plain = cluster_robust_ratio(np.r_[total, 0, 0], np.r_[n, 0, 0]), cluster_robust_ratio(total, n)
    for name in ("value", "variance", "n", "groups", "degrees_of_freedom"):
        assert getattr(padded, name) == pytest.approx(getattr(plain, name), nan_ok=True), name


def test_what_was_known_before_takes_the_luck_of_the_draw_out_and_leaves_the_effect_in():
    rng = np.random.default_rng(3)
    plain, better, claims = [], [], 0
    for _ in range(600):
        habit = rng.normal(0, 0.5, 300)
        known = habit + rng.normal(0, 0.2, 300)
        n = rng.poisson(5, 300) + 1
        total = n * habit + rng.normal(0, 1, 300) * np.sqrt(n)
        total[:60] += 0.3 * n[:60]
        us, them = slice(0, 60), slice(60, 300)
        sums, sums_base = covariate_adjusted_difference(total[us], n[us], known[us], total[them], n[them], known[them])
        found = cluster_robust_difference(cluster_robust_ratio(sums, n[us]), cluster_robust_ratio(sums_base, n[them]))
        plain.append(
            cluster_robust_difference(
                cluster_robust_ratio(total[us], n[us]), cluster_robust_ratio(total[them], n[them])
            ).estimate
        )
        better.append(found.estimate)
        claims += abs(found.estimate - 0.3) > stats.t.ppf(0.975, found.degrees_of_freedom) * found.standard_error
    assert np.mean(better) == pytest.approx(0.3, abs=0.01)
    assert np.std(better) < 0.8 * np.std(plain)
    assert claims / 600 == pytest.approx(0.05, abs=0.025)


@given(COUNTS, st.integers(0, 99))
def test_knowing_nothing_before_changes_nothing(n, seed):
    total = n * np.random.default_rng(seed).normal(4, 1, len(n))
    none = np.zeros(len(n))
    ours, base = covariate_adjusted_difference(total, n, none, 2 * total, n, none)
    assert ours == pytest.approx(total)
    assert base == pytest.approx(2 * total)


def test_the_design_effect_is_one_for_independent_events_and_more_for_bursts():
    rng = np.random.default_rng(4)
    n = np.full(2_000, 10)
    assert design_effect(rng.binomial(10, 0.1, 2_000), n) == pytest.approx(1, abs=0.1)
    assert design_effect(rng.binomial(10, rng.beta(0.9, 8.1, 2_000)), n) == pytest.approx(1.9, abs=0.2)
    assert design_effect([0, 0], [5, 5]) == design_effect([], []) == 1
