"""Tests on counts: users by arm, rare events, shares; published examples, and error rates under repeated looks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from lyo_pipelines.statistics.proportions import wilson_bounds
from lyo_pipelines.statistics.rare_events import rise_p_value
from lyo_pipelines.statistics.sample_ratio import sample_ratio_p_value


@pytest.mark.parametrize(
    ("successes", "n", "score"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_the_intervals_of_newcombe_s_table(successes, n, score):
    """Newcombe, Statistics in Medicine 17, 1998, table I."""
    assert wilson_bounds(successes, n, 1.959964) == pytest.approx(score, abs=6e-5)


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
    assert sample_ratio_p_value(counts, shares) == pytest.approx(min(1, p_value), rel=1e-9)


def test_looked_at_every_day_a_healthy_assignment_is_hardly_ever_called_sick_and_a_sick_one_is():
    rng = np.random.default_rng(2)
    days = 40
    arrivals = np.full(days, 60)

    def first_days(share: float, runs: int) -> list[tuple[bool, bool]]:
        found = []
        for _ in range(runs):
            ours = rng.binomial(arrivals, share).cumsum()
            looks = [(ours[day], arrivals[: day + 1].sum() - ours[day]) for day in range(days)]
            ours_ever = any(sample_ratio_p_value(look, [0.1, 0.9]) < 0.05 for look in looks)
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
        sample_ratio_p_value([5, 5], shares)


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
