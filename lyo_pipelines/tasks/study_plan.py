"""Study plans: topics and the time a learner has become days with slots.

The context may say as JSON how many days and minutes a day there are, and which topics must be in; without it only the days' order
is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field

from lyo_pipelines.tasks.answers import Answer, Material, Minutes, Number, Text, read_material
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.ordering import plain_name
from lyo_pipelines.tasks.wording import about, as_json, language, learner

FORMAT_VERSION = "study_plan-1"


class Slot(Answer):
    """One stretch of work: what about, how long, and what is done."""

    topic: Text
    minutes: Minutes
    activity: Text


class Day(Answer):
    """One day of the plan."""

    day: Number
    slots: Annotated[list[Slot], Field(min_length=1, max_length=12)]

    @property
    def minutes(self) -> int:
        """All minutes of the day."""
        return sum(slot.minutes for slot in self.slots)


class StudyPlan(Answer):
    """The answer: the days in order."""

    days: Annotated[list[Day], Field(min_length=1, max_length=60)]

    @property
    def topics(self) -> set[str]:
        """All topics, as they are compared."""
        return {plain_name(slot.topic) for day in self.days for slot in day.slots}


class Time(Material):
    """What the context may say."""

    days: int | None = None
    minutes_per_day: int | None = None
    topics: tuple[str, ...] = ()


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the planner's system prompt."""
    keys = "days (each: day from 1, slots: topic, minutes, activity)"
    who = f"You are Lyo. Write a study plan{about(row)}{learner(row)} that covers every topic within the days and minutes given."
    return f"{who} Write in {language(row)}.{as_json(keys)}"


def check(answer: StudyPlan, row: Mapping[str, Any]) -> str | None:
    """Days come in order and within the time given, and every topic has a slot."""
    return next(_flaws(answer, _time(row)), None)


def _time(row: Mapping[str, Any]) -> Time:
    return read_material(row, Time) or Time()


def _flaws(answer: StudyPlan, time: Time) -> Iterator[str]:
    if any(later.day <= earlier.day for earlier, later in pairwise(answer.days)):
        yield "the days are not in order"
    for day in answer.days:
        if not _is_kept(day, time):
            yield f"day {day.day} with {day.minutes} minutes is outside the time given"
    if missing := [topic for topic in time.topics if plain_name(topic) not in answer.topics]:
        yield f"{missing[0]} has no slot"


def _is_kept(day: Day, time: Time) -> bool:
    return day.day <= (time.days or day.day) and day.minutes <= (time.minutes_per_day or day.minutes)


def _time_kept(item: GradedAnswer) -> float | None:
    time = _time(item.row)
    if time.days is None and time.minutes_per_day is None:
        return None
    return float(all(_is_kept(day, time) for day in item.answer.days))


def _covered(item: GradedAnswer) -> float:
    wanted = set(map(plain_name, _time(item.row).topics)) or item.reference.topics
    return len(wanted & item.answer.topics) / len(wanted)


FORMAT = TaskFormat(
    task="study_plan",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="What is to be studied in the question, the time in the context, days with slots out.",
    answer=StudyPlan,
    check=check,
    prose=("activity",),
    metrics=(
        TaskMetric(
            "time_kept", "higher", "share", "Share of the plans that stay within the time given.", item=_time_kept, invalid=0.0
        ),
        TaskMetric(
            "topics_covered", "higher", "share of topics", "Share of the wanted topics that have a slot.", item=_covered, invalid=0.0
        ),
    ),
    general_metrics=("loss", "length_ratio"),
)  # fmt: skip
