"""What is said in a conversation: exercises, hints, attempts, "why?" and another one, as turns with their history.

Turns are language, nothing else: who asked, when and how fast it was answered stands in rows.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lyo_pipelines.sample.lesson import Lesson, ask, capital, framed, make_lesson, wrong_result
from lyo_pipelines.sample.people import Chances


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer. `checked` says whether the answer ends with the result."""

    lesson: Lesson
    question: str
    answer: str
    checked: bool = True


def solve(rng: Random, lesson: Lesson) -> Turn:
    """The exercise, worked."""
    return Turn(lesson, ask(rng, lesson), lesson.answer(lesson.say(rng, lesson.voice.warm)))


def hint(rng: Random, lesson: Lesson) -> Turn:
    """The student wants to try it alone, so the answer holds the idea and no result."""
    question = framed(lesson, after=lesson.say(rng, lesson.voice.hint_asks))
    return Turn(lesson, question, lesson.say(rng, lesson.voice.hint_answers, rule=lesson.rule), checked=False)


def attempt(rng: Random, lesson: Lesson) -> Turn:
    """The student's own result, right or wrong, is checked."""
    voice, is_right = lesson.voice, rng.random() < 0.5
    tried = lesson.result if is_right else wrong_result(rng, lesson.result)
    question = capital(lesson.say(rng, voice.attempts, tried=tried, quote=lesson.quote))
    return Turn(lesson, question, lesson.answer(lesson.say(rng, voice.right if is_right else voice.not_yet)))


def why(rng: Random, lesson: Lesson) -> Turn:
    """The reason behind the solution, and the result again."""
    voice = lesson.voice
    question = capital(lesson.say(rng, voice.why_questions, wrong=wrong_result(rng, lesson.result), quote=lesson.quote))
    reason = lesson.say(rng, voice.why_answers, rule=lesson.rule, last=lesson.steps[-1])
    return Turn(lesson, question, f"{reason}\n{lesson.final_line}")


def another(rng: Random, lesson: Lesson) -> Turn:
    """A new exercise of the same kind."""
    fresh = make_lesson(rng, lesson.voice, lesson.kind)
    question = framed(fresh, before=fresh.say(rng, fresh.voice.another))
    return Turn(fresh, question, fresh.answer(fresh.say(rng, fresh.voice.warm)))


_SCRIPTS: Chances[tuple[Callable[[Random, Lesson], Turn], ...]] = Chances(
    {
        (solve,): 0.64,
        (solve, why): 0.11,
        (solve, another): 0.08,
        (hint, attempt): 0.09,
        (hint, attempt, why): 0.03,
        (solve, another, another): 0.03,
        (solve, why, another, why): 0.02,
    }
)


def converse(rng: Random, lesson: Lesson) -> list[Turn]:
    """Draw the turns of one conversation that starts with `lesson`."""
    turns: list[Turn] = []
    for move in _SCRIPTS.draw(rng):
        turns.append(move(rng, turns[-1].lesson if turns else lesson))
    return turns


def context_for(rng: Random, lesson: Lesson) -> str | None:
    """Now and then the application shows a line of the text book beside the question."""
    if rng.random() >= 0.04:
        return None
    return lesson.rule[:1].upper() + lesson.rule[1:] + "."
