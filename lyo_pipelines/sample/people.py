"""The students: who they are, what they learn in which language, and how much they use the tutor.

Activity is heavy-tailed as in real logs: the k-th most active student sends a share proportional to k^-0.6.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from typing import Generic, TypeVar

from lyo_pipelines.sample.phrase import pick

LANGUAGES = {"en": 0.50, "hi": 0.22, "ta": 0.21, "hi_latn": 0.07}
SUBJECTS = {
    "en": {"math": 0.53, "physics": 0.18, "chemistry": 0.13, "programming": 0.16},
    "hi": {"math": 0.60, "physics": 0.19, "chemistry": 0.11, "programming": 0.10},
    "ta": {"math": 0.60, "physics": 0.19, "chemistry": 0.11, "programming": 0.10},
    "hi_latn": {"math": 0.72, "physics": 0.28},
}
GRADES = {6: 0.15, 7: 0.18, 8: 0.20, 9: 0.20, 10: 0.17, 11: 0.06, 12: 0.04}
_BOARDS = ("CBSE", "ICSE", "State board", "Tamil Nadu board", "UP board")
_DEVICES = ("android", "android", "android", "web", "ios")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Student:
    """One user of the tutor. `user_id` is the raw id, which never reaches the lake."""

    user_id: str
    grade: int
    language: str
    rates: float  # share of the answers that this student rates
    team: str
    metadata: str
    arm: str


class Chances(Generic[T]):
    """Options with weights, drawn by one random number."""

    def __init__(self, weights: dict[T, float]) -> None:
        self.options = list(weights)
        self._sums = list(accumulate(weights.values()))

    def draw(self, rng: Random) -> T:
        """Draw one option."""
        return self.options[min(bisect(self._sums, rng.random() * self._sums[-1]), len(self.options) - 1)]

    def only(self, keep: Callable[[T], bool]) -> Chances[T]:
        """The same options with the same weights, without those that are not kept."""
        weights = (after - before for before, after in pairwise((0.0, *self._sums)))
        return Chances({option: weight for option, weight in zip(self.options, weights, strict=True) if keep(option)})


def make_students(rng: Random, count: int) -> Chances[Student]:
    """Make students with unequal activity; the most active ones also rate the most."""
    grades = Chances(GRADES)
    students: dict[Student, float] = {}
    activity = dict.fromkeys(LANGUAGES, 0.0)
    for rank in range(1, count + 1):
        # the language that is furthest behind its share, so that one very active student does not tip the balance
        language = min(LANGUAGES, key=lambda code: activity[code] / LANGUAGES[code])
        activity[language] += rank**-0.6
        board = pick(rng, _BOARDS)
        metadata = json.dumps({"board": board, "device": pick(rng, _DEVICES), "app": f"4.{int(rng.random() * 6)}"})
        student = Student(
            user_id=f"student-{rank:05d}",
            grade=grades.draw(rng),
            language=language,
            rates=min(0.95, 0.63 + 0.25 / rank**0.3) if rng.random() < 0.85 else 0.2,
            team=f"school-{1 + rank % 12:02d}",
            metadata=metadata,
            arm="treatment" if rng.random() < 0.1 else "control",
        )
        students[student] = rank**-0.6
    return Chances(students)
