"""Content and a learner's profile. The score follows from the form, what the learner likes, the grade, and the time there is."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.contents import EDUCATIONAL, ENTERTAINMENT, Content, draw_content
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample

_KINDS = tuple(form.kind for form in (*EDUCATIONAL, *ENTERTAINMENT))
_REASONS = {
    "en": {
        "likes": "the learner likes this kind of content", "dislikes": "the learner avoids this kind of content",
        "long": "it takes longer than the learner has", "fits": "it fits into the learner's time",
        "early": "the topic comes in a later grade", "level": "the topic is of the learner's grade",
        "earlier": "the topic repeats an earlier grade", "play": "it is made for fun", "and": "{0}, and {1}.",
    },
    "hi": {
        "likes": "विद्यार्थी को इस तरह की सामग्री पसंद है", "dislikes": "विद्यार्थी इस तरह की सामग्री से बचता है",
        "long": "इसमें विद्यार्थी के पास जितना समय है उससे अधिक लगता है", "fits": "यह विद्यार्थी के समय में पूरा हो जाता है",
        "early": "यह विषय आगे की कक्षा का है", "level": "यह विषय विद्यार्थी की कक्षा का है",
        "earlier": "यह विषय पिछली कक्षा का दोहराव है", "play": "यह मनोरंजन के लिए है", "and": "{0}, और {1}।",
    },
}  # fmt: skip


def profile(rng: Random) -> Structured:
    """Draw a learner: grade, what is liked and avoided, minutes a day."""
    likes = sorted(rng.sample(_KINDS, 3))
    rest = [kind for kind in _KINDS if kind not in likes]
    return {
        "grade": 6 + int(rng.random() * 5),
        "likes": likes,
        "avoids": sorted(rng.sample(rest, 2)),
        "minutes_per_day": pick(rng, (10, 20, 30, 45)),
        "streak_days": int(rng.random() * 15),
    }


def predict(content: Content, learner: Structured) -> tuple[float, list[str]]:
    """Score (two decimals) and the names of its two reasons."""
    kind, topic = content.form.kind, content.topic
    likes, avoids = kind in learner["likes"], kind in learner["avoids"]
    is_long = content.minutes > learner["minutes_per_day"]
    ahead = topic.grade - learner["grade"] if topic else 0
    score = content.form.engaging + 0.01 * min(learner["streak_days"], 5)
    score += 0.15 * likes - 0.25 * avoids - 0.2 * is_long - 0.15 * (ahead > 0)
    grade = "play" if topic is None else "early" if ahead > 0 else "level" if ahead == 0 else "earlier"
    said = {"likes": likes, "dislikes": avoids, "long": is_long, "early": ahead > 0, "fits": not is_long, grade: True}
    return round(min(1.0, max(0.0, score)), 2), [name for name, holds in said.items() if holds][:2]


def make(rng: Random, language: str) -> Made:
    """Make one prediction."""
    content, learner = draw_content(rng, language, educational=0.7), profile(rng)
    score, reasons = predict(content, learner)
    words = _REASONS[language]
    reason = words["and"].format(*(words[name] for name in reasons))
    level = "high" if score >= 0.7 else "medium" if score >= 0.35 else "low"
    answer = {"score": score, "level": level, "reason": reason[:1].upper() + reason[1:]}
    return Made(
        question=content.text,
        answer=answer,
        topic=content.topic.en if content.topic else None,
        subject=content.topic.subject if content.topic else None,
        grade=learner["grade"],
        context={"learner": learner},
        bad=answer | {"level": "low" if level == "high" else "high"},
    )


SAMPLE = TaskSample(("en", "hi"), make)
