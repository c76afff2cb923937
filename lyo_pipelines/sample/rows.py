"""One log row: a turn with its student, its time, the service that answered, and the rating that it got.

Keys are the names of the interaction schema, with the raw `user_id` where the lake keeps a pseudonym.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.sample.conversations import Turn
from lyo_pipelines.sample.people import Chances, Student
from lyo_pipelines.sample.times import timestamp

Row = RawRow

_GOOD = Chances({5: 0.54, 4: 0.32, 3: 0.09, 2: 0.03, 1: 0.02})
_BAD = Chances({1: 0.55, 2: 0.45})
_MODES = Chances({"standard": 0.86, "chain_of_thought": 0.10, "multi_step": 0.04})
MODEL = "smollm2-135m-instruct"


@dataclass(frozen=True, slots=True)
class Moment:
    """A UTC day and a second on it."""

    day: date
    second: float

    def text(self, later_s: float = 0.0) -> str:
        """ISO time, `later_s` seconds later; days roll over."""
        days, second = divmod(self.second + later_s, 86_400)
        return timestamp((self.day + timedelta(days=int(days))).isoformat(), second)


def make_row(
    rng: Random,
    turn: Turn,
    student: Student,
    *,
    at: str,
    number: int,
    conversation_id: str,
    history: list[dict[str, str]],
    question_id: str | None,
) -> Row:
    """Build the row of one turn, not yet rated."""
    lesson = turn.lesson
    kind, voice = lesson.kind, lesson.voice
    total_ms = rng.lognormvariate(7.3, 0.45) + 3.0 * len(turn.answer)
    return {
        "interaction_id": f"{rng.getrandbits(64):016x}",
        "occurred_at": at,
        "task": "programming" if kind.subject == "programming" else "tutoring",
        "language": voice.language,
        "subject": kind.subject,
        "topic": kind.topic,
        "grade": str(student.grade),
        "reasoning_mode": _MODES.draw(rng),
        "system_prompt": voice.personas[kind.subject],
        "context": None,
        "history": history,
        "question": turn.question,
        "answer": turn.answer,
        "question_id": question_id,
        "reference_answer": lesson.result if turn.checked else None,
        "rating": None,
        "thumbs": None,
        "complaint_category": None,
        "complaint_text": None,
        "feedback_at": None,
        "relevance_score": round(1.0 - 0.35 * rng.random() ** 2, 3) if rng.random() < 0.4 else None,
        "user_id": student.user_id,
        "team": student.team,
        "conversation_id": conversation_id,
        "turn": number,
        "model": MODEL,
        "adapter_version": "base-1" if student.arm == "control" else "trial-2",
        "experiment_arm": student.arm,
        "response_time_ms": round(total_ms, 1),
        "time_to_first_token_ms": round(total_ms * (0.12 + 0.1 * rng.random()), 1),
        "retries": 0,
        "error": None,
        "finish_reason": "stop",
        "metadata": student.metadata,
    }


def rate(rng: Random, row: Row, student: Student, *, is_bad: bool = False) -> None:
    """Let the student rate the answer, or not: most good answers get 4 or 5, bad ones 1 or 2; some only show a thumb."""
    if rng.random() >= student.rates:
        if rng.random() < 0.06:
            row["thumbs"] = -1 if is_bad or rng.random() < 0.1 else 1
        return
    row["rating"] = (_BAD if is_bad else _GOOD).draw(rng)
    if rng.random() < 0.2:
        row["thumbs"] = 1 if row["rating"] >= 4 else -1


FEEDBACK = ("rating", "thumbs", "complaint_category", "complaint_text")


def date_feedback(rng: Random, row: Row, moment: Moment, end: date) -> Row | None:
    """Give the feedback its time. One in eight comes one to four days later: it leaves the row and is returned as a feedback row.

    Nothing comes on `end` or after it: there the feedback is given at once.
    """
    if row["rating"] is None and row["thumbs"] is None and row["complaint_category"] is None:
        return None
    late_at = moment.text(86_400 * (1 + 3 * rng.random()))
    if rng.random() >= 0.125 or late_at >= end.isoformat():
        row["feedback_at"] = moment.text(20 + 400 * rng.random())
        return None
    given = {name: row[name] for name in FEEDBACK if row[name] is not None}
    for name in FEEDBACK:
        row[name] = None
    return {"interaction_id": row["interaction_id"], **given, "feedback_at": late_at}
