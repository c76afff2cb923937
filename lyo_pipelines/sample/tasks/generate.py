"""The log of one task: content of its module, with users, times, ratings and a few planted flaws, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

import orjson

from lyo_pipelines.errors import LyoError
from lyo_pipelines.sample.generate import iter_interactions
from lyo_pipelines.sample.people import Chances, Student, make_students
from lyo_pipelines.sample.rows import MODEL, Moment, Row, date_feedback, rate
from lyo_pipelines.sample.tasks import (
    agent,
    classification,
    engagement,
    learning_path,
    live_study,
    quiz,
    reasoning,
    search,
    study_plan,
    technical_docs,
)
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample
from lyo_pipelines.sample.times import day_counts, second_of_day

TASKS: dict[str, TaskSample] = {
    "agent": agent.SAMPLE,
    "chain_of_thought": reasoning.CHAIN_OF_THOUGHT,
    "classification": classification.SAMPLE,
    "engagement": engagement.SAMPLE,
    "learning_path": learning_path.SAMPLE,
    "live_study": live_study.SAMPLE,
    "multi_step": reasoning.MULTI_STEP,
    "quiz": quiz.SAMPLE,
    "search": search.SAMPLE,
    "study_plan": study_plan.SAMPLE,
    "technical_docs": technical_docs.SAMPLE,
}
"""Task -> how its content is made."""
CONVERSED = ("programming", "tutoring")
"""Tasks of the big sample log, whose rows are picked out of it."""
LANGUAGES = {"programming": ("en", "hi", "ta"), "tutoring": ("en", "hi", "ta", "hi_latn")}
WEEKS = 8


class UnknownSampleError(LyoError):
    """There is no sample of this task or language; the message names those that there are."""


def languages_of(task: str) -> tuple[str, ...]:
    """Languages in which a task has a sample. Raises UnknownSampleError."""
    if task in CONVERSED:
        return LANGUAGES[task]
    if task not in TASKS:
        raise UnknownSampleError(
            f"No sample of the task {task!r}; there are {', '.join(sorted([*TASKS, *CONVERSED]))}."
        )
    return TASKS[task].languages


def task_rows(
    task: str, *, n: int, seed: int = 7, end: date, language: str = "en", with_subject: bool = False
) -> list[Row]:
    """Make n canonical rows of the eight weeks before `end`, by time. Raises UnknownSampleError.

    with_subject: rows say their subject, so that they make segments such as search.en.math beside each other.
    """
    if language not in languages_of(task):
        raise UnknownSampleError(f"The sample of {task} is in {', '.join(languages_of(task))}, not in {language!r}.")
    if task in CONVERSED:
        return _conversed(task, n, seed, end, language)
    return sorted(_rows(task, n, seed, end, language, with_subject), key=lambda row: row["occurred_at"])


def _rows(task: str, n: int, seed: int, end: date, language: str, with_subject: bool) -> Iterator[Row]:
    rng = Random(f"{seed} {task} {language}")
    students = make_students(rng, max(40, n // 20)).only(lambda student: student.grade <= 10)
    for day, count in day_counts(n, end, WEEKS):
        for _ in range(count):
            moment = Moment(day, second_of_day(rng))
            made, student = TASKS[task].make(rng, language), students.draw(rng)
            row = _row(rng, task, language, made, student, moment)
            row["subject"] = made.subject if with_subject else None
            bad = _spoil(rng, row, made)
            rate(rng, row, student, is_bad=bad and rng.random() < 0.6)
            if late := date_feedback(rng, row, moment, end):
                row |= late  # one file holds all: what came later stands in the row
            yield row


def _row(rng: Random, task: str, language: str, made: Made, student: Student, moment: Moment) -> Row:
    answer = _text(made.answer)
    total_ms = rng.lognormvariate(6.9, 0.4) + 3.0 * len(answer or "")
    return {
        "interaction_id": f"{rng.getrandbits(64):016x}",
        "occurred_at": moment.text(),
        "task": task,
        "language": language,
        "subject": None,
        "topic": made.topic,
        "grade": str(made.grade or student.grade),
        "reasoning_mode": made.reasoning_mode,
        "context": _text(made.context),
        "question": made.question,
        "answer": answer,
        "reference_answer": made.reference_answer,
        "rating": None,
        "thumbs": None,
        "complaint_category": None,
        "complaint_text": None,
        "feedback_at": None,
        "user_id": student.user_id,
        "team": student.team,
        "conversation_id": f"c{rng.getrandbits(48):012x}",
        "turn": 0,
        "model": MODEL,
        "adapter_version": "base-1" if student.arm == "control" else "trial-2",
        "experiment_arm": student.arm,
        "response_time_ms": round(total_ms, 1),
        "retries": 0,
        "finish_reason": "stop",
        "metadata": student.metadata,
    }


def _text(value: str | Structured | None) -> str | None:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


_FLAWS = Chances({"": 0.88, "bad": 0.05, "fenced": 0.03, "cut": 0.02, "chatty": 0.01, "extra": 0.01})


def _spoil(rng: Random, row: Row, made: Made) -> bool:
    """Plant at most one flaw; returns whether the answer is now a bad one (a Markdown fence around it is not)."""
    flaw, answer = _FLAWS.draw(rng), row["answer"]
    structured = isinstance(made.answer, dict)
    if flaw == "bad" and made.bad is not None:
        row["answer"] = _text(made.bad)
    elif flaw == "fenced" and structured:
        row["answer"] = f"```json\n{answer}\n```"
        return False
    elif flaw == "cut":
        row["answer"] = answer[: int(len(answer) * (0.4 + 0.4 * rng.random()))].rstrip()
        row["finish_reason"] = "length"
    elif flaw == "chatty" and structured:
        row["answer"] = f"Sure, here is the JSON you asked for: {answer}"
    elif flaw == "extra" and structured:
        row["answer"] = _text({**made.answer, "confidence": 0.9})  # pyright: ignore[reportGeneralTypeIssues]
    else:
        return False
    return True


def _conversed(task: str, n: int, seed: int, end: date, language: str) -> list[Row]:
    """Rows of the big log; a log that is three times as large holds more and more of them."""
    size = max(n, 1)
    while True:
        rows = [
            row
            for row in iter_interactions(size, seed=seed, end=end, weeks=WEEKS)
            if row["task"] == task and row["language"] == language
        ]
        if len(rows) >= n:
            return sorted(rows, key=lambda row: row["occurred_at"])[:n]
        size *= 3
