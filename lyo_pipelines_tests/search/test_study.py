"""A search keeps to its budget, begins with the recipe's own figures, and ends the same however often it is killed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("optuna", reason="the extra `search` is not installed")

from lyo_pipelines.search.budget import BudgetError, spent_on
from lyo_pipelines.search.record import best_of, read_records, search_id
from lyo_pipelines.search.space import SearchSpaceError
from lyo_pipelines.search.study import SearchFailedError, run_search
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.search.made import (
    EVERY,
    TOKENS,
    KilledError,
    MadeTrials,
    loss_after,
    made_search,
    search_config,
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    search = made_search(tmp_path_factory.mktemp("search"), {"trials": 12})
    assert run_search(search, MadeTrials()) == "all its 12 trials have run"
    return read_records(search.folder)


def test_trial_0_has_the_recipes_own_figures_and_is_never_given_up(undisturbed):
    assert undisturbed[0].figures == {
        "optimizer.learning_rate": 2e-4, "optimizer.warmup_ratio": 0.03, "lora.r": 16, "lora.dropout": 0.1,
    }  # fmt: skip
    assert undisturbed[0].state == "complete"


def test_hopeless_trials_are_given_up_at_a_validation_and_the_best_is_better_than_the_first(undisturbed):
    given_up = [one for one in undisturbed if one.state == "pruned"]
    assert given_up
    assert all(1 < len(one.values) < 4 and one.tokens == len(one.values) * EVERY * TOKENS for one in given_up)
    best = best_of(undisturbed)
    assert best.loss < undisturbed[0].loss
    assert best.loss == min(one.loss for one in undisturbed if one.state == "complete")


@settings(max_examples=draws(12))
@given(kills=st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_a_search_that_was_killed_anywhere_ends_as_one_that_was_not(undisturbed, tmp_path_factory, kills):
    search = made_search(tmp_path_factory.mktemp("killed"), {"trials": 12})
    for at in kills:
        try:
            run_search(search, MadeTrials(kill_at=at))
        except KilledError:
            continue
    run_search(search, MadeTrials())
    assert read_records(search.folder) == undisturbed


@pytest.mark.parametrize("budget", [{"tokens": 7_350}, {"seconds": 73.5}, {"money": 0.0735}])
def test_no_part_of_a_budget_is_exceeded_by_more_than_a_step(tmp_path, budget):
    search, trials = made_search(tmp_path, budget), MadeTrials()
    assert "used up" in run_search(search, trials)
    spent = spent_on(read_records(tmp_path), 3.6)
    assert 7_350 <= spent.tokens <= 7_350 + TOKENS
    assert len(trials.trained) * TOKENS == spent.tokens, "all that was trained is charged"


@settings(max_examples=draws(8))
@given(first=st.integers(100, 9_000))
def test_a_search_that_gets_more_budget_is_the_search_that_had_it_from_the_beginning(
    undisturbed, tmp_path_factory, first
):
    search = made_search(tmp_path_factory.mktemp("more"), {"tokens": first})
    run_search(search, MadeTrials())
    run_search(made_search(search.folder, {"trials": 12}), MadeTrials())
    found = read_records(search.folder)
    assert [one.model_dump(exclude={"tokens", "seconds"}) for one in found] == [
        one.model_dump(exclude={"tokens", "seconds"}) for one in undisturbed
    ]


def test_an_own_value_outside_its_range_is_refused_before_anything_is_trained(tmp_path):
    trials = MadeTrials()
    search = made_search(tmp_path, {"trials": 2}, space={"lora.r": {"choices": [4, 8]}})
    with pytest.raises(SearchSpaceError, match=r"lora\.r does not hold 16"):
        run_search(search, trials)
    assert not trials.trained


@pytest.mark.parametrize("key", ["budget.epochs", "base_model", "validation.interval", "lora.rank"])
def test_what_makes_trials_incomparable_cannot_be_searched(tmp_path, key):
    with pytest.raises(SearchSpaceError, match=key):
        run_search(made_search(tmp_path, {"trials": 2}, space={key: {"low": 1, "high": 9}}), MadeTrials())


def test_a_budget_in_money_needs_a_price(tmp_path):
    search = made_search(tmp_path, {"money": 1.0})
    free = search.recipe.model_copy(update={"cost": search.recipe.cost.model_copy(update={"per_hour": 0.0})})
    with pytest.raises(BudgetError, match="per_hour"):
        run_search(type(search)(free, search.config, search.budget, search.folder), MadeTrials())


def test_a_recipe_that_does_not_train_ends_the_search_and_one_bad_trial_does_not(tmp_path):
    with pytest.raises(SearchFailedError, match="own figures do not train"):
        run_search(made_search(tmp_path / "a", {"trials": 3}), MadeTrials(fails=lambda recipe: "no room"))
    search = made_search(tmp_path / "b", {"trials": 6})
    run_search(search, MadeTrials(fails=lambda recipe: "no room" if recipe.name == "trial-0001" else ""))
    assert [one.state for one in read_records(search.folder)].count("failed") == 1


def test_another_budget_is_the_same_search_and_another_space_is_not():
    recipe = load_recipe("owner")
    of = {name: search_id("feed", recipe, search_config(**changes)) for name, changes in {
        "packaged": {}, "budget": {"budget": {"trials": 3}}, "space": {"space": {"lora.dropout": None}},
    }.items()}  # fmt: skip
    assert of["packaged"] == of["budget"] != of["space"]
    assert search_id("beef", recipe, search_config()) != of["packaged"]
    assert loss_after(recipe, 4) > loss_after(recipe, 16)
