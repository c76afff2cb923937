"""Hints while a learner is at an exercise: the idea, or what to do after the first step, never the result."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.lesson import Lesson, framed
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.exercises import LANGUAGES, draw_lesson, idea, numbers, outcome
from lyo_pipelines.sample.tasks.made import Made, TaskSample

_STUCK = {
    "en": ("I got this far: {s} What next?", "My first line is: {s} I am stuck.", "So far: {s} How do I go on?"),
    "hi": ("मैंने इतना किया: {s} आगे क्या?", "मेरी पहली पंक्ति: {s} अब अटक गया।", "अब तक: {s} आगे कैसे बढ़ूँ?"),
    "ta": ("இதுவரை: {s} அடுத்து என்ன?", "என் முதல் வரி: {s} இங்கே நின்றுவிட்டேன்.", "நான் செய்தது: {s} எப்படித் தொடர்வது?"),
}
_GO_ON = {
    "en": (
        "Your first line is right. {i} What does that tell you about the next line?",
        "Good start! {i} Which number do you need now?",
    ),
    "hi": ("आपकी पहली पंक्ति सही है। {i} अब अगली पंक्ति में क्या लिखेंगे?", "अच्छी शुरुआत! {i} अब कौन-सी संख्या चाहिए?"),
    "ta": ("உங்கள் முதல் வரி சரி. {i} அடுத்த வரியில் என்ன எழுதுவீர்கள்?", "நல்ல தொடக்கம்! {i} இப்போது எந்த எண் தேவை?"),
}


def make(rng: Random, language: str) -> Made:
    """Make one exercise with a hint; the learner has nothing yet, or the first line of a longer solution."""
    lesson, grade = draw_lesson(rng, language)
    if len(lesson.steps) > 2 and not _tells(lesson, lesson.steps[0]) and rng.random() < 0.6:
        question = framed(lesson, after=pick(rng, _STUCK[language]).format(s=lesson.steps[0]))
        answer = pick(rng, _GO_ON[language]).format(i=idea(lesson))
    else:
        question = framed(lesson, after=lesson.say(rng, lesson.voice.hint_asks))
        answer = lesson.say(rng, lesson.voice.hint_answers, rule=lesson.rule)
    return Made(
        question=question,
        answer=answer,
        topic=lesson.kind.topic,
        subject=lesson.kind.subject,
        grade=grade,
        reference_answer=lesson.result,
        bad=" ".join((idea(lesson), *lesson.steps[-1:], lesson.final_line)),
    )


def _tells(lesson: Lesson, line: str) -> bool:
    return bool(numbers(lesson.result) & numbers(outcome(line)))


SAMPLE = TaskSample(LANGUAGES, make)
