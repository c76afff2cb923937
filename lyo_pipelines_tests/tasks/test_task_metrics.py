"""The metrics of each task: best for the reference itself, worse for a wrong answer, and named once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from lyo_pipelines.evaluation import metrics as general
from lyo_pipelines.sample.tasks.generate import TASKS
from lyo_pipelines.tasks import task_format, task_formats
from lyo_pipelines.tasks.base import GradedAnswer, TaskMetric
from lyo_pipelines_tests.tasks.row_factory import drawn, judged, value

BEST = {"higher": 1, "lower": 0}


def metric(task: str, name: str) -> TaskMetric:
    return next(one for one in task_format(task).metrics if one.name == name)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_the_reference_itself_gets_the_best_value(task):
    items = [judged(task, made) for made in drawn(task, 40)]
    for one in task_format(task).metrics:
        found = value(one, items)
        assert found is not None, one.name
        if one.direction != "neutral":
            assert found == pytest.approx(BEST[one.direction]), one.name


@pytest.mark.parametrize("task", [task for task in sorted(TASKS) if task_format(task).answer])
def test_answers_that_fit_no_schema_get_the_worst_value(task):
    items = [replace(judged(task, made), answer=None) for made in drawn(task, 40)]
    for one in task_format(task).metrics:
        assert value(one, items) == (0 if one.direction == "higher" else 1), one.name


def test_a_name_means_the_same_in_every_task_and_none_is_a_general_one():
    said = defaultdict(set)
    for task in task_formats().values():
        for one in task.metrics:
            said[one.name].add((one.direction, one.unit, one.sentence))
    assert {name: told for name, told in said.items() if len(told) > 1} == {}
    assert not said.keys() & _general()


def test_general_metrics_are_named_as_they_are():
    for task in task_formats().values():
        assert set(task.general_metrics or ()) <= _general(), task.task


def _general() -> set[str]:
    from pathlib import Path

    return {path.name for path in Path(general.__file__).parent.iterdir() if path.is_dir() and path.name[0] != "_"}


def changed(task: str, change: dict[str, Any], seed: int = 1) -> GradedAnswer:
    made = drawn(task, 1, seed=seed)[0]
    assert isinstance(made.answer, dict)
    return judged(task, made, made.answer | change)


def test_scores_are_compared_by_their_distance_and_their_order():
    items = [judged("classification", made) for made in drawn("classification", 20)]
    off = [
        replace(i, answer=i.answer.model_copy(update={"engagement_score": i.answer.engagement_score / 2}))
        for i in items
    ]
    halves = sum(i.reference.engagement_score / 2 for i in items) / len(items)
    assert value(metric("classification", "engagement_score_error"), off) == pytest.approx(halves)
    assert value(metric("classification", "engagement_score_spearman"), off) == pytest.approx(1)


def test_a_wrong_intent_costs_its_share():
    items = [judged("search", made) for made in drawn("search", 4)]
    items[0] = replace(items[0], answer=items[0].answer.model_copy(update={"intent": "shopping"}))
    assert value(metric("search", "intent_accuracy"), items) == 0.75
    assert (value(metric("search", "intent_macro_f1"), items) or 0) < 1


def test_a_path_in_the_wrong_order_breaks_prerequisites_and_order():
    for made in drawn("learning_path", 10):
        assert isinstance(made.answer, dict)
        steps = made.answer["steps"]
        if len(steps) < 3:
            continue
        turned = [step | {"step": n} for n, step in enumerate(reversed(steps), 1)]
        item = judged("learning_path", made, made.answer | {"steps": turned})
        assert (value(metric("learning_path", "prerequisite_violations"), [item]) or 0) > 0
        assert value(metric("learning_path", "step_order_agreement"), [item]) == 0
        assert value(metric("learning_path", "goal_reached"), [item]) == 1


def test_without_a_curriculum_nobody_says_what_comes_first():
    item = replace(judged("learning_path", drawn("learning_path", 1)[0]), row={"context": "prose"})
    assert value(metric("learning_path", "prerequisite_violations"), [item]) is None
    assert value(metric("learning_path", "time_kept"), [item]) is None


def test_tool_calls_are_compared_by_name_and_by_argument():
    made = next(m for m in drawn("agent", 50) if isinstance(m.answer, dict) and len(m.answer["calls"]) == 1)
    assert isinstance(made.answer, dict)
    call = made.answer["calls"][0]
    name = next(iter(call["arguments"]))
    wrong = {"calls": [call | {"arguments": call["arguments"] | {name: "something else"}}], "reply": ""}
    item = judged("agent", made, wrong)
    assert value(metric("agent", "tool_names_exact"), [item]) == 1
    assert value(metric("agent", "tool_calls_exact"), [item]) == 0
    assert value(metric("agent", "tool_arguments_right"), [item]) == pytest.approx(1 - 1 / len(call["arguments"]))


def test_the_answer_key_is_compared_where_both_ask_the_same():
    made = drawn("quiz", 1)[0]
    assert isinstance(made.answer, dict)
    first, *rest = made.answer["questions"]
    moved = [option | {"correct": not option["correct"] and n < 2} for n, option in enumerate(first["options"])]
    item = judged("quiz", made, {"questions": [first | {"options": moved}, *rest]})
    assert (value(metric("quiz", "answer_key_agreement"), [item]) or 0) < 1
    other = judged("quiz", made, {"questions": [first | {"question": "Quite another thing?"}]})
    assert value(metric("quiz", "answer_key_agreement"), [other]) is None


def test_the_final_result_is_compared_by_value():
    made = drawn("multi_step", 1)[0]
    assert isinstance(made.answer, dict)
    assert (
        value(metric("multi_step", "final_result_right"), [judged("multi_step", made, made.answer | {"result": "-1"})])
        == 0
    )


def test_hints_that_tell_the_solution_are_counted():
    items = [judged("live_study", made, made.bad if n < 2 else None) for n, made in enumerate(drawn("live_study", 8))]
    assert value(metric("live_study", "gives_solution_away"), items) == 0.25


def test_documentation_names_what_the_code_names():
    made = drawn("technical_docs", 1)[0]
    assert value(metric("technical_docs", "names_documented"), [judged("technical_docs", made, "It works.")]) == 0
    broken = judged("technical_docs", made, "```python\nprint('a'\n```")
    assert value(metric("technical_docs", "code_readable"), [broken]) == 0
    assert value(metric("programming", "code_readable"), [replace(broken, answer="no code")]) is None


def test_a_metric_is_either_of_an_item_or_of_all():
    with pytest.raises(ValueError, match="either item or whole"):
        TaskMetric("odd", "higher", "share", "says")
