"""Changes split into mix and within: what is conserved, what mix cannot do, and by simulation the errors that are promised."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.statistics.stratified import (
    MINIMUM_BASE,
    Sums,
    moderated_variance,
    pooled_variance,
    stratified_changes,
)

STRATA = 4
VALUES = st.integers(1, 5).map(float)
ROWS = st.lists(st.tuples(st.integers(0, STRATA - 1), VALUES), max_size=60)
ONE_GROUP = np.zeros(STRATA, dtype=np.int64)


def sums(rows: list[tuple[int, float]], strata: int = STRATA) -> Sums:
    at = np.array([stratum for stratum, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.float64)
    weights = (np.ones_like(values), values, values**2)
    return Sums(*(np.bincount(at, weights=weight, minlength=strata).astype(float) for weight in weights))


def compared(now, base):
    return stratified_changes(ONE_GROUP, 1, sums(now), sums(base))


def everywhere(shift: float = 0.0) -> list[tuple[int, float]]:
    """Strata at levels 1, 2, 3, 4, each with a spread."""
    return [(stratum, stratum + 1 + shift + spread) for stratum in range(STRATA) for spread in (-0.5, 0, 0.5)]


@given(ROWS, ROWS, st.integers(0, STRATA - 1))
def test_mix_and_within_add_up_to_the_change_of_the_mean(now, base, known):
    now, base = [*now, (known, 3.0)], [*base, *[(known, 4.0)] * MINIMUM_BASE]
    found = compared(now, base)
    plain = np.mean([value for _, value in now]) - np.mean([value for _, value in base])
    assert found.within[0] + found.mix[0] == pytest.approx(plain, abs=1e-9)


@given(st.lists(st.integers(1, 30), min_size=STRATA, max_size=STRATA), st.floats(-3, 3))
def test_a_shift_of_every_stratum_is_the_change_within_whatever_the_mix(copies, shift):
    now = [
        row
        for stratum, times in enumerate(copies)
        for row in everywhere(shift)
        if row[0] == stratum
        for _ in range(times)
    ]
    found = compared(now, everywhere())
    assert found.within[0] == pytest.approx(shift, abs=1e-9)
    assert found.coverage[0] == 1
    if shift == 0:
        assert found.mix[0] == pytest.approx(np.mean([v for _, v in now]) - 2.5, abs=1e-9)


def test_a_pure_change_of_mix_changes_nothing_within():
    found = compared([row for row in everywhere() if row[0] == 0] * 9 + everywhere(), everywhere())
    assert found.within[0] == pytest.approx(0)
    assert found.mix[0] < -1


@given(ROWS, ROWS)
def test_it_equals_the_computation_row_by_row(now, base):
    found = compared(now, base)
    level = {
        s: np.mean([v for at, v in base if at == s])
        for s in range(STRATA)
        if sum(at == s for at, _ in base) >= MINIMUM_BASE
    }
    inside = [(s, v) for s, v in now if s in level]
    if not inside:
        assert math.isnan(found.within[0])
        assert not found.coverage[0] > 0
        return
    expected = np.mean([level[s] for s, _ in inside])
    assert found.expected[0] == pytest.approx(expected)
    assert found.within[0] == pytest.approx(np.mean([v for _, v in inside]) - expected)
    assert found.coverage[0] == pytest.approx(len(inside) / len(now))
    assert (found.n[0], found.n_base[0]) == (len(now), len(base))


@given(ROWS, ROWS, ROWS, ROWS)
def test_a_group_does_not_see_the_others(now, base, other_now, other_base):
    alone = compared(now, base)
    shifted = [[(s + STRATA, v) for s, v in rows] for rows in (other_now, other_base)]
    group = np.repeat(np.arange(2), STRATA)
    both = stratified_changes(group, 2, sums(now + shifted[0], 2 * STRATA), sums(base + shifted[1], 2 * STRATA))
    for name in vars(alone):
        assert np.allclose(getattr(alone, name)[0], getattr(both, name)[0], equal_nan=True), name


def test_a_stratum_that_the_baseline_hardly_knows_is_not_compared():
    found = compared([(0, 5.0)] * 3 + [(1, 1.0)], [(0, 4.0)] * 3 + [(1, 5.0)] * (MINIMUM_BASE - 1))
    assert found.within[0] == 1
    assert found.coverage[0] == 0.75


def test_without_any_rows_nothing_is_known():
    found = compared([], [])
    assert (found.n[0], found.n_base[0]) == (0, 0)
    assert all(np.isnan(getattr(found, name)[0]) for name in ("mean", "within", "mix", "standard_error", "coverage"))


@given(ROWS)
def test_the_pooled_variance_is_that_of_deviations_from_the_strata_s_means(rows):
    found = pooled_variance(ONE_GROUP, 1, sums(rows))[0]
    by_stratum = [[v for s, v in rows if s == stratum] for stratum in range(STRATA)]
    degrees_of_freedom = sum(len(values) - 1 for values in by_stratum if values)
    if degrees_of_freedom <= 0:
        assert math.isnan(found)
    else:
        spread = sum(np.var(values) * len(values) for values in by_stratum if values)
        assert found == pytest.approx(spread / degrees_of_freedom, abs=1e-9)


def test_the_standard_error_is_that_of_many_repetitions():
    rng = np.random.default_rng(4)
    sizes_now, sizes_base, runs = np.array([40, 10, 5, 60]), np.array([20, 80, 9, 30]), 3_000
    level = np.arange(STRATA)

    def windows(sizes):
        stratum = np.repeat(np.arange(STRATA), sizes)
        values = level[stratum] + rng.normal(0, 1.3, (runs, stratum.size))
        at = (np.arange(runs)[:, None] * STRATA + stratum).ravel()
        weights = (np.ones_like(values), values, values**2)
        n, total, squares = (np.bincount(at, w.ravel(), runs * STRATA).astype(float) for w in weights)
        return Sums(n, total, squares)

    found = stratified_changes(np.repeat(np.arange(runs), STRATA), runs, windows(sizes_now), windows(sizes_base))
    assert found.standard_error.mean() == pytest.approx(found.within.std(), rel=0.05)
    assert (np.abs(found.within) < 1.96 * found.standard_error).mean() == pytest.approx(0.95, abs=0.02)


def test_moderated_variances_are_drawn_to_the_common_one_and_known_better():
    rng = np.random.default_rng(3)
    degrees_of_freedom = np.full(400, 8.0)
    truth = 1.7 * 20 / rng.chisquare(20, 400)
    seen = truth * rng.chisquare(8, 400) / 8
    found, known = moderated_variance(seen, degrees_of_freedom)
    assert np.mean((np.log(found) - np.log(truth)) ** 2) < 0.6 * np.mean((np.log(seen) - np.log(truth)) ** 2)
    assert (known > 8).all() and 8 < known[0] - 8 < 60, "about 20 degrees of freedom more"
    assert found[np.argmax(seen)] < seen.max() and found[np.argmin(seen)] > seen.min()


def test_variances_that_are_all_alike_are_taken_for_one():
    rng = np.random.default_rng(4)
    seen = rng.chisquare(8, 400) / 8
    found, known = moderated_variance(seen, np.full(400, 8.0))
    assert np.ptp(found) < 0.3 * np.ptp(seen) and known[0] > 30


def test_few_groups_keep_their_own_variance():
    ratio, degrees_of_freedom = np.array([0.5, 1.0, 4.0, np.nan, np.inf]), np.full(5, 31.0)
    found, known = moderated_variance(ratio, degrees_of_freedom)
    assert np.array_equal(found, ratio, equal_nan=True) and np.array_equal(known, degrees_of_freedom)


def test_a_baseline_that_hardly_knows_todays_mix_is_worth_little():
    """990 of the baseline's values are of one topic, and today's are all of the other."""
    now, base = (
        Sums(*(np.array(n, dtype=np.float64) for n in (sizes, sizes, sizes))) for sizes in ([0, 100], [990, 10])
    )
    found = stratified_changes(np.zeros(2, np.int64), 1, now, base)
    assert found.worth[0] == pytest.approx(10)
    assert found.n_base[0] == 1000


def test_a_variance_of_which_nothing_is_known_stays_unknown_among_many():
    ratio, degrees_of_freedom = np.r_[np.linspace(0.8, 1.4, 30), np.inf], np.r_[np.full(30, 20.0), 0.0]
    found, _ = moderated_variance(ratio, degrees_of_freedom)
    assert np.isfinite(found[:-1]).all() and np.isinf(found[-1])
