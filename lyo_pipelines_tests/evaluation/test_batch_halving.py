"""When memory runs out, batches are halved and it is said; and how many are asked together is planned for what is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.batch_halving import asked_in_halves
from lyo_pipelines.evaluation.planning.memory import USABLE, estimate_answers, largest_fitting
from lyo_pipelines.training.dimensions import REGISTERED
from lyo_pipelines.training.memory import GB
from lyo_pipelines.training.recipe_loading import load_recipe, recipe_names
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD
from lyo_pipelines_tests.evaluation.test_engine import undisturbed

torch = pytest.importorskip("torch")

ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    ),
    MemoryError(),
)


@given(st.lists(st.integers(1, 9), max_size=6), st.integers(1, 9), st.sampled_from(ERRORS))
def test_every_row_is_asked_once_in_order_in_batches_that_fit(sizes, fits, error):
    rows = iter(range(100))
    batches = [[next(rows) for _ in range(size)] for size in sizes]
    told: list[str] = []
    released: list[bool] = []

    def ask(batch):
        if len(batch) > fits:
            raise error
        return [row * 2 for row in batch]

    found = list(asked_in_halves(batches, ask, release=lambda: released.append(True), say=told.append))
    assert [row for batch, _ in found for row in batch] == [row for batch in batches for row in batch]
    assert all(result == [row * 2 for row in batch] for batch, result in found)
    assert bool(told) == bool(released) == any(size > fits for size in sizes)
    assert all("out of memory with" in text for text in told)
    assert len(told) <= 4, "what did not fit is not tried again at each batch"


@pytest.mark.parametrize("error", [ValueError("no"), *ERRORS], ids=lambda error: type(error).__name__)
def test_other_errors_and_a_single_row_that_does_not_fit_are_not_hidden(error):
    def ask(batch):
        raise error

    batches = [["a"]] if not isinstance(error, ValueError) else [["a", "b", "c"]]
    with pytest.raises(type(error)):
        list(asked_in_halves(batches, ask, release=lambda: None, say=lambda _: None))


def test_an_evaluation_that_runs_out_of_memory_goes_on_with_fewer_items_together(world, tmp_path, monkeypatch):
    whole = undisturbed(world, tmp_path / "whole")
    answers, told = generate.answers, []

    def small(model, tokenizer, batch, **more):
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return answers(model, tokenizer, batch, **more)

    monkeypatch.setattr(generate, "answers", small)
    halved = undisturbed(world, tmp_path / "halved", told.append)
    assert any("out of memory with 5 items together" in text and text.endswith("going on with 3") for text in told)
    for role in ("base", "candidate"):
        assert halved[role].texts == whole[role].texts
        assert halved[role].truncated == whole[role].truncated


def needed(name: str, batch: int, *, four_bit: bool = True):
    return estimate_answers(
        REGISTERED[name], batch=batch, prompt=1024, answer=512, four_bit=four_bit, size=2, device="cuda"
    )


BASES = {
    "gemma_2_2b_qlora": "gemma-2-2b-it",
    "mistral_7b_qlora": "mistral-7b-instruct",
    "llama_2_7b_qlora": "llama-2-7b-chat",
}


def test_the_report_of_every_qlora_recipe_fits_the_memory_that_the_recipe_names():
    assert BASES.keys() == {name for name in recipe_names() if load_recipe(name).method == FOUR_BIT_METHOD}
    for recipe, base in BASES.items():
        promised = 6 * GB if recipe.startswith("gemma") else 16 * GB
        alone = needed(base, 1)
        there = alone.parts["weights"] + alone.parts["adapter"] + alone.parts["overhead"]
        batch = largest_fitting(32, lambda rows: needed(base, rows).total - there, promised - there)  # noqa: B023
        assert needed(base, batch).total <= promised, recipe
        assert needed(base, 1, four_bit=False).total > promised or recipe.startswith("gemma"), (
            "in full it would not fit"
        )


@given(st.integers(1, 64), st.floats(0, 1e12))
def test_as_many_are_asked_together_as_fit_and_at_least_one(wanted, free):
    batch = largest_fitting(wanted, lambda rows: rows * 1e9, free)
    assert 1 <= batch <= wanted
    assert batch == 1 or batch * 1e9 <= USABLE * free
    assert batch == wanted or batch * 2e9 > USABLE * free
