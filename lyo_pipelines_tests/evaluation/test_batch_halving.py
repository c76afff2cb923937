"""When memory runs out, a report asks fewer items at once and keeps what is finished; nothing is asked twice or left out."""

from __future__ import annotations

import pytest
import torch  # noqa: TID253  (its error is what runs out of memory)
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.batch_halving import asked_in_halves
from lyo_pipelines.evaluation.engine.encoding import Encoded
from lyo_pipelines.evaluation.planning.memory import USABLE, estimate_answers, largest_fitting
from lyo_pipelines.training.dimensions import REGISTERED
from lyo_pipelines.training.memory import GB
from lyo_pipelines.training.recipe_loading import load_recipe, recipe_names
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD
from lyo_pipelines_tests.evaluation.test_engine import undisturbed


def items(count: int) -> list[Encoded]:
    return [Encoded(str(number), (1,), (2,), "") for number in range(count)]


class Model:
    """Answers batch by batch, and has room for so many items at once."""

    def __init__(self, room: int) -> None:
        self.room, self.answered, self.attempts = room, list[str](), list[int]()

    def ask(self, left, at_once):
        self.attempts.append(at_once)
        for start in range(0, len(left), at_once):
            batch = left[start : start + at_once]
            if len(batch) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            self.answered += [item.item_id for item in batch]
            yield {"ids": [item.item_id for item in batch]}


@given(count=st.integers(0, 40), at_once=st.integers(1, 40), room=st.integers(1, 40))
def test_every_item_is_answered_once_however_small_the_memory(count, at_once, room):
    model, said, released = Model(room), [], []
    found = asked_in_halves(items(count), at_once, model.ask, release=lambda: released.append(1), say=said.append)
    assert sorted(key for batch in found for key in batch["ids"]) == sorted(str(number) for number in range(count))
    assert sorted(model.answered) == sorted(str(number) for number in range(count))
    assert len(said) == len(released) == max(0, len(model.attempts) - 1)
    assert all(after == (before + 1) // 2 for before, after in zip(model.attempts, model.attempts[1:], strict=False))


def test_it_says_how_many_go_on_together():
    said: list[str] = []
    list(asked_in_halves(items(8), 8, Model(4).ask, release=lambda: None, say=said.append))
    assert said == [
        "out of memory with 8 items together (CUDA out of memory. Tried to allocate 20.00 GiB): going on with 4"
    ]


def test_a_single_item_that_does_not_fit_and_other_faults_are_raised():
    with pytest.raises(torch.OutOfMemoryError):
        list(asked_in_halves(items(3), 3, Model(0).ask, release=lambda: None, say=lambda _: None))

    def broken(left, at_once):
        raise ValueError("not memory")
        yield

    with pytest.raises(ValueError, match="not memory"):
        list(asked_in_halves(items(3), 3, broken, release=lambda: None, say=lambda _: None))


def test_an_evaluation_that_runs_out_of_memory_goes_on_with_fewer_items_together(world, tmp_path, monkeypatch):
    whole = undisturbed(world, tmp_path / "whole")
    answers, told = generate.lean_answers, []

    def small(*asked, at_once, **more):
        if at_once > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        yield from answers(*asked, at_once=at_once, **more)

    monkeypatch.setattr(generate, "lean_answers", small)
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
        assert needed(base, batch, four_bit=False).total > promised or recipe.startswith("gemma"), (
            "in full it would not fit"
        )


@given(st.integers(1, 64), st.floats(0, 1e12))
def test_as_many_are_asked_together_as_fit_and_at_least_one(wanted, free):
    batch = largest_fitting(wanted, lambda rows: rows * 1e9, free)
    assert 1 <= batch <= wanted
    assert batch == 1 or batch * 1e9 <= USABLE * free
    assert batch == wanted or batch * 2e9 > USABLE * free
