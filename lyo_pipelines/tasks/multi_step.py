"""Multi-step decomposition: a problem becomes numbered steps that say which earlier ones they use, and a final result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from lyo_pipelines.tasks.answers import Answer, Number, Text
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.measures import same_result
from lyo_pipelines.tasks.ordering import counted_from_one
from lyo_pipelines.tasks.wording import about, as_json, language, learner

FORMAT_VERSION = "multi_step-1"


class SubStep(Answer):
    """One step: its place, what it does, the steps whose results it uses, and its own result."""

    step: Number
    do: Text
    uses: Annotated[list[Number], Field(max_length=20)]
    result: Text


class Decomposition(Answer):
    """The answer: the steps, and the result of the whole."""

    steps: Annotated[list[SubStep], Field(min_length=2, max_length=20)]
    result: Text


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the decomposer's system prompt."""
    keys = "steps (each: step from 1, do, uses: numbers of earlier steps, result), result"
    who = f"You are Lyo. Take the problem{about(row)} apart into small steps{learner(row)}."
    return f"{who} Write in {language(row)}.{as_json(keys)}"


def check(answer: Decomposition, _: Mapping[str, Any]) -> str | None:
    """Steps count from 1 and use earlier ones only."""
    return next(_flaws(answer), None)


def _flaws(answer: Decomposition) -> Iterator[str]:
    if not counted_from_one([step.step for step in answer.steps]):
        yield "steps are not numbered 1, 2, 3, …"
    for step in answer.steps:
        if later := [number for number in step.uses if number >= step.step]:
            yield f"step {step.step} uses step {later[0]}, which does not come before it"


def _result(item: GradedAnswer) -> float:
    return float(same_result(item.answer.result, item.row.get("reference_answer") or item.reference.result))


def _reached(item: GradedAnswer) -> float:
    wanted = [step.result for step in item.reference.steps]
    found = [step.result for step in item.answer.steps]
    return sum(any(same_result(one, result) for one in found) for result in wanted) / len(wanted)


def _too_early(item: GradedAnswer) -> float:
    early = sum(any(number >= step.step for number in step.uses) for step in item.answer.steps)
    return early / len(item.answer.steps)


FORMAT = TaskFormat(
    task="multi_step",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="A problem in the question; steps with their dependencies and results out.",
    answer=Decomposition,
    check=check,
    prose=("do",),
    metrics=(
        TaskMetric(
            "final_result_right", "higher", "share right", "Share of final results that equal the known one.",
            item=_result, invalid=0.0,
        ),
        TaskMetric(
            "step_results_reached", "higher", "share of steps", "Share of the reference's step results that a step arrives at, too.",
            item=_reached, invalid=0.0,
        ),
        TaskMetric(
            "steps_used_too_early", "lower", "share of steps", "Share of the steps that use a step which does not come before them.",
            item=_too_early, invalid=1.0,
        ),
    ),
    general_metrics=("loss", "length_ratio"),
)  # fmt: skip
