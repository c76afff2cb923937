"""Learning goals with a curriculum: some of what a goal needs is known already, the rest becomes the path, earliest needs first."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.made import Made, TaskSample, sentence
from lyo_pipelines.sample.tasks.topics import SampleTopic, path_to, topics

_ASKS = {
    "en": (
        "I am in grade {g} and want to understand {t}. I have {h} hours. {k}",
        "My goal: {t}, in {h} hours. I study in grade {g}. {k}",
        "Can you plan how I get to {t}? There are {h} hours, I am in grade {g}. {k}",
        "Before the holidays end ({h} hours of study) I want to be good at {t}. Grade {g}. {k}",
    ),
    "hi": (
        "मैं कक्षा {g} में हूँ और {t} सीखना है। मेरे पास {h} घंटे हैं। {k}",
        "मेरा लक्ष्य: {t}, {h} घंटों में। कक्षा {g}। {k}",
        "{t} तक पहुँचने की योजना बनाइए। {h} घंटे हैं, कक्षा {g}। {k}",
    ),
}
_KNOWN = {"en": "I already know {0}.", "hi": "मुझे पहले से आता है: {0}।"}
_NOTHING = {"en": "I start from the beginning.", "hi": "मुझे शुरू से शुरू करना है।"}
_WHY = {"en": "Needed for {0}.", "hi": "{0} के लिए ज़रूरी है।"}
_GOAL = {"en": "This is your goal.", "hi": "यही आपका लक्ष्य है।"}
_GOALS = tuple(topic for topic in topics().values() if len(path_to(topic)) >= 3)


def make(rng: Random, language: str) -> Made:
    """Make one goal with its path."""
    goal = pick(rng, _GOALS)
    way = path_to(goal)
    known = way[: int(rng.random() * (len(way) - 1))]
    rest = [topic for topic in way if topic not in known]
    hours = float(sum(topic.hours for topic in rest))
    limit = hours + pick(rng, (0, 1, 2, 4, 6))
    names = ", ".join(topic.name(language) for topic in known)
    slots = {"g": goal.grade, "t": goal.name(language), "h": f"{limit:g}"}
    told = _KNOWN[language].format(names) if known else _NOTHING[language]
    steps = [
        {"step": place, "topic": topic.name(language), "hours": float(topic.hours), "why": _why(topic, rest, language)}
        for place, topic in enumerate(rest, 1)
    ]
    return Made(
        question=sentence(pick(rng, _ASKS[language]).format(k=told, **slots)),
        answer={"steps": steps, "total_hours": hours},
        topic=goal.en,
        subject=goal.subject,
        grade=goal.grade,
        context={
            "goal": goal.name(language),
            "hours": limit,
            "known": [topic.name(language) for topic in known],
            "topics": [
                {"name": topic.name(language), "needs": [topics()[need].name(language) for need in topic.needs]}
                for topic in sorted(way, key=lambda topic: topic.en)
            ],
        },
        bad={"steps": _backwards(steps), "total_hours": hours},
    )


def _why(topic: SampleTopic, rest: list[SampleTopic], language: str) -> str:
    """What needs the topic next, or that it is the goal."""
    after = next((other for other in rest if topic.en in other.needs), None)
    return sentence(_WHY[language].format(after.name(language))) if after else _GOAL[language]


def _backwards(steps: list[dict[str, object]]) -> list[dict[str, object]]:
    """The same steps in the wrong order (one step alone is asked for twice)."""
    turned = [*reversed(steps)] if len(steps) > 1 else steps * 2
    return [step | {"step": place} for place, step in enumerate(turned, 1)]


SAMPLE = TaskSample(("en", "hi"), make)
