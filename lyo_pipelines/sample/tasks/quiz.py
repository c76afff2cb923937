"""Quiz requests: exercises of one topic become questions with the right result and results that look right."""

from __future__ import annotations

import re
from random import Random

from lyo_pipelines.sample.lesson import Lesson, kinds_for
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.exercises import again, draw_lesson, idea, wrong_results
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample

_ASKS = {
    "en": (
        "Make {n} quiz questions on {t} for grade {g}.",
        "I need a short test about {t}: {n} multiple-choice questions, grade {g}.",
        "Quiz my class {g} on {t} ({n} questions with four options).",
        "{t}, {n} questions, please! We are in grade {g}.",
        "Before the unit test I want to check grade {g} with {n} questions on {t}.",
        "Can you ask me {n} things about {t}? I study in class {g}.",
    ),
    "hi": (
        "कक्षा {g} के लिए {t} पर {n} प्रश्न बनाइए।",
        "{t} की छोटी परीक्षा चाहिए: {n} बहुविकल्पीय प्रश्न, कक्षा {g}।",
        "मेरी कक्षा {g} से {t} पर {n} प्रश्न पूछिए।",
        "इकाई परीक्षा से पहले {t} पर {n} सवाल चाहिए, कक्षा {g}।",
    ),
}
_HINDI = {
    "acids_and_bases": "अम्ल और क्षारक", "angles": "कोण", "arithmetic": "अंकगणित", "arithmetic_progression": "समांतर श्रेढ़ी",
    "atomic_structure": "परमाणु की संरचना", "averages": "औसत", "chemical_equations": "रासायनिक समीकरण",
    "compound_interest": "चक्रवृद्धि ब्याज", "electricity": "विद्युत", "exponents": "घातांक",
    "factors_and_multiples": "गुणनखंड और गुणज", "force_and_laws_of_motion": "बल और गति के नियम", "fractions": "भिन्न",
    "gravitation": "गुरुत्वाकर्षण", "linear_equations": "रैखिक समीकरण", "matter": "पदार्थ", "measurement": "मापन",
    "mensuration": "क्षेत्रमिति", "mole_concept": "मोल संकल्पना", "motion": "गति", "percentages": "प्रतिशत", "pressure": "दाब",
    "probability": "प्रायिकता", "profit_and_loss": "लाभ और हानि", "pythagoras": "पाइथागोरस प्रमेय",
    "quadratic_equations": "द्विघात समीकरण", "ratio_and_proportion": "अनुपात और समानुपात", "simple_interest": "साधारण ब्याज",
    "simultaneous_equations": "दो चरों वाले समीकरण", "solutions": "विलयन", "sound_and_waves": "ध्वनि और तरंगें",
    "time_and_distance": "समय और दूरी", "time_and_work": "समय और कार्य", "work_and_energy": "कार्य और ऊर्जा",
}  # fmt: skip

_PERSONAL = re.compile(
    r"\b(?:my|me|our|I|please|asks?|homework|test|book|sheet)\b|मुझे|मेरी|मेरे|हमारी|कृपया|पूछ|वर्कशीट|परीक्षा|किताब",
    re.IGNORECASE,
)


def topic_name(topic: str, language: str) -> str:
    """The name of an exercise's topic in Hindi or English."""
    return _HINDI[topic] if language == "hi" else topic.replace("_", " ")


def make(rng: Random, language: str) -> Made:
    """Make one request with its quiz; all questions are of one topic and none is asked twice."""
    lesson, grade = draw_lesson(rng, language)
    count = 1 + int(rng.random() * 3)
    found: dict[str, Structured] = {}
    kinds = [k for k in kinds_for(lesson.voice, lesson.kind.subject, grade) if k.topic == lesson.kind.topic]
    for _ in range(20 * count):
        one = again(rng, lesson, pick(rng, kinds))
        if question := _question(rng, one):
            found.setdefault(one.body, question)
        if len(found) == count:
            break
    if len(found) < count:
        return make(rng, language)
    questions = list(found.values())
    topic = topic_name(lesson.kind.topic, language)
    ask = pick(rng, _ASKS[language]).format(n=count, t=topic, g=grade)
    return Made(
        question=ask[:1].upper() + ask[1:],
        answer={"questions": questions},
        topic=lesson.kind.topic,
        subject=lesson.kind.subject,
        grade=grade,
        context={"count": count, "topic": topic},
        bad={"questions": [_all_right(questions[0]), *questions[1:]]},
    )


def _question(rng: Random, lesson: Lesson) -> Structured | None:
    """One question with four options in any order; None where somebody speaks of himself or three wrong results cannot be found."""
    if _PERSONAL.search(lesson.body):
        return None
    wrong = wrong_results(rng, lesson, 3)
    if len(wrong) < 3:
        return None
    options = [{"text": lesson.result, "correct": True}, *({"text": text, "correct": False} for text in wrong)]
    rng.shuffle(options)
    return {"question": lesson.body, "options": options, "explanation": idea(lesson)}


def _all_right(question: Structured) -> Structured:
    return question | {"options": [option | {"correct": True} for option in question["options"]]}


SAMPLE = TaskSample(("en", "hi"), make)
