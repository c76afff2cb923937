"""Judging answers by their task: what is valid, why not, and what invalid answers are worth."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.catalogue import MetricError
from lyo_pipelines.evaluation.measures.validity import check_answer, item_value, own_metrics, tasks_of
from lyo_pipelines.evaluation.report.tasks import choices
from lyo_pipelines.tasks import task_format
from lyo_pipelines.tasks.base import TaskFormat, TaskMetric


class Steps(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    steps: list[int]


def _broken(*_):
    raise KeyError("hours")


METRIC = TaskMetric("length", "higher", "steps", "Number of steps.", item=lambda j: len(j.answer.steps), invalid=-1.0)
TASK = TaskFormat(
    task="counting",
    version="1",
    system_prompt=lambda row: "",
    answer=Steps,
    check=lambda answer, row: None if answer.steps == sorted(answer.steps) else f"{answer.steps} is no order",
    metrics=(METRIC,),
)
ITEM = Item("e1", "g1", (("user", "q"),), '{"steps": [1, 2]}', "en", context="material")


def problem(text: str, *, truncated: bool = False) -> str | None:
    return check_answer(TASK, ITEM, text, truncated=truncated).problem


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"steps": [1, 2, 3]}', None),
        (' {"steps": []}\n', None),
        ('{"steps": [2, 1]}', "[2, 1] is no order"),
        ("", "empty"),
        ("First one, then two.", "no JSON"),
        ('Here it is: {"steps": [1]}', "text around the JSON"),
        ('{"steps": [1]} I hope this helps.', "text around the JSON"),
        ('{"steps": [1', "no JSON"),
        ('{"steps": ["one"]}', "steps.#: Input should be a valid integer"),
        ('{"steps": [1], "more": 2}', "more: Extra inputs are not permitted"),
        ("{}", "steps: Field required"),
        ("[1, 2]", "Input should be an object"),
    ],
)
def test_an_answer_that_is_not_valid_says_why(text, why):
    assert problem(text) == why


def test_an_answer_that_was_cut_in_the_middle_of_its_json_says_so():
    assert problem('{"steps": [1, 2', truncated=True) == "cut at the longest answer allowed"
    assert problem("Let me think about it, first", truncated=True) == "no JSON"
    assert problem('{"steps": [1, 2]}', truncated=True) is None


def test_a_reason_is_short_and_of_one_line_however_long_the_answer():
    reason = problem('{"steps": [' + ", ".join(map(str, range(500, 0, -1))) + "]}") or ""
    assert len(reason) < 110
    assert "\n" not in reason


def test_an_answer_that_only_fails_the_check_is_judged_and_one_without_the_schema_is_worth_what_the_metric_says():
    valid, length = own_metrics(TASK)
    for text, worth in (('{"steps": [1, 2, 3]}', (1, 3)), ('{"steps": [2, 1]}', (0, 2)), ("no", (0, -1))):
        answered = check_answer(TASK, ITEM, text, truncated=False)
        assert (item_value(valid, answered, "e1"), item_value(length, answered, "e1")) == worth


def test_the_tasks_metrics_see_the_row_with_its_context():
    graded = check_answer(TASK, ITEM, "no", truncated=False).graded
    assert graded is not None
    assert (graded.row["context"], graded.row["question"], graded.row["language"]) == ("material", "q", "en")
    assert graded.reference == Steps(steps=[1, 2])


def test_there_is_nothing_to_judge_without_a_task_a_question_or_a_reference_that_fits():
    plain = Item("e2", "g1", (), "a text", "en")
    unfit = Item("e3", "g1", (("user", "q"),), "a text", "en")
    for task, item in ((None, ITEM), (TASK, plain), (TASK, unfit)):
        answered = check_answer(task, item, '{"steps": [1]}', truncated=False)
        assert (answered.graded, answered.problem) == (None, None)
        assert item_value(METRIC, answered, item.item_id) is None


def test_what_breaks_is_named():
    check = TaskFormat(task="t", version="1", system_prompt=lambda row: "", answer=Steps, check=_broken)
    with pytest.raises(MetricError, match="the check of task t failed on e1: KeyError: 'hours'"):
        check_answer(check, ITEM, '{"steps": [1]}', truncated=False)
    metric = TaskMetric("m", "higher", "", "", item=_broken)
    with pytest.raises(MetricError, match="metric m failed on e1: KeyError"):
        item_value(metric, check_answer(TASK, ITEM, '{"steps": [1]}', truncated=False), "e1")


def test_a_task_without_schema_or_check_has_no_valid_answers():
    assert own_metrics(TaskFormat(task="t", version="1", system_prompt=lambda row: "")) == ()
    assert (
        own_metrics(TASK)[0].sentence
        == "Share of answers that are one JSON object of the task's schema and pass the task's check."
    )


def test_every_item_has_the_task_of_its_own_segment():
    items = [
        Item("a", "g", (), "x", "en", segment=segment) for segment in ("classification.en", None, "nosuch.en", "quiz")
    ]
    assert [task and task.task for task in tasks_of(items, "tutoring.hi")] == [
        "classification",
        "tutoring",
        None,
        "quiz",
    ]


def test_choices_are_the_schemas_or_texts_that_the_references_repeat():
    answer = task_format("classification").answer
    assert choices(answer, []) == {"content_type": ["educational", "entertainment"]}

    class Search(BaseModel):
        intent: str
        query: str
        sure: bool

    found = [Search(intent=("video", "notes")[n % 2], query=f"q{n}", sure=True) for n in range(6)]
    assert choices(Search, found) == {"intent": ["notes", "video"], "sure": ["False", "True"]}
