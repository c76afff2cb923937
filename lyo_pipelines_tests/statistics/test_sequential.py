"""Bounds for repeated looks: the reference values of confseq, and by simulation the error rate over all looks together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import log_ndtr, ndtri
from scipy.stats import norm, t

from lyo_pipelines.statistics.cluster_robust import cluster_robust_difference, cluster_robust_ratio
from lyo_pipelines.statistics.noninferiority import noninferiority_answer
from lyo_pipelines.statistics.sequential import best_rho, critical_distance, critical_value, sequential_bounds

ERROR = st.floats(0.001, 10)


def log_e_value(score: float, information: float, rho: float) -> float:
    """Logarithm of the one-sided mixture martingale; crossing log(1 / alpha) anywhere in time has probability alpha at most.

    score: estimate * information. Only positive scores are evidence.
    """
    scale = information + rho
    standard = score / math.sqrt(scale)
    return 0.5 * math.log(4 * rho / scale) + 0.5 * standard**2 + float(log_ndtr(standard))


def test_the_boundary_has_the_reference_values_of_confseq():
    """Those of its own tests (uniform_boundaries_unittest.cpp): mixture tuned at information 100 and alpha 0.05."""
    assert best_rho(100, 0.05) == pytest.approx(12.60056, abs=1e-5)
    assert log_e_value(10, 100, best_rho(100, 2 * 0.05)) == pytest.approx(-0.06502391, abs=1e-5)
    assert critical_value(100, 0.05, 100) * math.sqrt(100) == pytest.approx(27.66071, abs=1e-4)


@given(st.floats(-30, 60), st.floats(1, 500), st.floats(0.5, 100))
def test_the_e_value_is_the_mixture_it_claims_to_be(score, information, rho):
    def weighed(effect: float) -> float:
        return 2 * norm.pdf(effect, scale=rho**-0.5) * math.exp(effect * score - effect**2 * information / 2 - shift)

    top = max(score, 0) / (information + rho)
    shift = top * score - top**2 * information / 2
    width = 12 / math.sqrt(information + rho)
    integral = quad(weighed, max(0.0, top - width), top + width, limit=200, epsabs=0, epsrel=1e-10)[0]
    assert log_e_value(score, information, rho) == pytest.approx(math.log(integral) + shift, abs=1e-5)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_over_a_thousand_looks_a_walk_without_drift_is_excluded_no_more_often_than_promised(alpha):
    rng = np.random.default_rng(1)
    looks, walks = 1_000, 2_000
    scores = rng.normal(0, 1, (walks, looks)).cumsum(axis=1)
    information = np.arange(1.0, looks + 1)
    limit = np.array([critical_value(v, alpha, 100) * math.sqrt(v) for v in information])
    ever = (scores > limit).any(axis=1).mean()
    fixed = (scores > float(ndtri(1 - alpha)) * np.sqrt(information)).any(axis=1).mean()
    assert 0.25 * alpha < ever < alpha + 0.01
    assert fixed > 4 * alpha  # what looking at an interval for one look does


def test_users_who_go_on_rating_every_day_do_not_break_the_bounds():
    """Sixty users against four hundred, with habits and very different activity, looked at on each of thirty days."""
    rng = np.random.default_rng(2)
    excluded = {"users": 0, "rows": 0}
    runs = 400
    for _ in range(runs):
        habit, activity = rng.normal(0, 0.4, 460), rng.permutation(np.arange(1, 461) ** -0.6)
        n = rng.poisson(activity / activity.mean(), (30, 460))
        total = n * habit + rng.normal(0, 1, n.shape) * np.sqrt(n)
        counts, sums = n.cumsum(axis=0), total.cumsum(axis=0)
        out = {"users": False, "rows": False}
        for at in range(2, 30):
            found = cluster_robust_difference(
                cluster_robust_ratio(sums[at, :60], counts[at, :60]),
                cluster_robust_ratio(sums[at, 60:], counts[at, 60:]),
            )
            as_rows = math.sqrt(1.16 * (1 / counts[at, :60].sum() + 1 / counts[at, 60:].sum()))
            for name, error, degrees_of_freedom in (
                ("users", found.standard_error, found.degrees_of_freedom),
                ("rows", as_rows, math.inf),
            ):
                around = sequential_bounds(
                    found.estimate, error, confidence=0.95, planned_error=0.06, degrees_of_freedom=degrees_of_freedom
                )
                out[name] |= around.low > 0
        for name, was in out.items():
            excluded[name] += was
    assert excluded["users"] / runs <= 0.05 + 0.02
    assert excluded["rows"] / runs > 0.10


@given(ERROR, ERROR, st.floats(0.55, 0.995))
def test_more_confidence_and_fewer_users_make_wider_bounds_and_one_look_narrower_ones(error, planned, confidence):
    here = critical_distance(error, confidence=confidence, planned_error=planned)
    assert critical_distance(error, confidence=(1 + confidence) / 2, planned_error=planned) > here
    assert critical_distance(error, confidence=confidence, planned_error=planned, degrees_of_freedom=8) >= here
    assert float(ndtri(confidence)) < here


@given(ERROR, ERROR, st.floats(0.8, 1 - 1e-9), st.sampled_from([1, 2, 5, 30, 10_000]))
def test_bounds_over_all_looks_are_no_narrower_than_student_t_at_one_look(
    error, planned, confidence, degrees_of_freedom
):
    around = {"confidence": confidence, "planned_error": planned}
    width = critical_distance(error, degrees_of_freedom=degrees_of_freedom, **around)
    assert width >= t.ppf(confidence, degrees_of_freedom) * (1 - 1e-9)
    assert width >= critical_distance(error, degrees_of_freedom=math.inf, **around) * (1 - 1e-9)


@given(ERROR, ERROR)
def test_the_critical_value_solves_its_equation(error, planned):
    information = error**-2
    found = critical_value(information, 0.05, planned**-2)
    reached = log_e_value(found * math.sqrt(information), information, best_rho(planned**-2, 0.1))
    assert reached == pytest.approx(-math.log(0.05), abs=1e-6)


def test_where_nothing_is_known_nothing_is_excluded():
    for estimate, error, degrees_of_freedom in (
        (math.nan, 1.0, 9.0),
        (1.0, math.nan, 9.0),
        (1.0, 0.0, 9.0),
        (1.0, 0.1, 0.5),
    ):
        around = sequential_bounds(
            estimate, error, confidence=0.9, planned_error=0.1, degrees_of_freedom=degrees_of_freedom
        )
        assert (around.low, around.high) == (-math.inf, math.inf)
    assert not math.isfinite(critical_distance(1e-9, confidence=0.9, planned_error=1e9, degrees_of_freedom=0.0))
    assert (
        critical_distance(1.0, confidence=0.9, planned_error=1e-9, degrees_of_freedom=3.0) > 1e6
    )  # far beyond any table of Student's t
    for confidence, planned in ((1.0, 1.0), (0.5, 1.0), (0.9, 0.0)):
        with pytest.raises(ValueError, match="confidence lies in"):
            critical_distance(1.0, confidence=confidence, planned_error=planned)


def test_a_difference_that_is_not_significant_is_not_yet_not_worse():
    assert noninferiority_answer(-0.30, 0.20, 0.1) == "undecided"
    assert noninferiority_answer(-0.05, 0.20, 0.1) == "not_worse"
    assert noninferiority_answer(-0.30, -0.15, 0.1) == "worse"
