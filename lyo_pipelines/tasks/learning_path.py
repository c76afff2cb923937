"""Learning paths: goal, level and time become ordered steps that respect what a curriculum says comes first.

The context may hold a curriculum as JSON (goal, known, hours, topics with their needs). Without one, numbering and sums are checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from lyo_pipelines.tasks.answers import Answer, Material, Number, Text, read_material
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.measures import duplicated_texts
from lyo_pipelines.tasks.ordering import counted_from_one, missing_before, order_agreement, plain_name
from lyo_pipelines.tasks.wording import about, as_json, language, learner

FORMAT_VERSION = "learning_path-1"
Hours = Annotated[float, Field(gt=0, le=500)]
_ROUNDING = 0.01


class Step(Answer):
    """One step: its place, what is learned, how long it takes, and why it stands there."""

    step: Number
    topic: Text
    hours: Hours
    why: Text


class LearningPath(Answer):
    """The answer: steps in order, and the hours they take together."""

    steps: Annotated[list[Step], Field(min_length=1, max_length=40)]
    total_hours: Hours

    @property
    def topics(self) -> list[str]:
        """The topics in the order of the steps."""
        return [step.topic for step in self.steps]


class Topic(Material):
    """A topic of the curriculum and the topics that come before it."""

    name: str
    needs: tuple[str, ...] = ()


class Curriculum(Material):
    """What the context may say."""

    topics: tuple[Topic, ...] = ()
    known: tuple[str, ...] = ()
    goal: str | None = None
    hours: float | None = None

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Topic -> topics that come before it."""
        return {topic.name: topic.needs for topic in self.topics}


def curriculum(row: Mapping[str, Any]) -> Curriculum:
    """Return the row's curriculum, an empty one where the context has none."""
    return read_material(row, Curriculum) or Curriculum()


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the planner's system prompt."""
    keys = "steps (each: step from 1, topic, hours, why), total_hours"
    who = f"You are Lyo. Plan a learning path{about(row)}{learner(row)}: what is needed first comes first, within the time given."
    return f"{who} Write in {language(row)}.{as_json(keys)}"


def check(answer: LearningPath, row: Mapping[str, Any]) -> str | None:
    """Steps count from 1 and add up; topics are the curriculum's, each once, in a possible order, within the hours."""
    return next(_flaws(answer, curriculum(row)), None)


def _flaws(answer: LearningPath, taught: Curriculum) -> Iterator[str]:
    if not counted_from_one([step.step for step in answer.steps]):
        yield "steps are not numbered 1, 2, 3, …"
    if duplicated_texts([plain_name(topic) for topic in answer.topics]):
        yield "a topic stands there twice"
    total = sum(step.hours for step in answer.steps)
    if abs(total - answer.total_hours) > _ROUNDING:
        yield f"the steps take {total:g} hours, total_hours says {answer.total_hours:g}"
    if taught.hours is not None and total > taught.hours + _ROUNDING:
        yield f"{total:g} hours are more than the {taught.hours:g} given"
    names = {plain_name(topic.name) for topic in taught.topics}
    if names and (unknown := [topic for topic in answer.topics if plain_name(topic) not in names]):
        yield f"{unknown[0]} is no topic of the curriculum"
    for step, need in missing_before(answer.topics, taught.needs, taught.known):
        yield f"{step} comes before {need}, which it needs"
    if taught.goal and plain_name(taught.goal) not in map(plain_name, answer.topics):
        yield f"the goal {taught.goal} is not among the steps"


def _order(item: GradedAnswer) -> float | None:
    return order_agreement(item.answer.topics, item.reference.topics)


def _violations(item: GradedAnswer) -> float | None:
    taught = curriculum(item.row)
    if not taught.topics:
        return None
    broken = {step for step, _ in missing_before(item.answer.topics, taught.needs, taught.known)}
    return len(broken) / len(item.answer.steps)


def _goal(item: GradedAnswer) -> float:
    goal = curriculum(item.row).goal or item.reference.topics[-1]
    return float(plain_name(goal) in map(plain_name, item.answer.topics))


def _within(item: GradedAnswer) -> float | None:
    hours = curriculum(item.row).hours
    return None if hours is None else float(sum(step.hours for step in item.answer.steps) <= hours + _ROUNDING)


FORMAT = TaskFormat(
    task="learning_path",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="Goal, level and time in the question, a curriculum in the context, ordered steps out.",
    answer=LearningPath,
    check=check,
    prose=("why",),
    metrics=(
        TaskMetric(
            "step_order_agreement", "higher", "share of pairs",
            "Share of the reference's pairs of topics that stand in the same order; a missing topic loses its pairs.",
            item=_order, invalid=0.0,
        ),
        TaskMetric(
            "prerequisite_violations", "lower", "share of steps",
            "Share of the steps that come before something they need, by the curriculum in the context.",
            item=_violations, invalid=1.0,
        ),
        TaskMetric("goal_reached", "higher", "share", "Share of paths that lead to the goal.", item=_goal, invalid=0.0),
        TaskMetric(
            "time_kept", "higher", "share", "Share of the plans that stay within the time given.", item=_within, invalid=0.0
        ),
    ),
    general_metrics=("loss", "length_ratio"),
)  # fmt: skip
