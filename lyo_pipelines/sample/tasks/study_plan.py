"""Study plans: a few topics, some days, minutes a day; each day takes the next topic, the last one revises."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample, sentence
from lyo_pipelines.sample.tasks.topics import topics

_ASKS = {
    "en": (
        "My test is in {d} days and I can study {m} minutes a day. Topics: {t}.",
        "Make me a plan for {t}: {d} days, {m} minutes each.",
        "I have to revise {t} within {d} days. At most {m} minutes a day, please.",
        "Help! {t} until the unit test in {d} days, and only {m} minutes every evening.",
    ),
    "hi": (
        "मेरी परीक्षा {d} दिन बाद है और मैं रोज़ {m} मिनट पढ़ सकती हूँ। विषय: {t}।",
        "{t} के लिए योजना बनाइए: {d} दिन, रोज़ {m} मिनट।",
        "{d} दिनों में {t} दोहराना है। रोज़ ज़्यादा से ज़्यादा {m} मिनट।",
    ),
}
_LEARN = {
    "en": (
        "Read the section and note its main ideas",
        "Work through two examples",
        "Watch one lesson and write three questions",
    ),
    "hi": ("पाठ पढ़िए और मुख्य बातें लिखिए", "दो उदाहरण हल कीजिए", "एक पाठ देखिए और तीन प्रश्न लिखिए"),
}
_PRACTISE = {
    "en": ("Solve six exercises without help", "Answer last year's questions", "Explain the idea aloud to a friend"),
    "hi": ("बिना मदद के छह प्रश्न हल कीजिए", "पिछले साल के प्रश्न कीजिए", "विचार किसी मित्र को बोलकर समझाइए"),
}
_REVISE = {"en": "Revise notes and correct old mistakes", "hi": "नोट्स दोहराइए और पुरानी ग़लतियाँ सुधारिए"}
_AND = {"en": " and ", "hi": " और "}


def make(rng: Random, language: str) -> Made:
    """Make one request with its plan."""
    first = pick(rng, list(topics().values()))
    near = [topic for topic in topics().values() if topic.subject == first.subject and topic is not first]
    chosen = [first, *rng.sample(near, min(len(near), 1 + int(rng.random() * 3)))]
    names = [topic.name(language) for topic in chosen]
    days = len(chosen) + 1 + int(rng.random() * 4)
    minutes = pick(rng, (30, 40, 45, 60, 90))
    told = ", ".join(names[:-1]) + _AND[language] + names[-1]
    plan = _plan(rng, names, days, minutes, language)
    return Made(
        question=sentence(pick(rng, _ASKS[language]).format(d=days, m=minutes, t=told)),
        answer={"days": plan},
        topic=first.en,
        subject=first.subject,
        grade=max(topic.grade for topic in chosen),
        context={"days": days, "minutes_per_day": minutes, "topics": names},
        bad={"days": [*plan, {"day": days + 2, "slots": [_slot(names[0], minutes * 2, _REVISE[language])]}]},
    )


def _plan(rng: Random, names: list[str], days: int, minutes: int, language: str) -> list[Structured]:
    plan = []
    for day in range(1, days):
        name = names[(day - 1) % len(names)]
        learn = minutes // 2
        slots = [
            _slot(name, learn, pick(rng, _LEARN[language])),
            _slot(name, minutes - learn, pick(rng, _PRACTISE[language])),
        ]
        plan.append({"day": day, "slots": slots})
    share = minutes // len(names)
    plan.append({"day": days, "slots": [_slot(name, share, _REVISE[language]) for name in names]})
    return plan


def _slot(topic: str, minutes: int, activity: str) -> Structured:
    return {"topic": topic, "minutes": minutes, "activity": activity}


SAMPLE = TaskSample(("en", "hi"), make)
