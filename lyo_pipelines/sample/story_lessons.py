"""What is asked in a log with stories: other shares of the subjects, hard topics more often, commerce from its launch on.

Ratings and response times stand in story_rows.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from random import Random

from lyo_pipelines.sample.lesson import Lesson, kinds_for, make_lesson
from lyo_pipelines.sample.people import SUBJECTS, Chances, Student
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.problems import Kind
from lyo_pipelines.sample.story_commerce import COMMERCE, LANGUAGE, LAUNCHED_DAYS
from lyo_pipelines.sample.times import day_counts
from lyo_pipelines.sample.voices import VOICES

RECENT_DAYS = 21
"""What happens in a story, but for the launch, happens in so many days before the end of the log."""

# English physics and chemistry are large enough to be judged; English maths stays the only segment above 1,000 examples
_SHARES = SUBJECTS | {
    "en": {"math": 0.48, "physics": 0.20, "chemistry": 0.17, "programming": 0.15},
    "ta": {"math": 0.57, "physics": 0.19, "chemistry": 0.11, "programming": 0.13},
}
_SUBJECTS = {language: Chances(shares) for language, shares in _SHARES.items()}
_COMMERCE_SHARE = 0.048  # of all interactions, all after the launch

HARD_TOPICS = frozenset(
    {"fractions", "linear_equations", "time_and_work", "probability", "quadratic_equations"}
)  # every grade has one of them and an easy one
MIXED = ("hi", "math")
# a little wider than what comes out, because copies and the exercise bank repeat what was asked earlier
_HARD_BEFORE, _HARD_RECENTLY = 0.22, 0.80


@dataclass(slots=True)
class StoryLessons:
    """The lessons of one log of n interactions in the `weeks` weeks before `end`."""

    n: int
    end: date
    weeks: int
    students: Chances[Student]
    _new: dict[date, int] = field(init=False)
    _usual: dict[date, int] = field(init=False)
    _learners: Chances[Student] = field(init=False)

    def __post_init__(self) -> None:
        more = round(self.n * _COMMERCE_SHARE)
        self._new = dict(day_counts(more, self.end, min(self.weeks, LAUNCHED_DAYS // 7)))
        self._usual = dict(day_counts(self.n - more, self.end, self.weeks))
        grades = {grade for kind in COMMERCE for grade in kind.grades}
        self._learners = self.students.only(lambda one: one.language == LANGUAGE and one.grade in grades)

    def day_counts(self) -> list[tuple[date, int]]:
        """Interactions of each day: commerce comes on top, so that no other segment shrinks when it is launched."""
        return [(day, count + self._new.get(day, 0)) for day, count in self._usual.items()]

    def commerce_share(self, day: date) -> float:
        """The share of a day's conversations that is about the new subject."""
        new = self._new.get(day, 0)
        return new / (new + self._usual[day]) if new else 0.0

    def commerce(self, rng: Random) -> tuple[Student, Lesson]:
        """A student who learns commerce, and an exercise of their grade."""
        student = self._learners.draw(rng)
        kind = pick(rng, tuple(kind for kind in COMMERCE if student.grade in kind.grades))
        return student, make_lesson(rng, VOICES[LANGUAGE], kind)

    def kind(self, rng: Random, student: Student, day: date) -> Kind:
        """What a student asks in one of the other subjects."""
        subject = _SUBJECTS[student.language].draw(rng)
        if (student.language, subject) != MIXED:
            return pick(rng, kinds_of(student.language, subject, student.grade))
        share = _HARD_RECENTLY if (self.end - day).days <= RECENT_DAYS else _HARD_BEFORE
        return pick(rng, _mixed(student.grade, rng.random() < share))


@cache
def kinds_of(language: str, subject: str, grade: int) -> tuple[Kind, ...]:
    """Kinds of a subject for one grade, looked up once."""
    return kinds_for(VOICES[language], subject, grade)


@cache
def _mixed(grade: int, hard: bool) -> tuple[Kind, ...]:
    return tuple(kind for kind in kinds_of(*MIXED, grade) if (kind.topic in HARD_TOPICS) == hard)
