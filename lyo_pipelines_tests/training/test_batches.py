"""The whole training is planned before it starts, from lengths and a seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.training.batches import EmptyTrainingError, evaluation_batches, plan_training
from lyo_pipelines.training.recipes import BatchSection, BudgetSection
from lyo_pipelines_tests.hypothesis_profile import draws

lengths_strategy = st.lists(st.integers(1, 400), min_size=1, max_size=120).map(lambda x: np.array(x, dtype=np.int64))


@given(lengths_strategy, st.integers(1, 5), st.integers(1, 4), st.integers(0, 9), st.booleans())
@settings(max_examples=draws(80))
def test_each_epoch_holds_every_example_once(lengths, size, accumulation, seed, grouped):
    plan = plan_training(
        lengths,
        BatchSection(size=size, accumulation=accumulation, group_by_length=grouped),
        BudgetSection(epochs=2),
        seed,
    )
    flat = [index for batch in plan.micro_batches for index in batch]
    assert sorted(flat[: len(lengths)]) == list(range(len(lengths)))
    assert sorted(flat[len(lengths) :]) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in plan.micro_batches)
    assert plan.tokens_after[-1] == 2 * lengths.sum()
    assert plan.epoch_after[-1] == pytest.approx(2)
    assert len(plan.tokens_after) == plan.steps + 1


@given(lengths_strategy, st.integers(1, 9000), st.integers(0, 5))
@settings(max_examples=draws(60))
def test_a_token_budget_ends_with_the_step_that_reaches_it(lengths, tokens, seed):
    plan = plan_training(lengths, BatchSection(size=2, accumulation=2), BudgetSection(epochs=5, tokens=tokens), seed)
    if plan.tokens_after[-1] < 5 * lengths.sum():
        assert plan.tokens_after[-1] >= tokens
    assert plan.steps == 1 or plan.tokens_after[-2] < tokens


@given(lengths_strategy, st.integers(0, 5))
@settings(max_examples=draws(30))
def test_the_same_seed_makes_the_same_plan(lengths, seed):
    make = lambda s: plan_training(lengths, BatchSection(), BudgetSection(epochs=1), s).micro_batches  # noqa: E731
    assert make(seed) == make(seed)


def test_a_step_budget_is_exact_and_there_is_always_one_step():
    lengths = np.full(100, 7)
    assert plan_training(lengths, BatchSection(size=2, accumulation=3), BudgetSection(epochs=9, steps=5), 0).steps == 5
    assert plan_training(lengths, BatchSection(), BudgetSection(epochs=0.001), 0).steps == 1
    assert plan_training(lengths, BatchSection(), BudgetSection(tokens=1), 0).steps == 1


def test_grouping_by_length_saves_padding():
    lengths = np.random.default_rng(0).integers(10, 400, 512)

    def padded(grouped: bool) -> int:
        plan = plan_training(lengths, BatchSection(group_by_length=grouped), BudgetSection(epochs=1), 1)
        return sum(len(batch) * int(lengths[list(batch)].max()) for batch in plan.micro_batches)

    assert padded(True) < 1.1 * lengths.sum() < padded(False)


def test_nothing_to_train_on_is_said():
    with pytest.raises(EmptyTrainingError, match="empty"):
        plan_training(np.array([], dtype=np.int64), BatchSection(), BudgetSection(), 0)


@given(lengths_strategy, st.integers(1, 7))
@settings(max_examples=draws(40))
def test_validation_sees_every_example_once_largest_first(lengths, size):
    batches = evaluation_batches(lengths, size)
    flat = [index for batch in batches for index in batch]
    assert sorted(flat) == list(range(len(lengths)))
    assert (np.diff(lengths[flat]) <= 0).all()
