"""The paired comparison by group: its numbers, its symmetries, and by simulation its coverage and its error rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lyo_pipelines.statistics import bootstrap
from lyo_pipelines.statistics.bootstrap import (
    bootstrap_mean_by_group,
    paired_bootstrap_by_group,
    sign_flip_p_value,
)
from lyo_pipelines_tests.hypothesis_profile import draws

VALUE = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))
ITEMS = st.lists(st.tuples(VALUE, VALUE, st.integers(0, 6), st.integers(1, 50)), min_size=1, max_size=40)


def simulated(rng: np.random.Generator, *, groups: int = 60, effect: float = 0.0):
    """Two models on items in groups of 1 to 5 whose differences share a group effect; weights like token counts."""
    labels = np.repeat(np.arange(groups), rng.integers(1, 6, groups))
    shared = rng.normal(0, 1, groups)[labels]
    b = rng.gamma(2, 1, labels.size)
    a = b + effect + shared + rng.normal(0, 1, labels.size)
    return a, b, labels, rng.integers(5, 100, labels.size)


def test_a_95_percent_interval_covers_the_truth_95_times_in_100_and_the_test_keeps_its_level():
    rng = np.random.default_rng(11)
    covered = rejected = 0
    for run in range(500):
        a, b, labels, weights = simulated(rng, effect=0.3)
        found = paired_bootstrap_by_group(a, b, labels, weights=weights, resamples=1_500, seed=run)
        covered += found.low <= 0.3 <= found.high
        null = paired_bootstrap_by_group(a - 0.3, b, labels, weights=weights, resamples=1_500, seed=run)
        rejected += null.p_value < 0.05
    assert 0.92 <= covered / 500 <= 0.98
    assert 0.02 <= rejected / 500 <= 0.08


def test_resampling_items_as_if_they_were_independent_would_cover_too_rarely():
    rng = np.random.default_rng(12)
    by_group = by_item = 0
    for run in range(200):
        labels = np.repeat(np.arange(40), 6)
        a, b = rng.normal(0, 1, 40)[labels] + rng.normal(0, 0.3, 240), np.zeros(240)
        grouped = paired_bootstrap_by_group(a, b, labels, resamples=1_000, seed=run)
        single = paired_bootstrap_by_group(a, b, np.arange(240), resamples=1_000, seed=run)
        by_group += grouped.low <= 0 <= grouped.high
        by_item += single.low <= 0 <= single.high
    assert by_group / 200 > 0.9
    assert by_item / 200 < 0.75


def test_on_few_discordant_right_or_wrong_answers_the_test_keeps_its_level():
    """Four answers gained and none lost in 100 is a one-in-eight event: a plain bootstrap would call it a finding."""
    before = np.zeros(100)
    after = before.copy()
    after[:4] = 1
    found = paired_bootstrap_by_group(after, before, np.arange(100), seed=3)
    assert found.p_value == pytest.approx(2 / 2**4, abs=0.015)


@given(ITEMS, st.integers(0, 5))
@settings(max_examples=draws(40))
def test_swapping_the_two_models_only_changes_the_sign(items, seed):
    a, b, groups, weights = (list(column) for column in zip(*items, strict=True))
    ours = paired_bootstrap_by_group(a, b, groups, weights=weights, resamples=1_000, seed=seed)
    theirs = paired_bootstrap_by_group(b, a, groups, weights=weights, resamples=1_000, seed=seed)
    assert theirs.estimate == pytest.approx(-ours.estimate, abs=1e-9)
    assert (theirs.low, theirs.high) == pytest.approx((-ours.high, -ours.low), abs=1e-6, nan_ok=True)
    assert theirs.p_value == ours.p_value


@given(ITEMS)
@settings(max_examples=draws(40))
def test_identical_models_never_differ(items):
    a, _, groups, weights = (list(column) for column in zip(*items, strict=True))
    found = paired_bootstrap_by_group(a, a, groups, weights=weights, resamples=1_000)
    assert found.estimate == 0
    assert found.p_value == 1
    assert len(set(groups)) < 2 or (found.low, found.high) == (0, 0)


@given(ITEMS)
@settings(max_examples=draws(40))
def test_the_estimate_is_the_ratio_of_sums_and_lies_in_its_interval_range(items):
    a, b, groups, weights = (np.array(column) for column in zip(*items, strict=True))
    found = paired_bootstrap_by_group(a, b, groups, weights=weights, resamples=1_000)
    assert found.estimate == pytest.approx(((a - b) * weights).sum() / weights.sum(), abs=1e-9)
    assert 0 < found.p_value <= 1
    assert found.groups == len(set(groups.tolist()))
    if found.groups > 1:
        assert found.low <= found.high


def test_the_order_of_items_does_not_matter():
    a, b, labels, weights = simulated(np.random.default_rng(1))
    mixed = np.random.default_rng(2).permutation(a.size)
    first = paired_bootstrap_by_group(a, b, labels, weights=weights, seed=4)
    second = paired_bootstrap_by_group(a[mixed], b[mixed], labels[mixed], weights=weights[mixed], seed=4)
    assert (first.low, first.high, first.p_value) == pytest.approx((second.low, second.high, second.p_value))


def test_small_chunks_of_memory_give_the_same_numbers(monkeypatch):
    a, b, labels, weights = simulated(np.random.default_rng(5))
    whole = paired_bootstrap_by_group(a, b, labels, weights=weights, seed=4)
    monkeypatch.setattr(bootstrap, "CELLS_PER_CHUNK", 7_000)
    chunked = paired_bootstrap_by_group(a, b, labels, weights=weights, seed=4)
    assert (chunked.low, chunked.high, chunked.p_value) == pytest.approx((whole.low, whole.high, whole.p_value))


def test_it_agrees_with_scipy_where_scipy_can_do_it():
    rng = np.random.default_rng(8)
    a, b = rng.gamma(2, 1, 80), rng.gamma(2, 1, 80) + 0.2
    ours = paired_bootstrap_by_group(a, b, np.arange(80), resamples=20_000, seed=1)
    scipys = stats.bootstrap((a - b,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(2))
    interval = scipys.confidence_interval
    width = interval.high - interval.low
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), abs=0.05 * width)
    assert ours.standard_error == pytest.approx(scipys.standard_error, rel=0.05)


def test_the_sign_flip_test_agrees_with_the_exact_one():
    differences = np.array([0.9, -0.2, 1.4, 0.3, 0.8, -0.1, 0.5, 1.1])
    exact = stats.permutation_test(
        (differences, np.zeros(8)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    ours = sign_flip_p_value(differences, resamples=40_000, rng=np.random.default_rng(1))
    assert ours == pytest.approx(exact.pvalue, abs=0.006)


def test_one_group_says_nothing():
    found = paired_bootstrap_by_group([1.0, 2.0], [0.0, 0.0], ["g", "g"])
    assert (found.estimate, found.p_value) == (1.5, 1.0)
    assert np.isnan(found.low)
    assert np.isnan(found.standard_error)
    assert np.isnan(bootstrap_mean_by_group([1.0, 2.0], ["g", "g"]).low)


def test_a_mean_has_an_interval_too():
    found = bootstrap_mean_by_group(np.arange(100.0), np.arange(100), seed=2)
    assert found.estimate == 49.5
    assert 42 < found.low < 45
    assert 54 < found.high < 57


def test_a_constant_difference_has_a_point_for_an_interval():
    found = paired_bootstrap_by_group(np.ones(20), np.zeros(20), np.arange(20))
    assert (found.low, found.high) == (1, 1)
    assert found.p_value < 0.001


@pytest.mark.parametrize(
    ("a", "b", "groups", "weights", "message"),
    [
        ([], [], [], None, "one value per item"),
        ([1.0], [np.nan], ["g"], None, "nan"),
        ([1.0, 2.0], [1.0, 2.0], ["g"], None, "differ in length"),
        ([1.0], [1.0], ["g"], [0.0], "not all 0"),
        ([1.0, 1.0], [1.0, 1.0], ["g", "h"], [-1.0, 3.0], ">= 0"),
    ],
)
def test_input_that_makes_no_sense_is_refused(a, b, groups, weights, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap_by_group(a, b, groups, weights=weights)
