"""Holm's adjustment: a known example, its properties, and the family-wise error it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.statistics.multiplicity import holm, holm_levels

P_VALUES = st.lists(st.floats(0, 1), max_size=30)


def test_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(P_VALUES)
def test_adjusted_values_are_no_smaller_no_larger_than_one_and_in_the_same_order(p):
    adjusted = holm(p)
    assert all(raw <= new <= 1 for raw, new in zip(p, adjusted, strict=True))
    by_raw = sorted(zip(p, adjusted, strict=True))
    assert [new for _, new in by_raw] == sorted(adjusted)


@given(P_VALUES, st.randoms())
def test_the_order_of_the_tests_does_not_matter(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    adjusted = holm(p)
    assert holm([p[at] for at in order]) == pytest.approx([adjusted[at] for at in order])


@given(P_VALUES)
def test_it_is_never_harsher_than_bonferroni(p):
    assert all(new <= min(1, raw * len(p)) + 1e-12 for raw, new in zip(p, holm(p), strict=True))


def test_among_true_nulls_a_false_finding_is_rare():
    rng = np.random.default_rng(3)
    families = [holm(rng.uniform(size=12).tolist()) for _ in range(2_000)]
    assert np.mean([min(family) < 0.05 for family in families]) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("p", [[-0.1], [1.2], [float("nan")]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match="lie in"):
        holm(p)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_a_value_is_below_its_level_exactly_where_holm_rejects_it(p_values):
    levels = holm_levels(p_values, 0.05)
    for value, level, adjusted in zip(p_values, levels, holm(p_values), strict=True):
        assert 0 < level <= 0.05
        assert (value < level) == (adjusted < 0.05) or abs(adjusted - 0.05) < 1e-9


def test_one_comparison_alone_is_judged_at_the_whole_level():
    assert holm_levels([0.3], 0.05) == [0.05]
    assert holm_levels([0.001, 0.5, 0.02], 0.05) == [0.05 / 3, 0.05, 0.025]
    assert holm_levels([0.5, 0.5], 0.05) == [0.025, 0.025]
