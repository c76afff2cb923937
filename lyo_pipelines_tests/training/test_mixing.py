"""Mixing several segments: shares add up, weights are obeyed, nothing is repeated beyond its limit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lyo_pipelines.training.batches import plan_training, seen_by_segment
from lyo_pipelines.training.mixing import MixingError, epoch_order, shares, whole_numbers
from lyo_pipelines.training.recipes import BatchSection, BudgetSection, Mixing

SIZES = st.dictionaries(
    st.sampled_from([f"tutoring.{a}.{b}" for a in "xyz" for b in "pqr"]), st.integers(1, 60), min_size=2
)
MIXINGS = st.builds(
    Mixing,
    temperature=st.floats(1, 100),
    weights=st.dictionaries(st.sampled_from(["tutoring.x", "tutoring.y.p", "tutoring"]), st.floats(0.1, 5)),
    maximum_repeats=st.floats(1, 10),
)


def named(sizes: dict[str, int]) -> list[str]:
    return [key for key, size in sizes.items() for _ in range(size)]


@given(sizes=SIZES, mixing=MIXINGS)
def test_shares_add_up_and_respect_the_limit_of_repeats(sizes: dict[str, int], mixing: Mixing):
    assume(not mixing.weights or "tutoring" in mixing.weights)
    found = shares(sizes, mixing)
    total = sum(sizes.values())
    assert set(found) == set(sizes)
    assert sum(found.values()) == pytest.approx(1)
    within = [found[key] * total <= mixing.maximum_repeats * size + 1e-6 for key, size in sizes.items()]
    unnamed = mixing.weights and not any(found[key] > 0 and not key.startswith(tuple(mixing.weights)) for key in sizes)
    assert all(within) or unnamed  # where only a few segments are wanted, they must be repeated to fill an epoch


@given(sizes=SIZES, mixing=MIXINGS, seed=st.integers(0, 9))
def test_an_epoch_has_as_many_examples_as_there_are_and_is_fair_within_a_segment(
    sizes: dict[str, int], mixing: Mixing, seed: int
):
    assume(not mixing.weights or "tutoring" in mixing.weights)
    segments = named(sizes)
    order = epoch_order(segments, mixing, np.random.default_rng(seed))
    assert len(order) == len(segments)
    seen = Counter(order.tolist())
    for key in sizes:
        counts = [seen[at] for at, name in enumerate(segments) if name == key]
        assert max(counts) - min(counts) <= 1


@given(sizes=SIZES, seed=st.integers(0, 99))
def test_without_weights_an_epoch_is_the_same_permutation_as_ever(sizes: dict[str, int], seed: int):
    segments = named(sizes)
    order = epoch_order(segments, Mixing(), np.random.default_rng([seed, 0]))
    assert order.tolist() == np.random.default_rng([seed, 0]).permutation(len(segments)).tolist()


def test_temperature_lifts_small_segments():
    sizes = {"tutoring.en": 900, "tutoring.hi": 100}
    found = shares(sizes, Mixing(temperature=2))
    assert found["tutoring.hi"] == pytest.approx(100**0.5 / (100**0.5 + 900**0.5))
    assert shares(sizes, Mixing())["tutoring.hi"] == pytest.approx(0.1)
    assert shares(sizes, Mixing(temperature=1e6))["tutoring.hi"] == pytest.approx(0.4)  # four repeats are the limit


def test_weights_may_name_a_parent_and_the_nearest_name_counts():
    sizes = {"tutoring.hi.math": 300, "tutoring.hi.physics": 100, "search.hi": 400}
    mixing = Mixing(weights={"tutoring": 3, "search.hi": 1})
    found = shares(sizes, mixing)
    assert found == pytest.approx({"tutoring.hi.math": 0.5625, "tutoring.hi.physics": 0.1875, "search.hi": 0.25})
    nearer = shares(sizes, Mixing(weights={"tutoring": 1, "tutoring.hi.physics": 1}))
    assert nearer == pytest.approx({"tutoring.hi.math": 0.5, "tutoring.hi.physics": 0.5, "search.hi": 0.0})


@given(parts=st.lists(st.floats(0, 50), min_size=1, max_size=9))
def test_rounding_keeps_the_total(parts: list[float]):
    total = round(sum(parts))
    scaled = [part * total / sum(parts) for part in parts] if sum(parts) else [total / len(parts)] * len(parts)
    assert sum(whole_numbers(scaled, total)) == total


def test_weights_that_name_nothing_say_what_there_is():
    with pytest.raises(MixingError, match=r"search\.hi.*holds tutoring\.en, tutoring\.hi"):
        shares({"tutoring.en": 3, "tutoring.hi": 4}, Mixing(weights={"search.hi": 1}))


@given(sizes=SIZES, seed=st.integers(0, 9))
def test_a_plan_sees_each_segment_by_its_share(sizes: dict[str, int], seed: int):
    segments, mixing = named(sizes), Mixing(temperature=4, maximum_repeats=100)
    count = len(segments)
    plan = plan_training(
        np.full(count, 10),
        BatchSection(size=1, accumulation=1),
        BudgetSection(epochs=3),
        seed,
        segments=segments,
        mixing=mixing,
    )
    wanted = shares(sizes, mixing)
    for key, told in seen_by_segment(plan, segments).items():
        assert told["examples"] == sizes[key]
        assert abs(told["seen"] - 3 * count * wanted[key]) <= 3
