"""Comparisons and slices: symmetries, corrections, and silence where there is too little evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.contracts.report_values import Value
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.catalogue import MetricModule, MetricValues
from lyo_pipelines.evaluation.measures.compare import (
    Comparison,
    Measured,
    compare_all,
    compare_metric,
    measure_difference,
    with_verdicts,
)
from lyo_pipelines.evaluation.measures.metric_values import WholeValues
from lyo_pipelines.evaluation.report.slices import slice_all, value_of
from lyo_pipelines.tasks.base import GradedAnswer, TaskMetric
from lyo_pipelines_tests.config.packaged import evaluation_config
from lyo_pipelines_tests.hypothesis_profile import draws

CONFIG = evaluation_config(resamples=1_000, whole_resamples=1_000, minimum_groups=20, minimum_slice_groups=20)
GROUPS = [f"g{i // 2}" for i in range(80)]


def metric(name: str, direction="higher") -> MetricModule:
    return MetricModule(name=name, direction=direction, unit="", sentence="", module=None)


def measured(values, weights=None) -> MetricValues:
    return MetricValues(tuple(values), None if weights is None else tuple(weights))


def noise(seed: int, shift: float = 0.0) -> list[float]:
    return (np.random.default_rng(seed).normal(shift, 1, 80)).tolist()


@given(st.integers(0, 1000), st.floats(-2, 2), st.sampled_from(["higher", "lower"]))
@settings(max_examples=draws(30))
def test_swapping_candidate_and_base_flips_the_verdict(seed, shift, direction):
    ours, theirs = noise(seed, shift), noise(seed + 1)
    metrics = [metric("m", direction)]
    there = compare_all({"candidate": {"m": measured(ours)}, "base": {"m": measured(theirs)}}, metrics, GROUPS, CONFIG)
    back = compare_all({"candidate": {"m": measured(theirs)}, "base": {"m": measured(ours)}}, metrics, GROUPS, CONFIG)
    assert back[0].verdict == {"better": "worse", "worse": "better"}.get(there[0].verdict, "cannot_tell")
    assert back[0].difference == pytest.approx(-(there[0].difference or 0))


@given(st.integers(0, 1000), st.sampled_from(["higher", "lower"]))
@settings(max_examples=draws(15))
def test_identical_outputs_are_never_better(seed, direction):
    same = measured(noise(seed), [1.0 + i for i in range(80)])
    found = measure_difference(same, same, GROUPS, CONFIG, metric="m", a="candidate", b="base")
    found = with_verdicts([found], {"m": direction}, CONFIG)[0]
    assert (found.difference, found.verdict) == (0, "cannot_tell")
    assert found.minimal_detectable_effect is None


def test_a_clear_difference_is_seen_and_its_direction_understood():
    values = {"base": {"m": measured(noise(1))}, "candidate": {"m": measured(noise(2, shift=2))}}
    assert compare_all(values, [metric("m")], GROUPS, CONFIG)[0].verdict == "better"
    assert compare_all(values, [metric("m", "lower")], GROUPS, CONFIG)[0].verdict == "worse"


def test_only_items_where_both_were_measured_are_compared():
    ours = [None if i % 2 else 1.0 for i in range(80)]
    theirs = [None if i % 5 == 0 else 0.0 for i in range(80)]
    found = compare_metric(measured(ours), measured(theirs), GROUPS, CONFIG, metric="m", a="candidate", b="base")
    assert found.n == sum(1 for i in range(80) if not i % 2 and i % 5)
    assert found.difference == 1


def test_nothing_measured_is_said_not_counted():
    nothing = measured([None] * 80)
    found = compare_metric(nothing, nothing, GROUPS, CONFIG, metric="m", a="candidate", b="base")
    assert (found.n, found.note, found.p_value) == (0, "not measured", None)


def test_token_losses_of_different_tokenizers_are_not_compared():
    ours, theirs = measured(noise(1), [1.0] * 80), measured(noise(2), [2.0] * 80)
    found = compare_metric(ours, theirs, GROUPS, CONFIG, metric="loss", a="candidate", b="champion")
    assert "not comparable" in found.note
    assert found.p_value is None


def test_too_few_groups_get_no_verdict_however_large_the_difference():
    few = ["a", "b", "c", "d"] * 20
    ours, theirs = measured(noise(1, 9)), measured(noise(2))
    found = measure_difference(ours, theirs, few, CONFIG, metric="m", a="candidate", b="base")
    found = with_verdicts([found], {"m": "higher"}, CONFIG)[0]
    assert found.note == "not enough groups: 4 of at least 20"
    assert (found.verdict, found.p_adjusted) == ("cannot_tell", None)
    assert found.difference is not None


def test_every_further_comparison_makes_the_correction_harder():
    one = Comparison(
        metric="m", a="candidate", b="base", n=80, groups=40, difference=1.0, ci_low=0.1, ci_high=1.9, p_value=0.02
    )
    mine = Measured(one, lambda confidence: (0.1, 1.9))
    other = Measured(one.model_copy(update={"p_value": 0.5}), lambda confidence: (0.1, 1.9))
    alone = with_verdicts([mine], {"m": "higher"}, CONFIG)[0]
    many = with_verdicts([mine, *[other] * 5], {"m": "higher"}, CONFIG)[0]
    assert (alone.verdict, alone.p_adjusted) == ("better", 0.02)
    assert many.verdict == "cannot_tell"
    assert many.p_adjusted == pytest.approx(0.12)


@given(
    st.integers(0, 1000), st.lists(st.floats(-1.2, 1.2), min_size=1, max_size=6), st.sampled_from(["higher", "lower"])
)
@settings(max_examples=draws(30))
def test_a_verdict_stands_beside_an_interval_that_says_the_same(seed, shifts, direction):
    names = [f"m{at}" for at in range(len(shifts))]
    values = {
        "candidate": {name: measured(noise(seed + at, shift)) for at, (name, shift) in enumerate(zip(names, shifts, strict=True))},
        "base": {name: measured(noise(seed + 500 + at)) for at, name in enumerate(names)},
    }  # fmt: skip
    for found in compare_all(values, [metric(name, direction) for name in names], GROUPS, CONFIG):
        low, high = found.interval
        assert low is not None and high is not None
        assert low <= found.difference <= high
        assert (low > 0 or high < 0) == (found.verdict != "cannot_tell")
        assert low <= found.ci_low + 1e-12 and high >= found.ci_high - 1e-12, "correction only widens"


def test_the_two_means_of_a_comparison_are_over_the_same_items():
    ours = [None if i % 2 else 1.0 + i for i in range(80)]
    theirs = [None if i % 5 == 0 else float(i) for i in range(80)]
    found = compare_metric(measured(ours), measured(theirs), GROUPS, CONFIG, metric="m", a="candidate", b="base")
    both = [i for i in range(80) if not i % 2 and i % 5]
    assert found.mean_b == pytest.approx(np.mean(both))
    assert found.mean_a - found.mean_b == pytest.approx(found.difference)


def test_metrics_without_a_direction_are_not_compared():
    values = {role: {"m": measured(noise(1))} for role in ("base", "candidate", "champion")}
    assert compare_all(values, [metric("m", "neutral")], GROUPS, CONFIG) == []
    assert [c.b for c in compare_all(values, [metric("m")], GROUPS, CONFIG)] == ["base", "champion"]


def item(row: int, **known) -> Item:
    return Item(f"e{row}", f"g{row}", (("user", "q"),), "r", known.pop("language", "en"), **known)


def test_slices_show_their_n_and_the_small_ones_get_no_verdict():
    items = [item(i, language="hi" if i < 60 else "ta", grade="7") for i in range(80)]
    values = {"base": {"chrf": measured(noise(1))}, "candidate": {"chrf": measured(noise(2, 3))}}
    found = slice_all(values, [metric("chrf")], items, CONFIG.model_copy(update={"minimum_slice_groups": 30}))
    shown = [(part.dimension, part.value, part.n, part.groups) for part in found]
    assert shown == [("language", "hi", 60, 60), ("language", "ta", 20, 20), ("grade", "7", 80, 80)]
    assert found[2].comparisons == (), "a slice of all items would repeat the whole"
    assert found[0].comparisons[0].verdict == "better"
    assert found[1].comparisons[0].verdict == "cannot_tell"
    assert "not enough groups" in found[1].comparisons[0].note
    assert found[1].models["base"]["chrf"].n == 20


def agreement(judged: Sequence[GradedAnswer]) -> float | None:
    return sum(one.answer == one.reference for one in judged) / len(judged)


def whole(answers: Sequence[int]) -> WholeValues:
    return WholeValues(tuple(GradedAnswer(answer, row % 2, {}) for row, answer in enumerate(answers)), agreement)


WHOLE = TaskMetric("agreement", "higher", "share", "", whole=agreement)


def test_a_metric_of_the_whole_set_is_compared_and_corrected_with_the_others():
    right, wrong = [row % 2 for row in range(80)], [0] * 80
    values = {"base": {"agreement": whole(wrong), "m": measured(noise(1))}}
    values["candidate"] = {"agreement": whole(right), "m": measured(noise(2))}
    found, other = compare_all(values, [WHOLE, metric("m")], GROUPS, CONFIG)
    assert (found.difference, found.verdict, found.groups) == (0.5, "better", 40)
    assert found.p_adjusted == pytest.approx(2 * (found.p_value or 0)), "Holm: two comparisons are one family"
    assert other.verdict == "cannot_tell"


def test_a_metric_of_the_whole_set_that_is_not_defined_says_so():
    nowhere = replace(whole([0] * 80), whole=lambda judged: None)
    found = compare_metric(nowhere, nowhere, GROUPS, CONFIG, metric="f1", a="candidate", b="base")
    assert (found.note, found.p_value, found.difference) == ("not defined on these items", None, None)


def test_slices_show_a_metric_of_the_whole_set_without_a_verdict():
    items = [item(i, language="hi" if i < 40 else "ta") for i in range(80)]
    values = {role: {"agreement": whole([0] * 80)} for role in ("base", "candidate")}
    found = slice_all(values, [WHOLE], items, CONFIG)
    shares = [part.models["base"]["agreement"] for part in found]
    assert [(share.value, share.n) for share in shares] == [(0.5, 40)] * 2
    assert [part.comparisons for part in found] == [(), ()]


def test_segments_are_slices_only_where_there_are_several():
    items = [item(i, segment="tutoring.hi.math" if i < 40 else "quiz.en") for i in range(80)]
    values = {role: {"chrf": measured(noise(1))} for role in ("base", "candidate")}
    found = slice_all(values, [metric("chrf")], items, CONFIG)
    assert [(part.dimension, part.value) for part in found][:2] == [
        ("segment", "quiz.en"),
        ("segment", "tutoring.hi.math"),
    ]
    alone = slice_all(values, [metric("chrf")], [replace(one, segment="quiz.en") for one in items], CONFIG)
    assert [part.dimension for part in alone] == ["language"]


def test_what_expired_is_a_slice_and_in_no_comparison():
    items = [item(i, validity="expired" if i < 30 else "current" if i < 60 else None) for i in range(80)]
    fine, forgot = noise(1), [value - 9 if i < 30 else value + 1 for i, value in enumerate(noise(1))]
    values = {"base": {"chrf": measured(fine)}, "candidate": {"chrf": measured(forgot)}}
    holding = [row for row, one in enumerate(items) if one.holds]
    (compared,) = compare_all(values, [metric("chrf")], [one.group_id for one in items], CONFIG, holding)
    assert (compared.n, compared.verdict) == (50, "better")
    found = {
        part.value: part for part in slice_all(values, [metric("chrf")], items, CONFIG) if part.dimension == "validity"
    }
    assert {value: part.n for value, part in found.items()} == {
        "expired": 30,
        "current": 30,
        "not said (holds always)": 20,
    }
    assert found["expired"].comparisons[0].verdict == "worse"
    unsaid = slice_all(values, [metric("chrf")], [replace(one, validity=None) for one in items], CONFIG)
    assert "validity" not in {part.dimension for part in unsaid}, (
        "nobody says anything, so there is nothing to tell apart"
    )


def test_a_weighted_mean_is_a_ratio_of_sums():
    assert value_of(measured([1.0, None, 4.0], [3.0, 9.0, 1.0]), [0, 1, 2]) == Value(value=1.75, n=2)
    assert value_of(measured([None]), [0]) == Value(value=None, n=0)
