"""Gates and what a configuration file may say of them: silence where there is too little evidence, and none of other tasks'
metrics.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lyo_pipelines.config.evaluation import CheckName, GateConfig
from lyo_pipelines.config.loading import ConfigError, load_config
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Comparison, Gate, Slice
from lyo_pipelines.evaluation.report.gates import (
    describe,
    evaluate_gates,
    held_because,
    may_be_released,
    release_answer,
    release_sentence,
)
from lyo_pipelines_tests.config.packaged import evaluation_config
from lyo_pipelines_tests.contracts import reports_made


def report(
    *comparisons: Comparison,
    champion: bool = False,
    start: bool = False,
    candidate_is_champion: bool = False,
    own: Sequence[str] = (),
    elsewhere: Sequence[str] = (),
    groups: int = 60,
    slices: Sequence[Slice] = (),
    **candidate: float,
) -> Report:
    """A report in which these models were compared; `candidate`: its own values by metric."""
    there = {"champion": champion, "start": start}
    models = {"base": {}, **{role: {} for role, given in there.items() if given}}
    models["candidate"] = {name: {"value": value, "n": 80} for name, value in candidate.items()}
    about = {"unit": "", "description": ""}
    metrics = {name: {**about, "direction": "neutral" if name == "size" else "higher"} for name in own}
    return reports_made.report(
        comparisons, models=models, metrics=metrics, tasks={"own_metrics": own, "elsewhere": elsewhere}, groups=groups,
        slices=tuple(slices), candidate_is_champion=candidate_is_champion,
    )  # fmt: skip


def seen(word, metric="loss", b="base", note="") -> Comparison:
    return reports_made.comparison(word, metric, b, note=note)


def one(gate: GateConfig, found) -> Gate:
    return evaluate_gates(found, evaluation_config(gates=(gate,)))[0]


IMPROVES = GateConfig(name="improves", metric="loss", against="base", require="better")
BEATS = GateConfig(name="beats", metric="loss", against="champion", require="better")
KEEPS = GateConfig(name="keeps", metric="loss", against="base", require="not_worse")


@pytest.mark.parametrize(("word", "passed"), [("better", True), ("cannot_tell", False), ("worse", False)])
def test_an_improvement_must_be_shown_and_a_tie_never_promotes(word, passed):
    assert one(IMPROVES, report(seen(word))).passed is passed
    assert one(BEATS, report(seen(word, b="champion"), champion=True)).passed is passed


@pytest.mark.parametrize(("word", "passed"), [("better", True), ("cannot_tell", True), ("worse", False)])
def test_a_guard_stops_only_what_was_shown_to_be_worse(word, passed):
    assert one(KEEPS, report(seen(word))).passed is passed


def test_a_candidate_that_breaks_on_some_items_passes_no_gate_on_its_loss():
    broken = report(seen("better"), loss_no_number=0.05)
    for gate in (IMPROVES, KEEPS):
        outcome = one(gate, broken)
        assert (outcome.passed, outcome.message) == (False, "the candidate's loss is no number on 5.0% of the items")
    assert one(IMPROVES, report(seen("better"), loss_no_number=0.0)).passed is True


def test_without_a_champion_there_is_nothing_to_beat():
    found = one(BEATS, report(seen("worse")))
    assert (found.passed, found.state) == (True, "nothing to compare")


def test_the_champion_itself_is_said_to_have_nothing_to_beat():
    outcome = one(BEATS, report(seen("better"), candidate_is_champion=True))
    assert (outcome.passed, outcome.message) == (True, "it is the adapter that serves now: nothing to beat")


@pytest.mark.parametrize(
    ("champion", "start", "passed"),
    [("better", "better", True), ("better", "cannot_tell", False), ("worse", "better", False), ("better", None, None)],
)
def test_a_tuned_adapter_must_beat_the_champion_and_what_it_was_tuned_from(champion, start, passed):
    comparisons = [seen(champion, b="champion"), *([seen(start, b="start")] if start else [])]
    outcome = one(BEATS, report(*comparisons, champion=True, start=True))
    assert (outcome.passed, outcome.blocking) == (passed, True)


def test_without_a_champion_a_tuned_adapter_must_still_beat_what_it_was_tuned_from():
    outcome = one(BEATS, report(seen("cannot_tell", b="start"), start=True))
    assert (outcome.passed, outcome.blocking) == (False, True)


def test_a_small_test_set_gates_nothing_and_releases_nothing():
    outcome = one(IMPROVES, report(seen("better"), groups=49))
    assert outcome.passed is None
    assert "not enough groups: the test set has 49, at least 50 are needed" in outcome.message
    assert not may_be_released([outcome])


def test_what_was_not_measured_cannot_be_judged():
    note = "not measured"
    must = one(IMPROVES, report(seen("cannot_tell", note=note)))
    assert (must.passed, must.blocking, must.message) == (None, True, "loss against base: not measured")
    guard = one(KEEPS, report(seen("cannot_tell", note=note)))
    assert (guard.passed, guard.blocking) == (None, False)
    assert one(KEEPS, report()).passed is None


def test_bounds_hold_the_candidates_own_value():
    gate = GateConfig(name="length", metric="length_ratio", minimum=0.5, maximum=2)
    assert one(gate, report(length_ratio=1.1)).passed is True
    assert one(gate, report(length_ratio=0.2)).passed is False
    assert one(gate, report(length_ratio=2.2)).message == "length_ratio is 2.2; required: at least 0.5 and at most 2"
    assert one(gate, report()).passed is None


def test_a_worse_slice_stops_the_whole():
    gate = GateConfig(name="slices", metric="loss", against="base", require="no_slice_worse")

    def part(word, note=""):
        compared = (seen(word, note=note),)
        return Slice(dimension="grade", value="9", n=80, groups=60, models={}, comparisons=compared)

    assert one(gate, report(slices=[part("better"), part("cannot_tell")])).passed is True
    bad = one(gate, report(slices=[part("better"), part("worse")]))
    assert (bad.passed, bad.message) == (False, "loss is worse in grade 9")
    assert one(gate, report(slices=[part("worse", note="not enough groups")])).passed is None


def test_an_adapter_may_forget_what_holds_no_more():
    gate = GateConfig(name="slices", metric="loss", against="base", require="no_slice_worse")

    def part(value, word):
        return Slice(dimension="validity", value=value, n=80, groups=60, models={}, comparisons=(seen(word),))

    assert one(gate, report(slices=[part("current", "better"), part("expired", "worse")])).passed is True
    assert one(gate, report(slices=[part("current", "worse"), part("expired", "worse")])).passed is False


# -- gates and tasks -------------------------------------------------------------------------------------------------------

TOGETHER = GateConfig(name="kept", metric="task_metrics", against="base", require="not_worse")


def of_task(*comparisons: Comparison, own=("valid_answer", "f1", "error"), **more):
    return report(*comparisons, own=own, **more)


@pytest.mark.parametrize("require", ["better", "not_worse", "no_slice_worse"])
def test_a_gate_on_another_tasks_metric_does_not_apply_and_stops_nothing(require):
    gate = GateConfig(name="wording", metric="chrf", against="base", require=require)
    outcome = one(gate, of_task(elsewhere=("chrf",), groups=3))
    assert (outcome.passed, outcome.applies) == (True, False)
    assert outcome.message == "does not apply: chrf is not a metric of this task"
    bounds = GateConfig(name="length", metric="length_ratio", minimum=1)
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


def outcome(passed: bool | None, *, blocking: bool = True, applies: bool = True) -> Gate:
    return Gate(name="g", passed=passed, blocking=blocking, message="why", applies=applies)


def test_a_release_needs_every_blocking_gate():
    yes, no, unknown = (outcome(passed) for passed in (True, False, None))
    warning = outcome(False, blocking=False)
    assert may_be_released([yes, warning])
    assert held_because([yes, no]) == "g: why"
    assert not may_be_released([yes, unknown])


CONFIG = load_config().evaluation
OUTCOMES = st.lists(
    st.builds(outcome, st.sampled_from([True, False, None]), blocking=st.booleans(), applies=st.booleans()),
    max_size=6,
)


@given(OUTCOMES)
def test_a_further_gate_never_lifts_what_a_blocking_gate_holds(outcomes):
    held = any(gate.blocking and gate.passed is not True for gate in outcomes[1:])
    assert not (held and may_be_released(outcomes))


@given(OUTCOMES)
def test_the_answer_about_a_release_and_its_sentence_agree_with_the_gates(outcomes):
    answer, told = release_answer(outcomes), release_sentence(outcomes)
    assert (answer == "yes") == may_be_released(outcomes)
    assert told.lower().startswith(answer)
    if answer == "cannot judge":
        assert not any(gate.blocking and gate.passed is False for gate in outcomes)


def test_a_reason_that_many_gates_share_is_said_once():
    few = "not enough groups: the test set has 12, at least 50 are needed"
    gates = [Gate(name=f"gate_{at}", passed=None, blocking=True, message=few) for at in range(7)]
    assert release_sentence(gates) == f"Cannot judge, so it is held: gate 0 (and 6 more): {few}."


@given(OUTCOMES)
def test_outcomes_of_which_none_was_judged_never_release_and_say_why(outcomes):
    unjudged = [gate for gate in outcomes if gate.passed is None or not gate.applies]
    assert not may_be_released(unjudged)
    assert held_because(unjudged)


def test_a_configuration_without_gates_releases_and_says_so():
    said = evaluate_gates(report(seen("worse")), CONFIG.model_copy(update={"gates": ()}))
    assert may_be_released(said)
    assert "`gates: none`" in said[0].message


def test_gates_of_sections_that_are_switched_off_release_nothing():
    gate = GateConfig(name="rest", metric="collateral", against="current", require="not_worse")
    outcomes = [one(gate, report(seen("better")))]
    assert (outcomes[0].passed, outcomes[0].applies) == (True, False)
    assert held_because(outcomes).startswith("none of the gates could judge anything (rest: does not apply")


def test_the_packaged_gates_say_what_they_demand():
    demands = describe(load_config().evaluation)
    assert demands["improves_on_base"] == (
        "The candidate's loss is shown to be better than the base's; a tie does not pass. It blocks a release."
    )
    assert "It only warns." in demands["no_more_repetition"]
    assert demands["task_metrics_kept"] == (
        "Each of the task's own metrics is not shown to be worse than the base's. It blocks a release."
    )
    assert {gate.check for gate in load_config().evaluation.gates} == set(get_args(CheckName)) - {"your_own_gates"}


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
        GateConfig(**gate)


def test_a_bare_off_in_yaml_is_a_word():
    assert evaluation_config(**yaml.safe_load("constrained: off")).constrained == "off"
    assert evaluation_config(constrained="schema").constrained == "schema"
    with pytest.raises(ConfigError, match="constrained"):
        evaluation_config(**yaml.safe_load("constrained: on"))


def test_two_gates_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two gates are called keeps"):
        evaluation_config(gates=(KEEPS, KEEPS))


def test_a_file_that_changes_one_figure_keeps_every_gate():
    assert evaluation_config(max_items=20).gates == load_config().evaluation.gates


@pytest.mark.parametrize("gates_of_a_file", [[], None, ""])
def test_an_empty_list_of_gates_is_refused_with_what_to_write(gates_of_a_file):
    with pytest.raises(ConfigError, match="gates: none"):
        evaluation_config(gates=gates_of_a_file)


def test_no_gates_at_all_is_said_in_words_and_survives_a_file():
    open_to_all = evaluation_config(gates="none")
    assert open_to_all.gates == ()
    written = json.loads(open_to_all.model_dump_json())
    assert written["gates"] == "none"
    assert evaluation_config(**written).gates == ()
    assert evaluation_config(**json.loads(load_config().evaluation.model_dump_json())) == load_config().evaluation
