"""One exercise in one language: the question as asked, the worked answer, and the result that can be checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lyo_pipelines.sample.phrase import Values, pick
from lyo_pipelines.sample.problems import KINDS, Kind
from lyo_pipelines.sample.voice import Voice

_NUMBER = re.compile(r"\d+")
_LOOSE = re.compile(r" +(?=[ .,;:?!।])")  # what empty alternatives leave behind


@dataclass(frozen=True, slots=True)
class Lesson:
    """An exercise with its solution. `values` holds the numbers and the words that were drawn for it."""

    voice: Voice
    kind: Kind
    values: Values
    body: str
    steps: tuple[str, ...]
    result: str

    def say(self, rng: Random, lines: Sequence[Any], **slots: str) -> str:
        """Say one of several phrases about this exercise."""
        return pick(rng, lines).say(rng, self.values | slots, self.voice.words)

    @property
    def rule(self) -> str:
        """The idea behind the solution, without a full stop."""
        return self.voice.wordings[self.kind.name].rule.say(_NO_CHANCE, self.values, self.voice.words)

    @property
    def quote(self) -> str:
        """The beginning of the exercise, as a student quotes it later."""
        if "code" in self.values:
            return "; ".join(line.strip() for line in self.values["code"].split("\n")[:2])
        return " ".join(self.body.split()[:9]).rstrip(".,:;?!।")

    def answer(self, first_line: str) -> str:
        """The worked answer: a warm line, numbered steps, and the result after the answer mark."""
        step = self.voice.step
        lines = [step.format(n=n) + text for n, text in enumerate(self.steps, 1)]
        return "\n".join((first_line, *lines, self.final_line))

    @property
    def final_line(self) -> str:
        """The last line of every worked answer."""
        return self.voice.answer_mark + self.result


_NO_CHANCE = Random(0)  # rules have no alternatives, so nothing is drawn from it


def make_lesson(rng: Random, voice: Voice, kind: Kind) -> Lesson:
    """Draw an exercise of one kind and work it in one language."""
    values = kind.make(rng)
    wording = voice.wordings[kind.name]
    body = pick(rng, wording.questions).say(rng, values, voice.words)
    steps = tuple(step.say(rng, values, voice.words) for step in wording.steps)
    before, code, after = body.partition(values.get("code", "\0"))
    before, after = _LOOSE.sub("", before), _LOOSE.sub("", after)
    body = (capital(before) + code + after).strip()
    return Lesson(voice, kind, values, body, steps, wording.result.say(rng, values, voice.words))


def capital(text: str) -> str:
    """Begin with a capital letter, unless the text begins with a variable such as x."""
    return text[:1].upper() + text[1:] if text[1:2].isalpha() or text[:2] == "a " else text


def framed(lesson: Lesson, before: str = "", after: str = "") -> str:
    """The exercise with sentences around it; code keeps lines of its own."""
    code = lesson.values.get("code", "\0")
    text = lesson.body
    if before:
        text = before + ("\n\n" if text.startswith(code) else " ") + text
    if after:
        text = text + ("\n\n" if text.endswith(code) else " ") + after
    return text


def ask(rng: Random, lesson: Lesson) -> str:
    """The exercise as a student types it: sometimes with a sentence before or after it."""
    before = lesson.say(rng, lesson.voice.openers) if rng.random() < 0.55 else ""
    after = lesson.say(rng, lesson.voice.closers) if rng.random() < 0.45 else ""
    return framed(lesson, before, after)


def wrong_result(rng: Random, result: str) -> str:
    """A result that looks like the right one and is not: one of its numbers is off."""
    numbers = list(_NUMBER.finditer(result))
    if not numbers:
        return result[::-1] if result[::-1] != result else result + result
    at = pick(rng, numbers)
    value = int(at.group())
    off = value + pick(rng, (1, 2, 3, 5, 10)) if value < 10 or rng.random() < 0.5 else value - pick(rng, (1, 2, 4, 9))
    return result[: at.start()] + str(off) + result[at.end() :]


def kinds_for(voice: Voice, subject: str, grade: int) -> tuple[Kind, ...]:
    """Kinds of a subject that this language words, of the student's grade or the nearest ones."""
    worded = [KINDS[name] for name in voice.wordings if KINDS[name].subject == subject]
    for distance in range(12):
        near = tuple(kind for kind in worded if min(abs(grade - own) for own in kind.grades) <= distance)
        if len(near) >= min(4, len(worded)):
            return near
    return tuple(worded)
