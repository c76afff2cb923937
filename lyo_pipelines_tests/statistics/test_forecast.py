"""Forecasts of the next run hold what they promise, say when little is known, and learn how wrong they were."""

from __future__ import annotations

import numpy as np
import pytest

from lyo_pipelines.statistics.forecast import FeaturePrior, Forecaster, PastValues, ValueForecast, needed_scores

PRIORS = (FeaturePrior(0.0, 1e4), FeaturePrior(0.9, 2.0))
OFFSETS = {"small": -1.0, "large": 1.5, "one": 0.0, "other": 0.7}


def history(rng: np.random.Generator, n: int, spread: float = 0.2) -> PastValues:
    """Runs of two recipes on two machines; log seconds grow with log tokens."""
    tokens = rng.uniform(5, 10, n)
    groups = [(str(rng.choice(["small", "large"])), str(rng.choice(["one", "other"]))) for _ in range(n)]
    y = 0.8 * tokens + np.array([OFFSETS[a] + OFFSETS[b] for a, b in groups]) + rng.normal(0, spread, n)
    x = np.column_stack([np.ones(n), tokens])
    return PastValues(x, x, y, groups)


def forecast(past: PastValues, x: np.ndarray, groups: tuple[str, str], confidence: float = 0.9) -> ValueForecast:
    found = Forecaster(past, PRIORS, 0.3).forecast(x, groups, confidence)
    assert found is not None
    return found


@pytest.mark.parametrize("n", [5, 20])
def test_ninety_percent_hold_about_nine_of_ten_later_runs(n):
    rng, held, tries = np.random.default_rng(n), 0, 60
    for _ in range(tries):
        past = history(rng, n + 1)
        found = forecast(past.first(n), past.x[n], past.groups[n])
        held += found.low <= past.y[n] <= found.high
    # 0.9 minus and plus three standard errors of so many tries
    assert 0.78 <= held / tries <= 1.0


def test_with_more_runs_the_interval_gets_narrower_and_is_held_against_the_past():
    past = history(np.random.default_rng(1), 40)
    few, many = (forecast(past.first(n), np.array([1.0, 7.0]), ("small", "one")) for n in (4, 40))
    assert many.high - many.low < (few.high - few.low) / 2
    assert (few.calibrated, many.calibrated) == (False, True)
    assert (many.runs, many.scores) == (40, 37)


def test_a_recipe_that_never_ran_is_wider_than_one_that_did():
    past = history(np.random.default_rng(2), 20)
    known, unknown = (forecast(past, np.array([1.0, 7.0]), (name, "one")) for name in ("small", "never seen"))
    assert unknown.high - unknown.low > 2 * (known.high - known.low)
    assert unknown.alike == 0 < known.alike


def test_where_the_model_is_too_sure_its_level_rises():
    rng = np.random.default_rng(3)
    past = history(rng, 40)
    # what was known before each run was a bad guess of what it turned out to be
    guessed = past.planned + np.column_stack([np.zeros(40), rng.normal(0, 1.5, 40)])
    found = forecast(PastValues(past.x, guessed, past.y, past.groups), np.array([1.0, 7.0]), ("small", "one"))
    assert found.level > 0.99
    honest = forecast(past, np.array([1.0, 7.0]), ("small", "one"))
    assert found.high - found.low > 2 * (honest.high - honest.low)


def test_without_a_run_there_is_no_forecast_and_nine_make_a_corrected_one():
    nothing = PastValues(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), [])
    assert Forecaster(nothing, PRIORS, 0.3).forecast(np.ones(2), ("a", "b"), 0.9) is None
    assert (needed_scores(0.9), needed_scores(0.8)) == (9, 4)
