"""The splits have their fractions in every stratum, as near as whole groups allow."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.dataset.stratification import group_strata, stratified_splits
from lyo_pipelines_tests.dataset.example_lake import CONFIG

SHARES = np.array([0.8, 0.1, 0.1])
GROUPS = st.lists(
    st.tuples(st.integers(0, 4), st.floats(0, 1, exclude_max=True)), min_size=1, max_size=120, unique_by=lambda g: g[1]
)


def dealt(groups: list[tuple[int, float]], known: list[int] | None = None, size: list[int] | None = None) -> np.ndarray:
    stratum, draw = (np.array(column) for column in zip(*groups, strict=True))
    before = np.full(len(groups), -1) if known is None else np.array(known)
    return stratified_splits(before, stratum, np.array(size or [1] * len(groups)), draw, CONFIG.fractions)


@given(GROUPS)
def test_each_stratum_and_the_whole_are_within_one_group_of_their_fractions(groups: list[tuple[int, float]]):
    split, stratum = dealt(groups), np.array([one for one, _ in groups])
    off = np.bincount(split, minlength=3) - SHARES * len(groups)
    assert np.abs(off).max() < 2
    for one in np.unique(stratum):
        here = split[stratum == one]
        assert np.abs(np.bincount(here, minlength=3) - SHARES * len(here)).max() < 2


@given(GROUPS)
def test_no_split_is_empty_where_three_groups_are(groups: list[tuple[int, float]]):
    if len(groups) >= 3:
        assert np.bincount(dealt(groups), minlength=3).min() > 0


@given(GROUPS, st.randoms(use_true_random=False))
def test_the_order_of_groups_changes_nothing(groups: list[tuple[int, float]], shuffler: random.Random):
    order = shuffler.sample(range(len(groups)), len(groups))
    assert dealt(groups)[order].tolist() == dealt([groups[n] for n in order]).tolist()


@given(GROUPS, st.lists(st.integers(-1, 2), min_size=120, max_size=120))
def test_a_known_group_keeps_its_split(groups: list[tuple[int, float]], known: list[int]):
    before = known[: len(groups)]
    after = dealt(groups, before)
    assert all(new == old for old, new in zip(before, after.tolist(), strict=True) if old >= 0)
    assert after.min() >= 0


def test_new_groups_make_up_for_what_known_ones_lack():
    groups = [(0, n / 20) for n in range(20)]
    split = dealt(groups, [0] * 16 + [-1] * 4)
    assert np.bincount(split, minlength=3).tolist() == [16, 2, 2]


def test_a_group_larger_than_a_held_out_split_is_trained_on():
    groups = [(0, n / 20) for n in range(20)]
    assert dealt(groups, size=[100] + [5] * 19)[0] == 0


def test_large_groups_do_not_spoil_the_shares_of_examples():
    rng = np.random.default_rng(3)
    size = rng.geometric(0.05, 400)
    split = dealt([(0, float(d)) for d in rng.random(400)], size=size.tolist())
    assert np.abs(np.bincount(split, size, 3) / size.sum() - SHARES).max() < 0.02


def test_a_group_belongs_to_the_stratum_of_most_of_its_rows():
    row_group, stratum = np.array([0, 0, 0, 1, 1, 3]), np.array([2, 2, 1, 4, 0, 1])
    assert group_strata(row_group, stratum, 4).tolist() == [2, 0, -1, 1]
