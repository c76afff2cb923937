"""Traffic of one segment while a candidate is in canary: who asks what, who answers, and what users say of it.

Who is sent to which arm is asked from outside, user by user, so that a growing stage moves users here as it does in life. A candidate
can be made better or worse than what serves now. The long log with its stories is made in generate.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random

from lyo_pipelines.errors import LyoError
from lyo_pipelines.sample.conversations import solve
from lyo_pipelines.sample.lesson import kinds_for, make_lesson
from lyo_pipelines.sample.people import Chances, Student
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.rows import Moment, Row, make_row
from lyo_pipelines.sample.times import second_of_day
from lyo_pipelines.sample.voice import Voice
from lyo_pipelines.sample.voices import VOICES

Route = Callable[[str], tuple[str | None, str | None]]
"""User -> (arm, version of the adapter that answers; None for the base model)."""

ERROR = "timeout: the model did not answer in time"
_ERRORS, _CULTURAL, _RETRIES = 0.01, 0.004, 0.06
_MEAN, _BETWEEN, _WITHIN = 3.9, 0.35, 0.95
"""Of ratings: the mean, how much users differ from each other, and how much one user's ratings differ."""


class NoTrafficError(LyoError):
    """No sample of this segment can be made; the message says of which it can."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How the candidate differs from what serves now: points of rating, times as slow, additional shares of errors and of retries."""

    rating: float = 0.0
    slower: float = 1.0
    errors: float = 0.0
    retries: float = 0.0


GOOD = Effect(rating=0.25, retries=-0.02)
HARMFUL = Effect(rating=-0.6, retries=0.05)
NO_EFFECT = Effect()


@dataclass(slots=True)
class Traffic:
    """A segment's users with their habits; each of them asks, rates and is patient in a way of their own, every day the same.

    per_day: questions. The same seed makes the same traffic for the same routes.
    """

    segment: str
    users: int = 400
    per_day: int = 1_000
    seed: int = 11
    _voice: Voice = field(init=False)
    _subject: str = field(init=False)
    _people: Chances[Student] = field(init=False)
    _habits: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._voice, self._subject = _place(self.segment)
        rng = Random(f"{self.seed} users of {self.segment}")
        self._people = Chances({_student(rng, rank, self._voice): rank**-0.4 for rank in range(1, self.users + 1)})
        self._habits = {student.user_id: rng.gauss(_MEAN, _BETWEEN) for student in self._people.options}

    def day(self, day: date, route: Route, effect: Effect = NO_EFFECT, *, questions: int | None = None) -> list[Row]:
        """The rows of one UTC day in the order in which they were asked; canonical rows with the raw user_id."""
        rng = Random(f"{self.seed} {self.segment} {day.isoformat()}")
        rows = [self._row(rng, day, route, effect) for _ in range(questions or self.per_day)]
        return sorted(rows, key=lambda row: (row["occurred_at"], row["interaction_id"]))

    def _row(self, rng: Random, day: date, route: Route, effect: Effect) -> Row:
        student = self._people.draw(rng)
        lesson = make_lesson(rng, self._voice, pick(rng, kinds_for(self._voice, self._subject, student.grade)))
        moment = Moment(day, second_of_day(rng))
        conversation = f"c{rng.getrandbits(48):012x}"
        row = make_row(
            rng, solve(rng, lesson), student, at=moment.text(), number=0, conversation_id=conversation, history=[], question_id=None
        )  # fmt: skip
        row["reasoning_mode"] = "standard"
        row["experiment_arm"], row["adapter_version"] = route(student.user_id)
        felt = effect if row["experiment_arm"] == "candidate" else NO_EFFECT
        self._answered(rng, row, felt)
        # everything is drawn for every row, so that an effect changes what it is about and nothing else
        rates, rating, later = rng.random(), _rating(rng, self._habits[student.user_id], felt), 20 + 400 * rng.random()
        if row["error"] is None and rates < student.rates:
            row["rating"], row["feedback_at"] = rating, moment.text(later)
        return row

    def _answered(self, rng: Random, row: Row, felt: Effect) -> None:
        for name in ("response_time_ms", "time_to_first_token_ms"):
            row[name] = round(row[name] * felt.slower, 1)
        fails, complains, again = (rng.random() for _ in range(3))
        row["retries"] = 1 if again < _RETRIES + felt.retries else 0
        if fails < _ERRORS + felt.errors:
            row |= {"answer": None, "error": ERROR, "finish_reason": "error", "reference_answer": None}
        elif complains < _CULTURAL:
            row["complaint_category"] = "cultural"


def _rating(rng: Random, habit: float, felt: Effect) -> int:
    """A user's rating; the effect moves whole ratings by one point, as often as its size says (as far as the scale goes)."""
    rating = min(5, max(1, round(rng.gauss(habit, _WITHIN))))
    moved = rng.random() < abs(felt.rating)
    return min(5, max(1, rating + (0 if not moved else 1 if felt.rating > 0 else -1)))


def _student(rng: Random, rank: int, voice: Voice) -> Student:
    return Student(
        user_id=f"pupil-{rank:05d}",
        grade=rng.randint(6, 12),
        language=voice.language,
        rates=min(0.95, max(0.05, rng.gauss(0.4, 0.2))),
        team=f"school-{1 + rank % 12:02d}",
        metadata="{}",
        arm="",
    )


def _place(segment: str) -> tuple[Voice, str]:
    task, language, subject = [*segment.split("."), "", ""][:3]
    voice = VOICES.get(language)
    if (
        voice is None
        or subject not in voice.personas
        or task != ("programming" if subject == "programming" else "tutoring")
    ):
        known = ", ".join(
            sorted(f"tutoring.{key}.{name}" for key in VOICES for name in VOICES[key].personas if name != "programming")
        )
        raise NoTrafficError(f"no traffic can be made of {segment}: {known}")
    return voice, subject
