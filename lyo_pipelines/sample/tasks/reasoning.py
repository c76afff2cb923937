"""Chain of thought and multi-step decomposition: worked exercises, as thoughts line by line and as steps that use each other."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.lesson import Lesson, ask, wrong_result
from lyo_pipelines.sample.tasks.exercises import LANGUAGES, draw_lesson, idea, numbers, outcome
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample


def think(rng: Random, language: str) -> Made:
    """Make one exercise with thoughts: the idea, the worked lines, the result on the last line."""
    lesson, grade = draw_lesson(rng, language)
    return Made(
        question=ask(rng, lesson),
        answer="\n".join((idea(lesson), *lesson.steps, lesson.final_line)),
        topic=lesson.kind.topic,
        subject=lesson.kind.subject,
        grade=grade,
        reference_answer=lesson.result,
        reasoning_mode="chain_of_thought",
        bad=lesson.final_line.replace(lesson.result, wrong_result(rng, lesson.result)),
    )


def decompose(rng: Random, language: str) -> Made:
    """Make one exercise taken apart; exercises of one step are drawn again."""
    lesson, grade = draw_lesson(rng, language)
    while len(lesson.steps) < 2:
        lesson, grade = draw_lesson(rng, language)
    steps = _steps(lesson)
    early = [step | {"uses": [len(steps)]} if step["step"] == 1 else step for step in steps]
    return Made(
        question=ask(rng, lesson),
        answer={"steps": steps, "result": lesson.result},
        topic=lesson.kind.topic,
        subject=lesson.kind.subject,
        grade=grade,
        reference_answer=lesson.result,
        reasoning_mode="multi_step",
        bad={"steps": early, "result": lesson.result},
    )


def _steps(lesson: Lesson) -> list[Structured]:
    """A line uses the earlier ones whose number it works with, and a formula right before it."""
    steps: list[Structured] = []
    for place, line in enumerate(lesson.steps, 1):
        given = numbers(line.rsplit("=", 1)[0])
        uses = [step["step"] for step in steps if numbers(step["result"]) & given]
        if not uses and steps and not numbers(steps[-1]["result"]):
            uses = [steps[-1]["step"]]
        steps.append({"step": place, "do": line, "uses": uses, "result": outcome(line)})
    if not steps[-1]["uses"]:
        steps[-1]["uses"] = [len(steps) - 1]
    return steps


CHAIN_OF_THOUGHT = TaskSample(LANGUAGES, think)
MULTI_STEP = TaskSample(LANGUAGES, decompose)
