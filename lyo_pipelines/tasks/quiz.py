"""Quizzes: questions with options of which exactly one is right, for a topic in the question or material in the context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from lyo_pipelines.tasks.answers import Answer, Material, Text, read_material
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.measures import duplicated_texts, same_result, word_f1
from lyo_pipelines.tasks.wording import about, as_json, language, learner

FORMAT_VERSION = "quiz-1"
ALIKE = 0.6
"""From this word F1 on, two questions ask the same."""


class Option(Answer):
    """One option of a question."""

    text: Text
    correct: bool


class Question(Answer):
    """One question: its options, and why the right one is right."""

    question: Text
    options: Annotated[list[Option], Field(min_length=3, max_length=5)]
    explanation: Text

    @property
    def correct_options(self) -> list[str]:
        """The options that are called right."""
        return [option.text for option in self.options if option.correct]

    @property
    def is_distinct(self) -> bool:
        """Whether no option stands there twice."""
        return not duplicated_texts([option.text for option in self.options])


class Quiz(Answer):
    """The answer: the questions."""

    questions: Annotated[list[Question], Field(min_length=1, max_length=20)]


class Wanted(Material):
    """What the context may say: how many questions are wanted."""

    count: int | None = None


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the quiz maker's system prompt."""
    keys = "questions (each: question, options: 3 to 5 with text and correct, explanation)"
    who = f"You are Lyo. Write quiz questions{about(row)}{learner(row)} with exactly one right option each."
    return f"{who} Write in {language(row)}.{as_json(keys)}"


def check(answer: Quiz, row: Mapping[str, Any]) -> str | None:
    """Each question has exactly one right option and no option twice; the questions differ and are as many as wanted."""
    return next(_flaws(answer, _count(row)), None)


def _count(row: Mapping[str, Any]) -> int | None:
    wanted = read_material(row, Wanted)
    return wanted.count if wanted else None


def _flaws(answer: Quiz, count: int | None) -> Iterator[str]:
    for number, question in enumerate(answer.questions, 1):
        if len(question.correct_options) != 1:
            yield f"question {number} has {len(question.correct_options)} right options"
        if not question.is_distinct:
            yield f"question {number} has an option twice"
    if duplicated_texts([question.question for question in answer.questions]):
        yield "a question stands there twice"
    if count is not None and len(answer.questions) != count:
        yield f"{len(answer.questions)} questions where {count} were asked for"


def _one_right(item: GradedAnswer) -> float:
    questions = item.answer.questions
    return sum(len(question.correct_options) == 1 for question in questions) / len(questions)


def _distinct(item: GradedAnswer) -> float:
    questions = item.answer.questions
    return sum(question.is_distinct for question in questions) / len(questions)


def _key(item: GradedAnswer) -> float | None:
    agreed = []
    for question in item.answer.questions:
        likeness, place = max(
            (word_f1(question.question, other.question), -number)
            for number, other in enumerate(item.reference.questions)
        )
        if likeness >= ALIKE:
            right = item.reference.questions[-place].correct_options
            agreed.append(
                len(question.correct_options) == len(right) == 1 and same_result(question.correct_options[0], right[0])
            )
    return sum(agreed) / len(agreed) if agreed else None


def _count_kept(item: GradedAnswer) -> float:
    return float(len(item.answer.questions) == (_count(item.row) or len(item.reference.questions)))


FORMAT = TaskFormat(
    task="quiz",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="A request in the question, material in the context, questions with options out.",
    answer=Quiz,
    check=check,
    prose=("question", "text", "explanation"),
    metrics=(
        TaskMetric(
            "one_right_option", "higher", "share of questions", "Share of the questions with exactly one right option.",
            item=_one_right, invalid=0.0,
        ),
        TaskMetric(
            "distinct_options", "higher", "share of questions", "Share of the questions whose options all differ.",
            item=_distinct, invalid=0.0,
        ),
        TaskMetric(
            "answer_key_agreement", "higher", "share of questions",
            "Of the questions that the reference asks, too: share with the same right option.", item=_key, invalid=0.0,
        ),
        TaskMetric(
            "question_count_kept", "higher", "share", "Share of the quizzes with as many questions as asked for.",
            item=_count_kept, invalid=0.0,
        ),
    ),
    general_metrics=("loss", "length_ratio"),
)  # fmt: skip
