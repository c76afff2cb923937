"""Groups keep together, keep their split, and what was trained on never becomes a test item."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.split_memory import SplitMemory
from lyo_pipelines.dataset.splits import Assignment, assign_splits
from lyo_pipelines_tests.dataset.example_lake import CONFIG
from lyo_pipelines_tests.hypothesis_profile import draws

TRAIN, VALIDATION, TEST = range(3)
# an example: its number, and the few shared things (conversations, questions) that it is tied to
EXAMPLES = st.dictionaries(st.integers(0, 40), st.frozensets(st.integers(100, 112), max_size=2), max_size=25)
EVEN = CONFIG.model_copy(
    update={"fractions": CONFIG.fractions.model_copy(update={"train": 0.4, "validation": 0.3, "test": 0.3})}
)


def key(number: int) -> int:
    return (number * 0x9E3779B97F4A7C15 + 1) % 2**64


def split_of(
    pool: dict[int, frozenset[int]], memory: SplitMemory, order: list[int] | None = None
) -> tuple[dict[int, int], Assignment]:
    numbers = list(pool) if order is None else order
    own = np.array([key(n) for n in numbers], np.uint64)
    ties = np.array([(key(n), key(shared)) for n in numbers for shared in pool[n]], np.uint64).reshape(-1, 2)
    assignment = assign_splits(own, ties, memory, EVEN, np.zeros(len(own), np.int64))
    return dict(zip(numbers, assignment.split.tolist(), strict=True)), assignment


def recorded(**splits: list[int]) -> SplitMemory:
    """A memory in which these numbers (examples or shared things) belong to these splits."""
    keys = [key(n) for numbers in splits.values() for n in numbers]
    codes = [SPLITS.index(name) for name, numbers in splits.items() for _ in numbers]
    return SplitMemory.empty().joined(np.array(keys, np.uint64), np.array(codes, np.int8), np.array(codes, np.int8))


@given(EXAMPLES)
def test_what_shares_anything_is_one_group_in_one_split(pool: dict[int, frozenset[int]]):
    split, assignment = split_of(pool, SplitMemory.empty())
    group = dict(zip(pool, assignment.group.tolist(), strict=True))
    for (a, ties_of_a), (b, ties_of_b) in combinations(pool.items(), 2):
        if ties_of_a & ties_of_b:
            assert group[a] == group[b]
        if group[a] == group[b]:
            assert split[a] == split[b]
    assert -1 not in split.values()


@given(EXAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_examples_changes_nothing(pool: dict[int, frozenset[int]], shuffler: random.Random):
    order = list(pool)
    shuffler.shuffle(order)
    first, a = split_of(pool, SplitMemory.empty())
    second, b = split_of(pool, SplitMemory.empty(), order)
    assert first == second
    assert a.memory.to_table().equals(b.memory.to_table())


@given(st.lists(EXAMPLES, min_size=2, max_size=5))
@settings(max_examples=draws(300))
def test_splits_are_stable_whatever_data_comes_and_goes(pools: list[dict[int, frozenset[int]]]):
    """The three promises, over any history of versions in which examples appear, vanish and come back with new ties."""
    memory, ever = SplitMemory.empty(), dict[int, set[int]]()
    for pool in pools:
        split, assignment = split_of(pool, memory)
        memory = assignment.memory
        for number, code in split.items():
            before = ever.setdefault(number, set())
            if before == {TEST}:
                assert code == TEST, "a test example stays a test example"
            if TRAIN in before:
                assert code in {TRAIN, -1}, "what was trained on stays in train or leaves"
            if VALIDATION in before:
                assert code in {VALIDATION, -1}, "what steered training stays in validation or leaves"
            if code >= 0:
                before.add(code)
        by_group: dict[int, set[int]] = {}
        for group, code in zip(assignment.group.tolist(), assignment.split.tolist(), strict=True):
            by_group.setdefault(group, set()).add(code)
        assert all(len(codes - {-1}) <= 1 for codes in by_group.values()), "a group is never in two splits"


@given(EXAMPLES, EXAMPLES)
def test_more_data_never_moves_an_example(first: dict[int, frozenset[int]], more: dict[int, frozenset[int]]):
    before, assignment = split_of(first, SplitMemory.empty())
    after, _ = split_of({**more, **first}, assignment.memory)
    assert all(after[number] in {code, -1} for number, code in before.items())


def test_a_test_group_that_meets_a_train_group_keeps_its_rows_and_training_loses_its_own():
    memory = recorded(train=[1, 100], test=[2, 101])
    split, assignment = split_of({1: frozenset({100}), 2: frozenset({101}), 3: frozenset({100, 101})}, memory)
    assert split == {1: -1, 2: TEST, 3: -1}  # 3 is new, but tied to what was trained on
    assert assignment.groups_merged == 1


def test_a_merged_group_takes_no_new_members_later_either():
    memory = split_of(
        {1: frozenset({100}), 2: frozenset({101}), 3: frozenset({100, 101})}, recorded(train=[1, 100], test=[2, 101])
    )[1].memory
    assert split_of({2: frozenset({101}), 4: frozenset({101})}, memory)[0] == {2: TEST, 4: -1}
    # even when the test example itself is gone, what was once dropped from training does not come back
    assert split_of({1: frozenset({100})}, memory)[0] == {1: -1}


def test_test_wins_over_validation():
    memory = recorded(validation=[1, 100], test=[2, 101])
    assert split_of({1: frozenset({100, 101}), 2: frozenset({101})}, memory)[0] == {1: -1, 2: TEST}


def test_validation_wins_over_train():
    memory = recorded(train=[1, 100], validation=[2, 101])
    assert split_of({1: frozenset({100, 101}), 2: frozenset({101})}, memory)[0] == {1: -1, 2: VALIDATION}


def test_a_new_example_joins_the_split_of_its_group():
    memory = recorded(test=[1, 100])
    split, assignment = split_of({1: frozenset({100}), 2: frozenset({100})}, memory)
    assert split == {1: TEST, 2: TEST}
    assert (assignment.groups_known, assignment.groups_new, assignment.groups_merged) == (1, 0, 0)


def test_new_groups_draw_the_configured_fractions():
    own = np.arange(1, 30_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    split = assign_splits(
        own, np.zeros((0, 2), np.uint64), SplitMemory.empty(), CONFIG, np.zeros(len(own), np.int64)
    ).split
    assert np.allclose(np.bincount(split, minlength=3) / len(split), [0.8, 0.1, 0.1], atol=0.01)


def test_nothing_in_nothing_out():
    assignment = assign_splits(
        np.zeros(0, np.uint64), np.zeros((0, 2), np.uint64), SplitMemory.empty(), CONFIG, np.zeros(0, np.int64)
    )
    assert len(assignment.split) == len(assignment.memory.keys) == 0


CODES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 2)), max_size=10)


def memory_of(entries: list[tuple[int, int, int]]) -> SplitMemory:
    keys, split, weakest = (
        (np.array(column) for column in zip(*entries, strict=True)) if entries else (np.zeros(0),) * 3
    )
    return SplitMemory.empty().joined(
        keys.astype(np.uint64), split.astype(np.int8), np.minimum(split, weakest).astype(np.int8)
    )


def joined(a: SplitMemory, b: SplitMemory) -> dict[int, tuple[int, int]]:
    both = a.joined(b.keys, b.split, b.weakest)
    return {int(k): (int(s), int(w)) for k, s, w in zip(both.keys, both.split, both.weakest, strict=True)}


@given(CODES, CODES)
def test_memories_join_in_any_order_and_any_number_of_times(
    a: list[tuple[int, int, int]], b: list[tuple[int, int, int]]
):
    left, right = memory_of(a), memory_of(b)
    assert joined(left, right) == joined(right, left)
    once = left.joined(right.keys, right.split, right.weakest)
    assert joined(once, right) == joined(left, right)
    assert SplitMemory.from_table(once.to_table()).to_table().equals(once.to_table())
