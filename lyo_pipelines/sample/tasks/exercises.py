"""Exercises with worked solutions (of sample/lesson.py) for the tasks that reason, hint and ask: one of a subject, without code."""

from __future__ import annotations

import re
from random import Random

from lyo_pipelines.sample.lesson import Lesson, kinds_for, make_lesson, wrong_result
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.problems import Kind
from lyo_pipelines.sample.tasks.made import sentence
from lyo_pipelines.sample.voices import VOICES

LANGUAGES = ("en", "hi", "ta")
SUBJECTS = ("math", "physics", "chemistry")
FULL_STOP = {"hi": "।"}
_TWO = re.compile(r"\b(?:and|or|so)\b|और|या|इसलिए|மற்றும்|அல்லது|;")
_ASIDE = re.compile(r" \([^()\d]*\)$")  # "m × a (Newton's second law)"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def draw_lesson(rng: Random, language: str) -> tuple[Lesson, int]:
    """Draw an exercise and the grade it is for."""
    subject, grade = pick(rng, SUBJECTS), 6 + int(rng.random() * 5)
    kind = pick(rng, kinds_for(VOICES[language], subject, grade))
    return make_lesson(rng, VOICES[language], kind), grade


def again(rng: Random, lesson: Lesson, kind: Kind | None = None) -> Lesson:
    """Another exercise of the same kind."""
    return make_lesson(rng, lesson.voice, kind or lesson.kind)


def idea(lesson: Lesson) -> str:
    """The rule behind the solution, as a sentence."""
    return sentence(lesson.rule) + FULL_STOP.get(lesson.voice.language, ".")


def outcome(step: str) -> str:
    """What a worked line arrives at: the text after its last "="; the whole line where it has none, or says two things."""
    last = step if _TWO.search(step) else step.rsplit("=", 1)[-1]
    return _ASIDE.sub("", last.strip().rstrip(".।")).strip()


def numbers(text: str) -> set[str]:
    """The numbers in a text."""
    return set(_NUMBER.findall(text))


def wrong_results(rng: Random, lesson: Lesson, count: int) -> list[str]:
    """So many different results that are not the right one; fewer where none can be found."""
    found: dict[str, None] = {}
    for _ in range(20):
        found.setdefault(wrong_result(rng, lesson.result))
        if len(found) == count:
            break
    return [result for result in found if result != lesson.result]
