"""What stands before everything is looked behind, whoever says it and wherever it stands."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.dataset.common_parts import held_by, without_common_parts


def left_of(texts: list[str], units: list[int] | None = None, share: float = 0.3) -> list[str]:
    unit = np.array(units if units is not None else range(len(texts)), np.uint64)
    segment, text = np.zeros(len(texts), np.int64), np.arange(len(texts))
    return without_common_parts(pa.array(texts), unit, text, segment, share=share, least=8, mapped_from=1).to_pylist()


def test_an_instruction_before_between_or_behind_is_left_out():
    own = [f"w{n} v{n}" for n in range(20)]
    assert left_of([f"please help the child with this {text}" for text in own]) == own
    assert left_of([f"{text} answer it in simple words" for text in own]) == own
    assert left_of([f"the question is {text} say it in hindi" for text in own]) == own


def test_a_greeting_alone_leaves_nothing():
    texts = [*["good morning"] * 10, *(f"what is x{n} y{n} z{n}" for n in range(10))]
    distinct = list(dict.fromkeys(texts))
    text = np.array([distinct.index(one) for one in texts])
    left = without_common_parts(
        pa.array(distinct), np.arange(20, dtype=np.uint64), text, np.zeros(20, int), share=0.3, least=8, mapped_from=1
    )
    assert left.to_pylist() == ["", *distinct[1:]]


def test_one_conversation_counts_once_however_long_it_is():
    texts = ["find the area of this field", *(f"a{n} b{n} c{n}" for n in range(10))]
    text = np.array([*[0] * 50, *range(1, 11)])
    unit = np.array([*[99] * 50, *range(10)], np.uint64)
    assert (
        without_common_parts(
            pa.array(texts), unit, text, np.zeros(60, int), share=0.3, least=8, mapped_from=1
        ).to_pylist()
        == texts
    )


def test_an_instruction_of_one_segment_is_looked_behind_beside_larger_ones():
    texts = [
        *(f"please help the child with this w{n}" for n in range(10)),
        *(f"a{n} b{n} c{n} d{n}" for n in range(90)),
    ]
    segment = np.array([*[0] * 10, *[1] * 90])
    left = without_common_parts(
        pa.array(texts), np.arange(100, dtype=np.uint64), np.arange(100), segment, share=0.3, least=8, mapped_from=1
    )
    assert left.to_pylist() == [*(f"w{n}" for n in range(10)), *texts[10:]]


def test_in_few_conversations_nothing_is_common():
    texts = [f"please explain to me what {n}" for n in range(7)]
    assert left_of(texts) == texts


WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=8).map(" ".join)


@given(st.lists(WORDS, min_size=1, max_size=30, unique=True), st.randoms(use_true_random=False))
def test_the_order_changes_nothing_and_what_is_left_was_there(texts: list[str], shuffler: random.Random):
    order = list(range(len(texts)))
    shuffler.shuffle(order)
    left = left_of(texts)
    assert [left[n] for n in order] == left_of([texts[n] for n in order], order)
    for text, rest in zip(texts, left, strict=True):
        words = iter(text.split())
        assert all(word in words for word in rest.split())  # in the same order


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=30))
def test_each_conversation_holds_a_text_once(pairs: list[tuple[int, int]]):
    unit = np.array([unit for unit, _ in pairs], np.uint64)
    text = np.array([text for _, text in pairs], np.int64)
    assert held_by(unit, text, 5).tolist() == [len({u for u, t in pairs if t == n}) for n in range(5)]
