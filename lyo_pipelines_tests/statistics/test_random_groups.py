"""Users in random groups: the formulas against plain counts, and by simulation the errors that they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from lyo_pipelines.statistics.cluster_robust import cluster_robust_ratio
from lyo_pipelines.statistics.random_groups import (
    MINIMUM_GROUPS,
    dominant_groups,
    grouped_degrees_of_freedom,
    grouped_ratio,
    random_groups_error,
    share_change_dispersion,
    share_dispersion,
)

COUNTS = arrays(np.int64, (3, 12), elements=st.integers(0, 30))


def people_in_groups(rng, runs: int, users: int, *, habit: float, steepness: float, answers: int = 420):
    """n and total of one window by 32 random groups; users differ in level (true mean 0) and in how much they write."""
    share = np.arange(1, users + 1) ** -steepness
    n, total = np.zeros((runs, 32)), np.zeros((runs, 32))
    for run in range(runs):
        group, level = rng.integers(0, 32, users), rng.normal(0, habit, users)
        count = rng.multinomial(rng.poisson(answers), share / share.sum())
        n[run] = np.bincount(group, count, 32)
        total[run] = np.bincount(group, count * level + rng.normal(0, 0.7, users) * np.sqrt(count), 32)
    return n, total


@pytest.mark.parametrize(
    ("users", "habit", "steepness"), [(30, 0.7, 0.0), (50, 0.5, 0.7), (300, 0.3, 0.5), (900, 0.0, 0.3)]
)
def test_bounds_far_out_err_no_more_often_than_promised_whatever_habits_users_have(users, habit, steepness):
    n, total = people_in_groups(np.random.default_rng(11), 1_500, users, habit=habit, steepness=steepness)
    kept = ~dominant_groups(n)
    found = grouped_ratio(n * kept, total * kept)
    width = stats.t.ppf(1 - 0.005, np.maximum(1, found.degrees_of_freedom)) * found.standard_error
    missed = (np.abs(found.value) > width).mean()
    assert missed < 0.01 + 3 * math.sqrt(0.01 * 0.99 / 1_500)


def test_groups_that_wrote_alike_have_the_degrees_of_freedom_of_their_number():
    assert grouped_degrees_of_freedom(np.full((1, 20), 0.05))[0] == pytest.approx(19)
    assert grouped_degrees_of_freedom(np.zeros((1, 20)))[0] == 0


def test_where_one_group_wrote_nearly_everything_little_is_known():
    share = np.r_[0.8, np.full(20, 0.01)]
    assert grouped_degrees_of_freedom(share[None, :])[0] < 2


@given(COUNTS)
def test_the_ratio_is_that_of_the_sums_and_its_error_at_least_that_of_whole_clusters(n):
    total = n * np.linspace(1, 5, n.shape[1])
    found = grouped_ratio(n.astype(float), total)
    for row in range(len(n)):
        one = cluster_robust_ratio(total[row], n[row])
        assert found.value[row] == pytest.approx(one.value, nan_ok=True)
        if (n[row] > 0).sum() >= MINIMUM_GROUPS:
            # leaving a group out moves the ratio by more than its residual where it has weight
            share = (n[row] > 0).sum()
            assert found.standard_error[row] >= one.standard_error * (share - 1) / share - 1e-9


def test_few_groups_are_no_evidence_and_no_group_is_nothing():
    few = np.zeros((2, 32))
    few[0, :4] = 10
    assert grouped_ratio(few, few * 3).standard_error.tolist() == pytest.approx([math.inf, math.nan], nan_ok=True)
    assert share_dispersion(few, few / 2)[0] == math.inf
    assert share_change_dispersion(few, few / 2, few, few / 5).tolist() == [math.inf, 1.0]


def test_a_group_that_wrote_too_much_is_left_out_by_how_much_it_wrote_and_never_by_what():
    n = np.full((3, 32), 5.0)
    n[0, 7], n[1, 7] = 40, 12
    n[2, 9:] = 0  # nine groups: where so few are left, nobody is left out
    n[2, 7] = 40
    assert dominant_groups(n).nonzero()[0].tolist() == [0]
    assert dominant_groups(n).nonzero()[1].tolist() == [7]
    assert dominant_groups(np.full((1, 32), 5.0), n[:1]).sum() == 1, "in the other window"


def test_where_little_was_written_nobody_wrote_too_much():
    n = np.zeros((1, 32))
    n[0, :14] = 1
    n[0, 3] = 6
    assert not dominant_groups(n).any()


def test_events_of_one_user_are_worth_one_and_those_of_many_what_they_are():
    n = np.full((2, 32), 25.0)
    events = np.zeros((2, 32))
    events[0, 4] = 6
    events[1, ::6] = 1
    base, none = np.full((2, 32), 100.0), np.zeros((2, 32))
    alone, many = share_change_dispersion(n, events, base, none)
    assert alone == pytest.approx(6, rel=0.1)
    assert many == pytest.approx(1, abs=0.1)


def by_user_group(rng, runs: int, *, shared: float, own: float, groups: int = 32, people: int = 20, each: int = 3):
    """n and total of both windows by random group; people have habits that show in both windows, and moods that show in one."""
    habit = rng.normal(0, shared, (runs, groups, people))
    parts = []
    for _ in range(2):
        mood = rng.normal(0, own, (runs, groups, people))
        answers = rng.poisson(each, (runs, groups, people))
        noise = rng.normal(0, 1, (runs, groups, people)) * np.sqrt(answers)
        parts += [answers.sum(-1).astype(float), ((habit + mood) * answers + noise).sum(-1)]
    return parts


@pytest.mark.parametrize(("shared", "own"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.5)])
def test_random_groups_cover_no_change_as_often_as_promised_though_users_differ(shared, own):
    n, total, n_base, total_base = by_user_group(np.random.default_rng(5), 1_500, shared=shared, own=own)
    change = total.sum(1) / n.sum(1) - total_base.sum(1) / n_base.sum(1)
    error = random_groups_error(n, total, n_base, total_base)
    assert (np.abs(change) < stats.t.ppf(0.975, 31) * error).mean() == pytest.approx(0.95, abs=0.02)


def test_what_users_add_to_one_window_makes_the_plain_error_too_small():
    n, total, n_base, total_base = by_user_group(np.random.default_rng(6), 1_000, shared=0.0, own=1.5)
    change = total.sum(1) / n.sum(1) - total_base.sum(1) / n_base.sum(1)
    plain = np.sqrt((1 + 1.5**2) * (1 / n.sum(1) + 1 / n_base.sum(1)))
    assert (np.abs(change) < 1.96 * plain).mean() < 0.85
    assert (np.abs(change) < 2.04 * random_groups_error(n, total, n_base, total_base)).mean() > 0.93


@given(st.lists(st.floats(-5, 5), min_size=32, max_size=32), st.integers(1, 9))
def test_what_users_add_to_both_windows_alike_cancels(habits, each):
    n = np.full((1, 32), float(each))
    total = n * np.array(habits)
    assert random_groups_error(n, total + 0.3 * n, n, total)[0] == pytest.approx(0, abs=1e-6)


@given(st.permutations(range(8)))
def test_which_group_users_fall_into_does_not_matter(order):
    parts = by_user_group(np.random.default_rng(7), 3, shared=1.0, own=1.0, groups=8)
    mixed = [part[:, order] for part in parts]
    assert np.allclose(random_groups_error(*parts), random_groups_error(*mixed))


def test_when_leaving_a_group_out_leaves_nothing_no_error_can_be_told():
    alone = np.zeros((1, 32))
    alone[0, 5] = 10.0
    assert math.isnan(random_groups_error(alone, alone * 4, np.ones((1, 32)), np.ones((1, 32)))[0])
