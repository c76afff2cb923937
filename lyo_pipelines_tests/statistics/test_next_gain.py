"""The next gain: what the gains so far say, no surer than they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.statistics.next_gain import Gain, NextGain, next_gain


def of(values: list[float], group: str = "a", error: float = 0.01) -> list[Gain]:
    return [Gain(group, value, error) for value in values]


def seen(gains: list[Gain], group: str = "a") -> NextGain:
    found = next_gain(gains, group)
    assert found is not None
    return found


def test_steady_gains_make_the_next_one_likely_and_steady_losses_unlikely():
    assert seen(of([0.2, 0.25, 0.22, 0.21, 0.24])).exceeds(0) > 0.97
    assert seen(of([-0.2, -0.25, -0.22, -0.21, -0.24])).exceeds(0) < 0.03


def test_one_gain_says_less_than_five_and_none_nothing():
    assert 0.5 < seen(of([0.2])).exceeds(0) < seen(of([0.2] * 5)).exceeds(0)
    assert next_gain([], "a") is None


def test_a_noisy_gain_says_less_than_a_sharp_one():
    assert seen(of([0.2] * 4, error=0.4)).exceeds(0) < seen(of([0.2] * 4)).exceeds(0)


def test_a_group_with_few_gains_is_drawn_towards_the_others_and_one_with_many_is_itself():
    others = [*of([0.3, 0.31, 0.29, 0.3], "b"), *of([0.3, 0.32, 0.3, 0.28], "c")]
    alone, few, many = (
        seen(of([0.05])),
        seen([*others, *of([0.05])]),
        seen([*others, *of([0.05, 0.06, 0.04, 0.05, 0.05])]),
    )
    assert alone.mean < few.mean
    assert many.mean == pytest.approx(0.05, abs=0.03)
    # of a group that was never trained: as the others, less surely
    unknown = seen(others, "new")
    assert unknown.quantile(0.95) - unknown.quantile(0.05) > seen(others, "b").quantile(0.95) - seen(
        others, "b"
    ).quantile(0.05)


@given(
    values=st.lists(st.floats(-1, 1), min_size=1, max_size=6), error=st.floats(0.001, 0.5),
    margins=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)  # fmt: skip
def test_a_larger_margin_is_never_likelier_and_quantiles_turn_it_round(values, error, margins):
    found = seen(of(values, error=error))
    low, high = sorted(margins)
    assert 0 <= found.exceeds(high) <= found.exceeds(low) + 1e-12 <= 1 + 1e-12
    assert found.exceeds(found.quantile(0.7)) == pytest.approx(0.3, abs=1e-6)
    assert np.isclose(found.weights.sum(), 1)
