"""When memory runs out, a report asks fewer items at once and keeps what is finished; nothing is asked twice or left out."""

from __future__ import annotations

import pytest
import torch  # noqa: TID253  (its error is what runs out of memory)
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.evaluation.engine.batch_halving import asked_in_halves
from lyo_pipelines.evaluation.engine.encoding import Encoded


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
