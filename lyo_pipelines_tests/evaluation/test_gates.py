"""Gates and what a figures file may say of them: silence where there is too little evidence, and none of other tasks' metrics."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lyo_pipelines.config.evaluation import GateFigures
from lyo_pipelines.config.figures import FiguresError, load_figures
from lyo_pipelines.evaluation.measures.compare import Comparison
from lyo_pipelines.evaluation.report.gates import GATES, Gate, gates, may_be_released
from lyo_pipelines_tests.config.packaged import evaluation_figures


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
    return gates(found, evaluation_figures(gates=(gate,)))[0]


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


def test_the_champion_itself_is_said_to_have_nothing_to_beat():
    outcome = one(BEATS, report(seen("better")) | {"candidate_is_champion": True})
    assert (outcome.passed, outcome.message) == (True, "it is the adapter that serves now: nothing to beat")


@pytest.mark.parametrize(
    ("champion", "start", "passed"),
    [("better", "better", True), ("better", "cannot_tell", False), ("worse", "better", False), ("better", None, None)],
)
def test_a_tuned_adapter_must_beat_the_champion_and_what_it_was_tuned_from(champion, start, passed):
    comparisons = [seen(champion, b="champion"), *([seen(start, b="start")] if start else [])]
    found = report(*comparisons, champion=True)
    outcome = one(BEATS, found | {"models": {**found["models"], "start": {}}})
    assert (outcome.passed, outcome.blocking) == (passed, True)


def test_without_a_champion_a_tuned_adapter_must_still_beat_what_it_was_tuned_from():
    found = report(seen("cannot_tell", b="start"))
    outcome = one(BEATS, found | {"models": {**found["models"], "start": {}}})
    assert (outcome.passed, outcome.blocking) == (False, True)


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


# -- gates and tasks -------------------------------------------------------------------------------------------------------

TOGETHER = GateFigures(name="kept", metric="task_metrics", against="base", require="not_worse")


def of_task(*comparisons: Comparison, own=("valid_answer", "f1", "error"), elsewhere=(), **more):
    metrics = {name: {"direction": "neutral" if name == "size" else "higher"} for name in own}
    return report(*comparisons, **more) | {"metrics": metrics, "tasks": {"own_metrics": own, "elsewhere": elsewhere}}


@pytest.mark.parametrize("require", ["better", "not_worse", "no_slice_worse"])
def test_a_gate_on_another_tasks_metric_does_not_apply_and_stops_nothing(require):
    gate = GateFigures(name="wording", metric="chrf", against="base", require=require)
    outcome = one(gate, of_task(elsewhere=("chrf",), groups=3))
    assert (outcome.passed, outcome.applies) == (True, False)
    assert outcome.message == "does not apply: chrf is not a metric of this task"
    bounds = GateFigures(name="length", metric="length_ratio", minimum=1)
    assert one(bounds, of_task(elsewhere=("length_ratio",))).applies is False


def test_a_metric_that_only_was_not_measured_is_no_other_tasks_metric():
    outcome = one(IMPROVES, of_task(elsewhere=("chrf",)))
    assert (outcome.passed, outcome.blocking, outcome.applies) == (None, True, True)


def test_task_metrics_stand_for_each_metric_of_the_tasks_own_file():
    f1, error = seen("better", "f1"), seen("cannot_tell", "error")
    passed = one(TOGETHER, of_task(f1, error))
    assert (passed.passed, passed.message) == (True, "passed by f1, error")
    failed = one(TOGETHER, of_task(f1, seen("worse", "error")))
    assert (failed.passed, failed.blocking) == (False, True)
    assert failed.message.startswith("error against base: worse")


def test_a_guard_of_several_metrics_judges_those_that_were_measured():
    some = one(TOGETHER, of_task(seen("better", "f1"), seen("cannot_tell", "error", note="not measured")))
    assert (some.passed, some.message) == (True, "passed by f1")
    none = one(TOGETHER, of_task())
    assert (none.passed, none.blocking, none.message) == (None, False, "none of f1, error could be judged")
    must = TOGETHER.model_copy(update={"require": "better"})
    unknown = one(must, of_task(seen("better", "f1")))
    assert (unknown.passed, unknown.blocking) == (None, True)


def test_metrics_that_only_describe_and_the_share_of_valid_answers_are_no_task_metrics():
    assert one(TOGETHER, of_task(own=("valid_answer", "size"))).applies is False
    assert one(TOGETHER, report(seen("worse"))).applies is False, "a report of an older version names no tasks"


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
    assert GATES["task_metrics_kept"] == (
        "Each of the task's own metrics is not shown to be worse than the base's. It blocks a release."
    )
    assert len(GATES) == len(set(GATES))


@pytest.mark.parametrize(
    "gate",
    [
        {"name": "g", "metric": "loss"},
        {"name": "g", "metric": "loss", "against": "base"},
        {"name": "g", "metric": "loss", "against": "base", "require": "better", "minimum": 1},
        {"name": "G g", "metric": "loss", "minimum": 1},
        {"name": "g", "metric": "loss", "minimum": 1, "typo": 2},
        {"name": "g", "metric": "loss", "against": "current", "require": "not_worse"},
        {"name": "g", "metric": "collateral", "against": "base", "require": "not_worse"},
        {"name": "g", "metric": "judge", "against": "current", "require": "better"},
        {"name": "g", "metric": "judge", "minimum": 1},
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(gate):
    with pytest.raises(ValidationError):
        GateFigures(**gate)


def test_a_bare_off_in_yaml_is_a_word():
    assert evaluation_figures(**yaml.safe_load("constrained: off")).constrained == "off"
    assert evaluation_figures(constrained="schema").constrained == "schema"
    with pytest.raises(FiguresError, match="constrained"):
        evaluation_figures(**yaml.safe_load("constrained: on"))


def test_two_gates_of_one_name_are_refused():
    with pytest.raises(FiguresError, match="two gates are called keeps"):
        evaluation_figures(gates=(KEEPS, KEEPS))


def test_a_file_that_changes_one_figure_keeps_every_gate():
    assert evaluation_figures(max_items=20).gates == load_figures().evaluation.gates


@pytest.mark.parametrize("gates_of_a_file", [[], None, ""])
def test_an_empty_list_of_gates_is_refused_with_what_to_write(gates_of_a_file):
    with pytest.raises(FiguresError, match="gates: none"):
        evaluation_figures(gates=gates_of_a_file)


def test_no_gates_at_all_is_said_in_words_and_survives_a_file():
    open_to_all = evaluation_figures(gates="none")
    assert open_to_all.gates == ()
    written = json.loads(open_to_all.model_dump_json())
    assert written["gates"] == "none"
    assert evaluation_figures(**written).gates == ()
    assert evaluation_figures(**json.loads(load_figures().evaluation.model_dump_json())) == load_figures().evaluation
