"""The sample log as a stream of blocks: the same seed and end give the same rows, whatever machine runs it.

A block is (a part of) one day, so a log of any length is made with the memory of one block.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random

from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.sample.conversations import context_for, converse
from lyo_pipelines.sample.duplicates import copy_row
from lyo_pipelines.sample.flaws import FLAWS, FlawCase, romanised
from lyo_pipelines.sample.lesson import Lesson, make_lesson
from lyo_pipelines.sample.people import SUBJECTS, Chances, Student, make_students
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.problems import Kind
from lyo_pipelines.sample.rows import Moment, Row, date_feedback, make_row, rate
from lyo_pipelines.sample.story_lessons import StoryLessons, kinds_of
from lyo_pipelines.sample.story_rows import StoryRows
from lyo_pipelines.sample.times import day_counts, second_of_day
from lyo_pipelines.sample.voices import VOICES

BLOCK_ROWS = 4_000
_SUBJECTS = {language: Chances(shares) for language, shares in SUBJECTS.items()}


@dataclass(slots=True)
class SampleLog:
    """Interactions (canonical rows with the raw user_id), feedback that came later, and the labels of what was planted."""

    interactions: list[Row] = field(default_factory=list)
    feedback: list[Row] = field(default_factory=list)
    labels: list[JsonObject] = field(default_factory=list)


def generate(*, n: int = 12_000, seed: int = 7, end: date, weeks: int = 8, stories: bool = False) -> SampleLog:
    """Make n interactions of the `weeks` weeks before the day `end`, which is not in the log; `stories` are those of stories.py."""
    sample = SampleLog()
    for block in iter_blocks(n=n, seed=seed, end=end, weeks=weeks, stories=stories):
        sample.interactions += block.interactions
        sample.feedback += block.feedback
        sample.labels += block.labels
    sample.feedback.sort(key=lambda row: (row["feedback_at"], row["interaction_id"]))
    return sample


def iter_interactions(n: int, *, seed: int = 7, end: date, weeks: int = 8) -> Iterator[Row]:
    """Stream n interactions, day by day, in the memory of one block."""
    for block in iter_blocks(n=n, seed=seed, end=end, weeks=weeks):
        yield from block.interactions


def iter_blocks(*, n: int, seed: int, end: date, weeks: int = 8, stories: bool = False) -> Iterator[SampleLog]:
    """Stream the log in blocks of at most BLOCK_ROWS interactions of one day each, sorted by time within a block."""
    students = make_students(Random(f"{seed} students"), max(40, n // 20))
    told = _Told(StoryLessons(n, end, weeks, students), StoryRows(end)) if stories else None
    school = _SampleSchool(students, end, told)
    for day, count in told.lessons.day_counts() if told else day_counts(n, end, weeks):
        for first in range(0, count, BLOCK_ROWS):
            rng = Random(f"{seed} {day.toordinal() - end.toordinal()} {first}")
            yield _block(rng, school, day, min(BLOCK_ROWS, count - first))


@dataclass(slots=True)
class _SampleSchool:
    """What is shared by all days: the students, the exercise bank, and recent rows that somebody may ask again."""

    students: Chances[Student]
    end: date
    told: _Told | None = None
    bank: deque[tuple[str, Lesson, int]] = field(
        default_factory=lambda: deque(maxlen=300)
    )  # id, exercise, how often still
    banked: int = 0
    recent: deque[Row] = field(default_factory=lambda: deque(maxlen=400))

    def begin(self, rng: Random, day: date) -> tuple[Student, str | None, Lesson]:
        """Who begins a conversation, and with which exercise (and its id in the bank); the bank holds nothing of a new subject."""
        if self.told and rng.random() < self.told.lessons.commerce_share(day):
            student, lesson = self.told.lessons.commerce(rng)
            return student, None, lesson
        student = self.students.draw(rng)
        return student, *self.lesson(rng, student, day)

    def lesson(self, rng: Random, student: Student, day: date) -> tuple[str | None, Lesson]:
        """A fresh exercise, or one out of the bank; an exercise of the bank is taken at most three times."""
        draw = rng.random()
        if draw < 0.10 and len(self.bank) > 50:
            at = int(rng.random() * len(self.bank))
            question_id, lesson, left = self.bank[at]
            if lesson.voice.language == student.language:
                del self.bank[at]
                if left > 1:
                    self.bank.append((question_id, lesson, left - 1))
                return question_id, lesson
        lesson = make_lesson(rng, VOICES[student.language], self._kind(rng, student, day))
        if draw > 0.55:
            return None, lesson
        self.banked += 1
        question_id = f"{student.language}-{lesson.kind.topic}-{self.banked:05d}"
        self.bank.append((question_id, lesson, 2))
        return question_id, lesson

    def _kind(self, rng: Random, student: Student, day: date) -> Kind:
        if self.told:
            return self.told.lessons.kind(rng, student, day)
        return pick(rng, kinds_of(student.language, _SUBJECTS[student.language].draw(rng), student.grade))


@dataclass(frozen=True, slots=True)
class _Told:
    """The stories of a log that has them."""

    lessons: StoryLessons
    rows: StoryRows


def _block(rng: Random, school: _SampleSchool, day: date, count: int) -> SampleLog:
    block = SampleLog()
    while len(block.interactions) < count:
        _conversation(rng, school, day, count - len(block.interactions), block)
    block.interactions.sort(key=lambda row: (row["occurred_at"], row["interaction_id"]))
    return block


def _conversation(rng: Random, school: _SampleSchool, day: date, room: int, block: SampleLog) -> None:
    """Add one conversation of at most `room` turns to the block."""
    student, question_id, lesson = school.begin(rng, day)
    conversation_id = f"c{rng.getrandbits(48):012x}"
    second = second_of_day(rng)
    history: list[dict[str, str]] = []
    turns = converse(rng, lesson)[:room]
    for number, turn in enumerate(turns):
        moment = Moment(day, second)
        in_bank = question_id if turn.lesson is lesson else None
        row = make_row(
            rng,
            turn,
            student,
            at=moment.text(),
            number=number,
            conversation_id=conversation_id,
            history=history,
            question_id=in_bank,
        )
        row["context"] = context_for(rng, turn.lesson)
        history = [*history, {"role": "user", "content": turn.question}, {"role": "assistant", "content": turn.answer}]
        label = _spoil(rng, school, row, FlawCase(rng, row, turn, student, VOICES), is_last=number == len(turns) - 1)
        if label is None:
            rate(rng, row, student)
        if school.told:
            label = school.told.rows.tell(rng, row, day, label)
        if label is not None:
            block.labels.append({"interaction_id": row["interaction_id"], "planted": [*label[0]], "details": label[1]})
        late = date_feedback(rng, row, moment, school.end)
        if late:
            block.feedback.append(late)
        block.interactions.append(row)
        second += 40 + 200 * rng.random()


def _spoil(
    rng: Random, school: _SampleSchool, row: Row, case: FlawCase, *, is_last: bool
) -> tuple[list[str], JsonObject] | None:
    """Plant at most one flaw in the row and return its label; a clean row may be asked again later."""
    first_of_one = is_last and row["turn"] == 0
    draw = rng.random()
    if first_of_one and draw < 0.055 and len(school.recent) > 20:
        original = pick(rng, school.recent)
        if original["user_id"] != row["user_id"] and original["occurred_at"] < row["occurred_at"]:
            exact = draw < 0.018
            copy_row(rng, original, row, case.student, exact=exact)
            return ["exact_duplicate" if exact else "near_duplicate"], {"original": original["interaction_id"]}
    if row["language"] == "hi_latn" and rng.random() < 0.25:
        return romanised(case)
    flaw = FLAWS.draw(rng) if is_last else None
    if flaw is not None:
        return flaw(case)
    if first_of_one:
        school.recent.append(row)
    return None
