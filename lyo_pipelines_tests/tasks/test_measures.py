"""Measures of numbers, labels, texts and orders."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from lyo_pipelines.tasks.measures import (
    duplicated_texts,
    macro_f1,
    ndcg,
    parse_number,
    same_result,
    spearman,
    split_words,
    word_f1,
)
from lyo_pipelines.tasks.ordering import counted_from_one, missing_before, order_agreement

LABELS = st.sampled_from(["video", "notes", "practice"])
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)
SENTENCES = st.lists(st.text(st.sampled_from("abc xyz"), min_size=1, max_size=12), max_size=5)


@given(st.lists(st.tuples(st.none() | LABELS, LABELS), min_size=1))
def test_macro_f1_is_a_share_and_one_only_when_all_is_right(pairs):
    answers, references = zip(*pairs, strict=True)
    found = macro_f1(answers, references)
    assert found is not None
    assert 0 <= found <= 1
    assert (found == pytest.approx(1)) == (answers == references)


def test_macro_f1_weighs_a_rare_label_like_a_common_one():
    references = ["video"] * 9 + ["notes"]
    assert macro_f1(["video"] * 10, references) == pytest.approx((18 / 19) / 2)
    assert macro_f1([None] * 10, references) == 0
    assert macro_f1([], []) is None


@given(st.lists(st.integers(0, 100), min_size=3, unique=True))
def test_the_rank_correlation_knows_the_same_order_and_the_opposite_one(references):
    assert spearman([2 * x + 1 for x in references], references) == pytest.approx(1)
    assert spearman([-x for x in references], references) == pytest.approx(-1)


def test_answers_that_tell_nothing_apart_correlate_with_nothing():
    assert spearman([0.5] * 4, [0.1, 0.2, 0.3, 0.4]) == 0
    assert spearman([None] * 4, [0.1, 0.2, 0.3, 0.4]) == 0
    assert spearman([0.1, 0.2, 0.3, 0.4], [0.5] * 4) is None
    assert spearman([0.1, 0.2], [0.1, 0.2]) is None


def test_invalid_answers_lower_the_rank_correlation():
    references = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert 0 < (spearman([0.1, None, None, None, 0.5, 0.6], references) or 0) < 1


@given(SENTENCES, SENTENCES)
def test_ndcg_is_a_share_and_one_for_the_reference_itself(texts, references):
    found = ndcg(texts, references)
    if not references:
        assert found is None
    else:
        assert found is not None
        assert 0 <= found <= 1
        assert ndcg(references, references) == pytest.approx(1)


def test_ndcg_prefers_the_best_suggestion_in_front():
    references = ["worked examples of fractions", "a video about fractions", "practice questions"]
    best = ndcg(references, references)
    turned = ndcg(list(reversed(references)), references)
    one = ndcg(references[:1], references)
    alike = ndcg(["worked examples of simple fractions", *references[1:]], references)
    assert best == 1
    assert 0 < (turned or 0) < 1
    assert 0 < (one or 0) < 1
    assert (turned or 0) < (alike or 0) < 1
    assert ndcg(["cricket scores"], references) == 0
    assert ndcg([references[0]] * 3, references) == pytest.approx(one)


@given(NAMES, NAMES)
def test_order_agreement_is_kendalls_tau_where_nothing_is_missing(order, reference):
    shared = [name for name in order if name in reference]
    reference = [name for name in reference if name in shared]
    if len(reference) < 2:
        return
    tau = kendalltau([shared.index(name) for name in reference], range(len(reference))).statistic
    assert order_agreement(shared, reference) == pytest.approx((1 + tau) / 2)


def test_a_missing_step_loses_its_pairs_and_another_step_costs_nothing():
    assert order_agreement(["a", "c"], ["a", "b", "c"]) == pytest.approx(1 / 3)
    assert order_agreement(["a", "x", "b", "c"], ["a", "b", "c"]) == 1
    assert order_agreement(["b"], ["a"]) == 0
    assert order_agreement([], []) is None
    assert order_agreement(["Linear_Equations", "Fractions."], ["linear equations", "fractions"]) == 1


@pytest.mark.parametrize("steps", list(permutations(["counting", "adding", "multiplying"])))
def test_what_a_step_needs_comes_before_it(steps):
    needs = {"adding": ("counting",), "multiplying": ("adding",)}
    broken = missing_before(steps, needs)
    assert (not broken) == (steps == ("counting", "adding", "multiplying"))
    assert all(steps.index(need) > steps.index(step) for step, need in broken)


def test_what_is_known_needs_no_step():
    assert missing_before(["adding"], {"adding": ("Counting",)}) == [("adding", "Counting")]
    assert missing_before(["adding"], {"adding": ("Counting",)}, known=["counting"]) == []


@given(st.integers(0, 20))
def test_steps_count_from_one(count):
    assert counted_from_one(range(1, count + 1))
    assert not counted_from_one([*range(1, count + 1), count + 2])


@pytest.mark.parametrize(
    ("text", "is_number"),
    [
        ("1,200", 1200),
        ("₹60", 60),
        ("x = 3/4", Fraction(3, 4)),
        ("१२", 12),
        ("−5", -5),
        ("25%", 25),
        ("½", Fraction(1, 2)),
    ],
)
def test_numbers_are_read_in_any_script(text, is_number):
    assert parse_number(text) == is_number


@pytest.mark.parametrize("text", ["12 cm", "five", "", "3/0", "2 and 3"])
def test_other_texts_are_no_number(text):
    assert parse_number(text) is None


def test_results_are_the_same_by_value_or_by_words():
    assert same_result("0.75", "3/4")
    assert same_result("₹1,200", "1200")
    assert same_result("One Quarter.", "one quarter")
    assert not same_result("12 cm", "21 cm")


@given(st.text(), st.text())
def test_word_f1_is_symmetric_and_one_for_the_same_text(one, other):
    assert word_f1(one, other) == word_f1(other, one)
    assert 0 <= word_f1(one, other) <= 1
    assert word_f1(one, one) == 1


def test_words_of_indic_scripts_stay_whole():
    assert split_words("भिन्न क्या है?") == ["भिन्न", "क्या", "है"]
    assert duplicated_texts(["Four.", "four"])
    assert not duplicated_texts(["+", "−"])


@given(pairs=st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["a", "b", "c"])), min_size=1))
def test_macro_f1_is_scikit_learns(pairs):
    answers, references = [a for a, _ in pairs], [r for _, r in pairs]
    from sklearn.metrics import f1_score

    said = ["nobody" if a is None else a for a in answers]
    expected = f1_score(references, said, labels=sorted(set(references)), average="macro", zero_division=0.0)
    assert macro_f1(answers, references) == pytest.approx(expected)


@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.1, 0.2, 0.5])), min_size=3))
def test_spearman_is_scipys(pairs):
    answers, references = [a for a, _ in pairs], [r for _, r in pairs]
    assume(len(set(references)) > 1 and len(set(answers)) > 1)
    assert spearman(answers, references) == pytest.approx(spearmanr(answers, references).statistic, abs=1e-9)
