"""Statistics of a whole set: symmetries, agreement with the mean's own test, and the error rate under a true null hypothesis."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.statistics.bootstrap import bootstrap_mean_by_group, paired_bootstrap_by_group
from lyo_pipelines.statistics.set_level import paired_whole_by_group, whole_by_group
from lyo_pipelines_tests.hypothesis_profile import draws

Pair = tuple[int, int]
"""What was said, and what should have been said."""


def mean(outputs) -> float:
    return sum(outputs) / len(outputs)


def macro_f1(outputs) -> float:
    said, wanted = Counter(a for a, _ in outputs), Counter(b for _, b in outputs)
    right = Counter(b for a, b in outputs if a == b)
    return sum(2 * right[label] / (said[label] + wanted[label]) for label in wanted) / len(wanted)


def answers(rng: np.random.Generator, n: int, skill: tuple[float, float]) -> tuple[list[Pair], list[Pair], list[int]]:
    """Two systems on unbalanced labels in groups of two, alike within a group: half of the time a group's luck decides for both."""
    groups = (np.arange(n) // 2).tolist()
    wanted, luck, shared = rng.choice(3, n, p=[0.6, 0.25, 0.15]), rng.random(n), rng.random(n) < 0.5

    def system(share: float) -> list[Pair]:
        chance = np.where(shared, luck[groups], rng.random(n))
        said = np.where(chance < share, wanted, rng.integers(0, 3, n))
        return list(zip(said.tolist(), wanted.tolist(), strict=True))

    return system(skill[0]), system(skill[1]), groups


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=draws(15))
def test_swapping_the_systems_turns_the_signs_and_nothing_else(seed, one, other):
    a, b, groups = answers(np.random.default_rng(seed), 40, (one, other))
    there = paired_whole_by_group(a, b, macro_f1, groups, resamples=100, seed=1)
    back = paired_whole_by_group(b, a, macro_f1, groups, resamples=100, seed=1)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))
    assert (there.p_value, there.standard_error) == pytest.approx((back.p_value, back.standard_error))


def test_of_a_mean_it_says_what_the_test_for_means_says():
    rng = np.random.default_rng(4)
    a, b, groups = rng.normal(0.3, 1, 80).tolist(), rng.normal(0, 1, 80).tolist(), (np.arange(80) // 2).tolist()
    slow = paired_whole_by_group(a, b, mean, groups, resamples=4_000, seed=1)
    fast = paired_bootstrap_by_group(a, b, groups, resamples=10_000, seed=2)
    assert slow.estimate == pytest.approx(fast.estimate)
    assert slow.p_value == pytest.approx(fast.p_value, abs=0.03)
    assert (slow.low, slow.high) == pytest.approx((fast.low, fast.high), abs=0.04)
    alone, known = whole_by_group(a, mean, groups, seed=1), bootstrap_mean_by_group(a, groups)
    assert (alone.estimate, alone.n, alone.groups) == (pytest.approx(known.estimate), 80, 40)
    assert (alone.low, alone.high) == pytest.approx((known.low, known.high), abs=0.04)


def test_identical_systems_differ_in_nothing():
    a, _, groups = answers(np.random.default_rng(1), 40, (0.5, 0.5))
    found = paired_whole_by_group(a, list(a), macro_f1, groups, resamples=200)
    assert (found.estimate, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_whole_groups_stay_together():
    """Ten items of one group are worth one: the interval of 4 groups is as wide as that of 4 items."""
    few, groups = [0.0, 1.0, 0.0, 1.0], list("abcd")
    wide = whole_by_group([value for value in few for _ in range(10)], mean, [g for g in groups for _ in range(10)])
    narrow = whole_by_group(few, mean, groups)
    assert (wide.low, wide.high, wide.groups) == (narrow.low, narrow.high, 4)


@pytest.mark.slow
def test_two_equally_good_systems_are_told_apart_no_more_often_than_promised():
    """200 test sets of 50 items under a true null hypothesis: at 5 % some 10 findings, more than 18 in less than 1 % of the cases."""
    rng = np.random.default_rng(11)
    found = [
        paired_whole_by_group(*answers_first(rng), resamples=150, seed=number, confidence=0.95) for number in range(200)
    ]
    assert sum(result.p_value < 0.05 for result in found) <= 18
    # percentile intervals of 25 groups with a rare class are a little narrow (90 %): a verdict needs the p-value as well
    assert sum(result.low <= 0 <= result.high for result in found) >= 168


def answers_first(rng: np.random.Generator):
    a, b, groups = answers(rng, 50, (0.6, 0.6))
    return a, b, macro_f1, groups


def test_a_better_system_is_found():
    a, b, groups = answers(np.random.default_rng(5), 120, (0.9, 0.3))
    found = paired_whole_by_group(a, b, macro_f1, groups, resamples=400)
    assert found.low > 0
    assert found.p_value == pytest.approx(1 / 401)


def test_what_is_not_defined_is_nan_and_never_a_finding():
    nothing = paired_whole_by_group([1, 2], [3, 4], lambda _: None, ["a", "b"], resamples=100)
    assert math.isnan(nothing.estimate)
    assert math.isnan(nothing.p_value)
    # defined as it was seen only: every swap counts against the finding
    seen = paired_whole_by_group(
        [1, 1], [0, 0], lambda out: mean(out) if len(set(out)) == 1 else None, ["a", "b"], resamples=300
    )
    assert seen.estimate == 1
    assert seen.p_value == 1
    one_group = paired_whole_by_group([1, 1], [0, 0], mean, ["a", "a"], resamples=100)
    assert (one_group.estimate, one_group.p_value, math.isnan(one_group.low)) == (1, 1, True)


def test_sets_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match="different items: 2 and 1"):
        paired_whole_by_group([1, 2], [1], mean, ["a", "b"])
    with pytest.raises(ValueError, match="at least one item"):
        whole_by_group([], mean, [])
