"""Tests on counts: users by arm, rare events, shares; published examples, and error rates under repeated looks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from lyo_pipelines.statistics.correction import benjamini_hochberg, holm
from lyo_pipelines.statistics.events import rise_p_value
from lyo_pipelines.statistics.proportions import clopper_pearson, wilson
from lyo_pipelines.statistics.sample_ratio import mismatch_p_value

P_VALUES = st.lists(st.floats(0, 1), max_size=30)
BENJAMINI_HOCHBERG_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


@pytest.mark.parametrize(
    ("successes", "n", "score", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_the_intervals_of_newcombe_s_table(successes, n, score, exact):
    """Newcombe, Statistics in Medicine 17, 1998, table I."""
    assert wilson(successes, n) == pytest.approx(score, abs=6e-5)
    assert clopper_pearson(successes, n) == pytest.approx(exact, abs=6e-5)


@pytest.mark.parametrize("n", [1, 7, 40])
def test_the_exact_interval_never_covers_less_than_promised(n):
    limits = [clopper_pearson(k, n) for k in range(n + 1)]
    for share in np.linspace(0.003, 0.997, 200):
        covered = sum(binom.pmf(k, n, share) for k, (low, high) in enumerate(limits) if low <= share <= high)
        assert covered >= 0.95 - 1e-9


def test_without_trials_an_exact_interval_knows_nothing():
    assert clopper_pearson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="k"):
        clopper_pearson(3, 2)


def test_benjamini_and_hochberg_s_own_example_finds_four_where_bonferroni_finds_three():
    """Table 1 of their paper (1995): thrombolysis, fifteen endpoints."""
    adjusted = benjamini_hochberg(BENJAMINI_HOCHBERG_1995)
    assert sum(p <= 0.05 for p in adjusted) == 4
    assert sum(p * 15 <= 0.05 for p in BENJAMINI_HOCHBERG_1995) == 3
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)


@given(P_VALUES)
def test_the_false_discovery_rate_is_never_harsher_than_holm(p):
    assert all(a <= b + 1e-12 for a, b in zip(benjamini_hochberg(p), holm(p), strict=True))


def test_among_findings_the_false_ones_are_as_rare_as_promised():
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(1_500):
        p = np.r_[rng.uniform(size=16), rng.beta(0.05, 10, 4)]
        found = np.array(benjamini_hochberg(p.tolist())) <= 0.1
        shares.append(found[:16].sum() / max(1, found.sum()))
    assert np.mean(shares) == pytest.approx(0.1 * 16 / 20, abs=0.02)
    with pytest.raises(ValueError, match="lie in"):
        benjamini_hochberg([1.5])


@pytest.mark.parametrize(
    ("counts", "shares", "p_value"),
    [
        ((60, 140), (0.5, 0.5), 3.421586668544247e-05),
        ((105, 695), (0.1, 0.9), 0.0938804131263208),
        ((240, 260, 310), (0.3, 0.3, 0.4), 4.101959585360242),
    ],
)
def test_the_sample_ratio_test_agrees_with_savvi(counts, shares, p_value):
    """Version 0.3.1 by the first author of the method, `Multinomial(alpha, theta_0, k=100)`; a p-value is 1 at most."""
    assert mismatch_p_value(counts, shares) == pytest.approx(min(1, p_value), rel=1e-9)


def test_looked_at_every_day_a_healthy_assignment_is_hardly_ever_called_sick_and_a_sick_one_is():
    rng = np.random.default_rng(2)
    days = 40
    arrivals = np.full(days, 60)

    def first_days(share: float, runs: int) -> list[tuple[bool, bool]]:
        found = []
        for _ in range(runs):
            ours = rng.binomial(arrivals, share).cumsum()
            looks = [(ours[day], arrivals[: day + 1].sum() - ours[day]) for day in range(days)]
            ours_ever = any(mismatch_p_value(look, [0.1, 0.9]) < 0.05 for look in looks)
            daily = any(chisquare(look, [0.1 * sum(look), 0.9 * sum(look)]).pvalue < 0.05 for look in looks)
            found.append((ours_ever, daily))
        return found

    healthy = np.mean(first_days(0.1, 200), axis=0)
    assert healthy[0] <= 0.05 + 0.02
    assert healthy[1] > 0.2  # a chi-square test every day
    assert np.mean(first_days(0.06, 40), axis=0)[0] > 0.95


@pytest.mark.parametrize("shares", [(0.5, 0.6), (0.0, 1.0), (1.0,)])
def test_shares_that_make_no_sense_are_refused(shares):
    with pytest.raises(ValueError, match="sum to 1"):
        mismatch_p_value([5, 5], shares)


def test_one_rate_ratio_is_wald_s_likelihood_ratio_and_the_p_value_is_of_their_mean():
    share, count, base = 0.1, 8, 18
    raised = [share * k / (share * k + 1 - share) for k in (2, 4, 8)]
    ratios = [(r / share) ** count * ((1 - r) / (1 - share)) ** base for r in raised]
    assert rise_p_value(count, 200, base, 1800) == pytest.approx(1 / np.mean(ratios))


def test_looked_at_after_every_portion_equal_error_rates_are_told_apart_no_more_often_than_promised():
    rng = np.random.default_rng(3)
    false = found = 0
    for _ in range(300):
        ours, base = rng.binomial(8, 0.01, 100).cumsum(), rng.binomial(72, 0.01, 100).cumsum()
        worse = rng.binomial(8, 0.08, 100).cumsum()
        exposures = 8 * np.arange(1, 101)
        looks = range(6, 100)
        false += any(rise_p_value(ours[k], exposures[k], base[k], 9 * exposures[k]) < 0.05 for k in looks)
        found += any(rise_p_value(worse[k], exposures[k], base[k], 9 * exposures[k]) < 0.05 for k in range(6, 25))
    assert false / 300 <= 0.05
    assert found / 300 > 0.98


def test_errors_in_bursts_weigh_less_and_no_exposure_says_nothing():
    assert rise_p_value(8, 200, 18, 1800, dispersion=3) > rise_p_value(8, 200, 18, 1800)
    assert rise_p_value(0, 0, 5, 100) == rise_p_value(5, 100, 0, 0) == rise_p_value(0, 1000, 9_000, 9_000) == 1
