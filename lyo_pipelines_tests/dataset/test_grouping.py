"""Who is tied to whom: by the exercise, wherever it stands and however it is written, and by nothing that everybody says."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.dataset.earlier_keys import earlier_text_keys
from lyo_pipelines.dataset.grouping import GROUPING_COLUMNS, all_ties, day_ties
from lyo_pipelines.dataset.split_memory import SplitMemory
from lyo_pipelines.dataset.splits import assign_splits
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, example, question
from lyo_pipelines_tests.hypothesis_profile import draws

Row = dict[str, Any]
HI = [{"role": "user", "content": "good morning dear teacher"}, {"role": "assistant", "content": "Good morning!"}]


def groups(rows: list[Row], memory: SplitMemory | None = None, parts: int = 1, **config: Any) -> list[int]:
    """The group of each row, counted from 0 in the order of first appearance."""
    known = memory or SplitMemory.empty()
    settings_ = CONFIG.model_copy(update=config)
    table = pa.Table.from_pylist(rows, schema=EXAMPLE).select(GROUPING_COLUMNS)
    borders = np.linspace(0, len(rows), parts + 1).astype(int)
    days = [day_ties(table.slice(a, b - a), settings_, known.keys) for a, b in pairwise(borders)]
    ties = all_ties(days, settings_, CURATION)
    found = assign_splits(ties.own, ties.pairs, known, settings_, ties.stratum).group.tolist()
    return [list(dict.fromkeys(found)).index(one) for one in found]


def asked(*questions: str, **fields: Any) -> list[Row]:
    return [example(n, question=text, **fields) for n, text in enumerate(questions)]


def others(n: int = 20, start: int = 500) -> list[Row]:
    return [example(start + k) for k in range(n)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is a verb?", "what is a  VERB"),
        ("What is a verb?", "What is a vreb?"),
        ("5 और 7 का योग", "५ और ७ का योग?"),
        ("सन्धि क्या है", "संधि क्या है"),
        ("வினை என்றால் என்ன 4", "வினை என்றால் என்ன ௪"),
        ("why?", "Why"),
        ("What is a verb?", "Hello sir, could you please tell me: what is a verb? Thank you!"),
        ("सन्धि क्या है", "नमस्ते सर, कृपया बताइए, संधि क्या है? धन्यवाद"),
        ("If 8 tins cost 40 rupees, what do 3 tins cost?", "What do 3 tins cost, if 8 tins cost 40 rupees?"),
    ],
)
def test_a_short_first_question_ties_in_every_spelling(left: str, right: str):
    assert groups(asked(left, right))[:2] == [0, 0]


def test_a_courtesy_alone_is_a_text_of_its_own():
    assert len(set(groups(asked("Hello sir", "Please tell me, sir, what is a verb?", "नमस्ते सर")))) == 3


def test_other_words_and_other_numbers_do_not_tie():
    assert groups(asked("Define force.", "Define power.", "Find 12 + 7", "Find 9 + 30"), number_variants="apart") == [
        0,
        1,
        2,
        3,
    ]


def test_a_few_numbers_of_one_template_are_one_group_and_very_many_are_not():
    few = asked("Find the sum of 12 and 7", "Find the sum of 30 and 9")
    assert groups([*few, *others()])[:2] == [0, 0]
    assert groups([*few, *others()], number_variants="apart")[:2] == [0, 1]
    many = asked(*(f"Find {n} + {n * n}" for n in range(1, 41)))
    assert len(set(groups(many))) == 40


def test_the_exercise_in_the_context_ties_whatever_is_asked_about_it():
    exercise = "Find the area of a triangle of base 12 cm and height 9 cm."
    rows = [
        example(n, question=text, context=exercise) for n, text in enumerate(["explain this", "solve", question(3)])
    ]
    assert groups([*rows, example(9, question=exercise)]) == [0, 0, 0, 0]


def test_an_exercise_that_the_tutor_opens_with_ties():
    exercise = [{"role": "assistant", "content": "Exercise: 3 apples and 4 pears make how many?"}]
    rows = [example(n, question=said, history=exercise) for n, said in enumerate(["seven", "is it 8?"])]
    assert groups([*rows, *others()])[:2] == [0, 0]


def test_a_short_question_that_everybody_asks_about_material_does_not_tie_it():
    rows = [example(n, question="explain this", context=question(700 + n)) for n in range(30)]
    assert len(set(groups(rows))) == 30


def test_an_instruction_before_every_question_is_looked_behind():
    ask = "You are a kind teacher. Help this child with the question and use easy words: "
    rows = asked(
        *(f"{ask}what is the {word}?" for word in ("verb", "noun", "Verb")), *(ask + question(n) for n in range(20))
    )
    found = groups(rows)
    assert found[0] == found[2]
    assert len(set(found)) == len(rows) - 1


def test_a_greeting_before_every_conversation_is_looked_behind():
    rows = [
        example(n, history=HI, turn=1, question=f"what is {word}?") for n, word in enumerate(["heat", "light", "heat"])
    ]
    rows += [example(50 + n, history=HI, turn=1) for n in range(20)]
    found = groups(rows)
    assert found[0] == found[2]
    assert len(set(found)) == len(rows) - 1


def test_a_follow_up_that_everybody_asks_ties_nothing():
    rows = [
        example(
            n,
            history=[{"role": "user", "content": question(n)}, {"role": "assistant", "content": "x"}],
            turn=1,
            question="why?",
        )
        for n in range(20)
    ]
    assert len(set(groups(rows))) == 20


def test_a_short_question_in_a_later_turn_ties_to_the_same_first_question():
    history = [{"role": "user", "content": question(1)}, {"role": "assistant", "content": "x"}]
    rows = [example(1, history=history, turn=1, question="What is a gene?"), example(2, question="what is a gene")]
    assert groups([*rows, *others()])[:2] == [0, 0]


def test_a_row_whose_history_is_not_kept_ties_by_its_conversation_alone():
    rows = asked("and then?", "and then?", turn=3)
    assert groups([*rows, *others()])[:2] == [0, 1]


def test_texts_that_an_earlier_version_of_the_program_remembered_still_tie():
    old = earlier_text_keys(pa.array([question(1)]))[1]
    memory = SplitMemory(old, np.array([2], np.int8), np.array([2], np.int8))
    table = pa.Table.from_pylist([example(1), example(2)], schema=EXAMPLE).select(GROUPING_COLUMNS)
    ties = all_ties([day_ties(table, CONFIG, memory.keys)], CONFIG, CURATION)
    assert assign_splits(ties.own, ties.pairs, memory, CONFIG, ties.stratum).split[0] == 2


POOL = ["What is a cell?", "what is a CELL", "Find 2 + 3", "Find 7 + 9", "why?", question(1), question(2), "x"]
EXAMPLES = st.lists(
    st.tuples(
        st.sampled_from(POOL), st.sampled_from([None, "solve 4y=8", question(9)]), st.booleans(), st.integers(0, 8)
    ),
    min_size=1,
    max_size=25,
)


@given(EXAMPLES, st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=draws(40))
def test_neither_the_order_nor_the_days_of_examples_change_a_group(pool: Any, shuffler: random.Random, parts: int):
    rows = [
        example(
            n,
            question=text,
            context=context,
            history=HI if greeted else [],
            conversation_id=f"c{conversation}",
            turn=None,
        )
        for n, (text, context, greeted, conversation) in enumerate(pool)
    ]
    order = shuffler.sample(range(len(rows)), len(rows))
    first, second = groups(rows), groups([rows[n] for n in order], parts=parts)
    pairs = [(first[a] == first[b], second[order.index(a)] == second[order.index(b)]) for a in order for b in order]
    assert all(one == other for one, other in pairs)
