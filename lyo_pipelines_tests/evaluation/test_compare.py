"""Comparisons, slices and gates: symmetries, corrections, and silence where there is too little evidence."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lyo_pipelines.config.evaluation import EvaluationFigures, GateFigures
from lyo_pipelines.evaluation.catalogue import Metric, MetricValues
from lyo_pipelines.evaluation.compare import Comparison, compare, compare_all, judged
from lyo_pipelines.evaluation.gates import GATES, Gate, gates, may_be_released
from lyo_pipelines.evaluation.items import Item
from lyo_pipelines.evaluation.slices import mean_of, slice_all
from lyo_pipelines.statistics.verdict import opposite

FIGURES = EvaluationFigures(resamples=1_000, minimum_groups=20, minimum_slice_groups=20)
GROUPS = [f"g{i // 2}" for i in range(80)]


def metric(name: str, direction="higher") -> Metric:
    return Metric(name=name, direction=direction, unit="", sentence="", module=None)


def measured(values, weights=None) -> MetricValues:
    return MetricValues(tuple(values), None if weights is None else tuple(weights))


def noise(seed: int, shift: float = 0.0) -> list[float]:
    return (np.random.default_rng(seed).normal(shift, 1, 80)).tolist()


@given(st.integers(0, 1000), st.floats(-2, 2), st.sampled_from(["higher", "lower"]))
@settings(max_examples=30, deadline=None)
def test_swapping_candidate_and_base_flips_the_verdict(seed, shift, direction):
    ours, theirs = noise(seed, shift), noise(seed + 1)
    metrics = [metric("m", direction)]
    there = compare_all({"candidate": {"m": measured(ours)}, "base": {"m": measured(theirs)}}, metrics, GROUPS, FIGURES)
    back = compare_all({"candidate": {"m": measured(theirs)}, "base": {"m": measured(ours)}}, metrics, GROUPS, FIGURES)
    assert back[0].verdict == opposite(there[0].verdict)
    assert back[0].difference == pytest.approx(-(there[0].difference or 0))


@given(st.integers(0, 1000), st.sampled_from(["higher", "lower"]))
@settings(max_examples=15, deadline=None)
def test_identical_outputs_are_never_better(seed, direction):
    same = measured(noise(seed), [1.0 + i for i in range(80)])
    found = compare(same, same, GROUPS, FIGURES, metric="m", a="candidate", b="base")
    found = judged([found], {"m": direction}, FIGURES)[0]
    assert (found.difference, found.verdict) == (0, "cannot_tell")
    assert found.minimal_detectable_effect is None


def test_a_clear_difference_is_seen_and_its_direction_understood():
    values = {"base": {"m": measured(noise(1))}, "candidate": {"m": measured(noise(2, shift=2))}}
    assert compare_all(values, [metric("m")], GROUPS, FIGURES)[0].verdict == "better"
    assert compare_all(values, [metric("m", "lower")], GROUPS, FIGURES)[0].verdict == "worse"


def test_only_items_where_both_were_measured_are_compared():
    ours = [None if i % 2 else 1.0 for i in range(80)]
    theirs = [None if i % 5 == 0 else 0.0 for i in range(80)]
    found = compare(measured(ours), measured(theirs), GROUPS, FIGURES, metric="m", a="candidate", b="base")
    assert found.n == sum(1 for i in range(80) if not i % 2 and i % 5)
    assert found.difference == 1


def test_nothing_measured_is_said_not_counted():
    nothing = measured([None] * 80)
    found = compare(nothing, nothing, GROUPS, FIGURES, metric="m", a="candidate", b="base")
    assert (found.n, found.note, found.tested) == (0, "not measured", False)


def test_token_losses_of_different_tokenizers_are_not_compared():
    ours, theirs = measured(noise(1), [1.0] * 80), measured(noise(2), [2.0] * 80)
    found = compare(ours, theirs, GROUPS, FIGURES, metric="loss", a="candidate", b="champion")
    assert "not comparable" in found.note
    assert found.p_value is None


def test_too_few_groups_get_no_verdict_however_large_the_difference():
    few = ["a", "b", "c", "d"] * 20
    found = compare(measured(noise(1, 9)), measured(noise(2)), few, FIGURES, metric="m", a="candidate", b="base")
    found = judged([found], {"m": "higher"}, FIGURES)[0]
    assert found.note == "not enough groups: 4 of at least 20"
    assert (found.verdict, found.p_adjusted) == ("cannot_tell", None)
    assert found.difference is not None


def test_every_further_comparison_makes_the_correction_harder():
    one = Comparison("m", "candidate", "base", 80, 40, 1.0, 0.1, 1.9, 0.02)
    alone = judged([one], {"m": "higher"}, FIGURES)[0]
    many = judged([one, *[replace(one, p_value=0.5)] * 5], {"m": "higher"}, FIGURES)[0]
    assert (alone.verdict, alone.p_adjusted) == ("better", 0.02)
    assert many.verdict == "cannot_tell"
    assert many.p_adjusted == pytest.approx(0.12)


def test_metrics_without_a_direction_are_not_compared():
    values = {role: {"m": measured(noise(1))} for role in ("base", "candidate", "champion")}
    assert compare_all(values, [metric("m", "neutral")], GROUPS, FIGURES) == []
    assert [c.b for c in compare_all(values, [metric("m")], GROUPS, FIGURES)] == ["base", "champion"]


def item(row: int, **known) -> Item:
    return Item(f"e{row}", f"g{row}", (("user", "q"),), "r", known.pop("language", "en"), **known)


def test_slices_show_their_n_and_the_small_ones_get_no_verdict():
    items = [item(i, language="hi" if i < 60 else "ta", grade="7") for i in range(80)]
    values = {"base": {"chrf": measured(noise(1))}, "candidate": {"chrf": measured(noise(2, 3))}}
    found = slice_all(values, [metric("chrf")], items, FIGURES.model_copy(update={"minimum_slice_groups": 30}))
    shown = [(part.dimension, part.value, part.n, part.groups) for part in found]
    assert shown == [("language", "hi", 60, 60), ("language", "ta", 20, 20), ("grade", "7", 80, 80)]
    assert found[2].comparisons == (), "a slice of all items would repeat the whole"
    assert found[0].comparisons[0].verdict == "better"
    assert found[1].comparisons[0].verdict == "cannot_tell"
    assert "not enough groups" in found[1].comparisons[0].note
    assert found[1].models["base"]["chrf"]["n"] == 20


def test_a_weighted_mean_is_a_ratio_of_sums():
    assert mean_of(measured([1.0, None, 4.0], [3.0, 9.0, 1.0]), [0, 1, 2]) == {"value": 1.75, "n": 2}
    assert mean_of(measured([None]), [0]) == {"value": None, "n": 0}


# -- gates -----------------------------------------------------------------------------------------------------------------


def report(*comparisons: Comparison, groups: int = 60, champion: bool = False, slices=(), **candidate: float):
    models = {role: {} for role in ("base", "champion") if role == "base" or champion}
    return {
        "groups": groups,
        "models": models | {"candidate": {name: {"value": value} for name, value in candidate.items()}},
        "comparisons": [asdict(c) for c in comparisons],
        "slices": list(slices),
    }


def seen(word, metric="loss", b="base", note="") -> Comparison:
    return Comparison(metric, "candidate", b, 80, 60, -0.1, -0.2, -0.05, 0.001, 0.01, 0.1, word, note)


def one(gate: GateFigures, found) -> Gate:
    return gates(found, EvaluationFigures(gates=(gate,)))[0]


IMPROVES = GateFigures(name="improves", metric="loss", against="base", require="better")
BEATS = GateFigures(name="beats", metric="loss", against="champion", require="better")
KEEPS = GateFigures(name="keeps", metric="loss", against="base", require="not_worse")


@pytest.mark.parametrize(("word", "passed"), [("better", True), ("cannot_tell", False), ("worse", False)])
def test_an_improvement_must_be_shown_and_a_tie_never_promotes(word, passed):
    assert one(IMPROVES, report(seen(word))).passed is passed
    assert one(BEATS, report(seen(word, b="champion"), champion=True)).passed is passed


@pytest.mark.parametrize(("word", "passed"), [("better", True), ("cannot_tell", True), ("worse", False)])
def test_a_guard_stops_only_what_was_shown_to_be_worse(word, passed):
    assert one(KEEPS, report(seen(word))).passed is passed


def test_without_a_champion_there_is_nothing_to_beat():
    assert one(BEATS, report(seen("worse"))).passed is True


def test_a_small_test_set_gates_nothing_and_releases_nothing():
    outcome = one(IMPROVES, report(seen("better"), groups=49))
    assert outcome.passed is None
    assert "not enough groups: the test set has 49, at least 50 are needed" in outcome.message
    assert not may_be_released([outcome])


def test_what_was_not_measured_cannot_be_judged():
    note = "not measured"
    assert one(IMPROVES, report(seen("cannot_tell", note=note))) == Gate(
        "improves", None, True, "loss against base: not measured"
    )
    guard = one(KEEPS, report(seen("cannot_tell", note=note)))
    assert (guard.passed, guard.blocking) == (None, False)
    assert one(KEEPS, report()).passed is None


def test_bounds_hold_the_candidates_own_value():
    gate = GateFigures(name="length", metric="length_ratio", minimum=0.5, maximum=2)
    assert one(gate, report(length_ratio=1.1)).passed is True
    assert one(gate, report(length_ratio=0.2)).passed is False
    assert one(gate, report(length_ratio=2.2)).message == "length_ratio is 2.2; required: at least 0.5 and at most 2"
    assert one(gate, report()).passed is None


def test_a_worse_slice_stops_the_whole():
    gate = GateFigures(name="slices", metric="loss", against="base", require="no_slice_worse")

    def part(word, note=""):
        return {"dimension": "grade", "value": "9", "comparisons": [asdict(seen(word, note=note))]}

    assert one(gate, report(slices=[part("better"), part("cannot_tell")])).passed is True
    bad = one(gate, report(slices=[part("better"), part("worse")]))
    assert (bad.passed, bad.message) == (False, "loss is worse in grade 9")
    assert one(gate, report(slices=[part("worse", note="not enough groups")])).passed is None


def test_a_release_needs_every_blocking_gate():
    yes, no, unknown = (Gate("g", passed, True, "") for passed in (True, False, None))
    warning = Gate("w", False, False, "")
    assert may_be_released([yes, warning])
    assert not may_be_released([yes, no])
    assert not may_be_released([yes, unknown])


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.booleans()), max_size=6))
def test_a_further_gate_never_makes_a_release_easier(outcomes):
    found = [Gate("g", passed, blocking, "") for passed, blocking in outcomes]
    assert not (may_be_released(found) and not may_be_released(found[1:]))


def test_the_packaged_gates_say_what_they_demand():
    assert GATES["improves_on_base"] == (
        "The candidate's loss is shown to be better than the base's; a tie does not pass. It blocks a release."
    )
    assert "It only warns." in GATES["no_more_repetition"]
    assert len(GATES) == len(set(GATES))


@pytest.mark.parametrize(
    "gate",
    [
        {"name": "g", "metric": "loss"},
        {"name": "g", "metric": "loss", "against": "base"},
        {"name": "g", "metric": "loss", "against": "base", "require": "better", "minimum": 1},
        {"name": "G g", "metric": "loss", "minimum": 1},
        {"name": "g", "metric": "loss", "minimum": 1, "typo": 2},
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(gate):
    with pytest.raises(ValidationError):
        GateFigures(**gate)


def test_two_gates_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two gates are called keeps"):
        EvaluationFigures(gates=(KEEPS, KEEPS))
