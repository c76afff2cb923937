"""Reading the test split and choosing a fixed, fair part of it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.evaluation.inputs.items import (
    Item,
    TestSplitError,
    choose_items,
    items_hash,
    read_items,
)
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.hypothesis_profile import draws


def items(*sizes: int, language=lambda group: "en") -> list[Item]:
    return [
        Item(f"e{group}-{turn}", f"g{group}", (("user", "q"),), "r", language(group), grade=str(6 + group % 3))
        for group, size in enumerate(sizes)
        for turn in range(size)
    ]


SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=40)


@given(SIZES, st.integers(1, 120), st.randoms())
@settings(max_examples=draws(60))
def test_the_choice_depends_on_the_items_only_not_on_their_order(sizes, maximum, random):
    everything = items(*sizes)
    mixed = list(everything)
    random.shuffle(mixed)
    chosen = choose_items(everything, maximum)
    assert {i.item_id for i in choose_items(mixed, maximum)} == {i.item_id for i in chosen}
    assert len(chosen) == min(maximum, len(everything))


@given(SIZES, st.integers(1, 120))
@settings(max_examples=draws(60))
def test_as_many_groups_as_possible_are_in_the_choice(sizes, maximum):
    chosen = choose_items(items(*sizes), maximum)
    assert len({i.group_id for i in chosen}) == min(maximum, len(sizes))


def test_each_language_keeps_its_share():
    everything = items(*[1] * 200, language=lambda group: "ta" if group % 10 == 0 else "hi" if group % 2 else "en")
    chosen = Counter(i.language for i in choose_items(everything, 50))
    assert chosen["hi"] == pytest.approx(25, abs=2)
    assert chosen["en"] == pytest.approx(20, abs=2)
    assert chosen["ta"] == pytest.approx(5, abs=2)


def test_no_maximum_takes_all():
    assert len(choose_items(items(3, 4), None)) == 7


def test_a_split_is_read_with_its_last_question_and_reference(tmp_path):
    rows = sample_reports.rows(4, languages=("en", "hi"))
    found = read_items(sample_reports.dataset(tmp_path / "d1", rows))
    assert [i.item_id for i in found] == ["e0000", "e0001", "e0002", "e0003"]
    assert found[0].question == rows[0]["messages"][1]["content"]
    assert found[0].reference == rows[0]["messages"][2]["content"]
    assert found[0].reference_answer is None
    assert found[1].reference_answer == rows[1]["reference_answer"]
    assert found[1].language == "hi"


def test_a_single_message_of_the_assistant_is_plain_text(tmp_path):
    found = read_items(sample_reports.dataset(tmp_path / "d1", sample_reports.documents(2)))
    assert [(i.is_plain, i.prompt, i.question) for i in found] == [(True, (), "")] * 2
    assert found[0].reference == "Story 0. Once there was a river, and 2 boats lay on it."
    assert not read_items(sample_reports.dataset(tmp_path / "d2", sample_reports.rows(2)))[0].is_plain


def test_an_item_carries_its_context_and_the_segment_it_comes_from(tmp_path):
    rows = [{**row, "context": '{"hours": 3}'} for row in sample_reports.classified(2)]
    assert [(i.context, i.segment) for i in read_items(sample_reports.dataset(tmp_path / "d1", rows))] == [
        ('{"hours": 3}', "classification.en")
    ] * 2
    old = read_items(sample_reports.dataset(tmp_path / "d2", sample_reports.rows(1)))[0]
    assert (old.context, old.segment) == (None, None), "a version from before these columns"


def test_another_answer_gives_another_hash(tmp_path):
    rows = sample_reports.rows(4)
    before = items_hash(read_items(sample_reports.dataset(tmp_path / "d1", rows)))
    rows[2]["messages"][-1]["content"] += "!"
    assert items_hash(read_items(sample_reports.dataset(tmp_path / "d2", rows))) != before


def test_a_split_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(TestSplitError, match="materialize the dataset splits"):
        read_items(tmp_path)
    rows = sample_reports.rows(2)
    rows[1]["messages"] = [{"role": "assistant", "content": " "}]
    with pytest.raises(TestSplitError, match="nor is it a single message of plain text"):
        read_items(sample_reports.dataset(tmp_path / "d2", rows))
    rows[1]["messages"] = sample_reports.rows(2)[1]["messages"][:-1]
    with pytest.raises(TestSplitError, match="e0001 does not end with"):
        read_items(sample_reports.dataset(tmp_path / "d1", rows))
