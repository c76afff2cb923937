"""Content to classify. The scores follow from the form, and long content engages a little less."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.tasks.contents import Content, draw_content
from lyo_pipelines.sample.tasks.made import Made, TaskSample


def scores(content: Content) -> tuple[float, float]:
    """Educational value and engagement score, from 0 to 1 with two decimals."""
    longest = content.minutes == max(content.form.minutes)
    return content.form.value, round(content.form.engaging - (0.05 if longest else 0.0), 2)


def make(rng: Random, language: str) -> Made:
    """Make one text to classify."""
    content = draw_content(rng, language)
    value, engaging = scores(content)
    kind = "educational" if content.topic else "entertainment"
    return Made(
        question=content.text,
        answer={"content_type": kind, "educational_value": value, "engagement_score": engaging},
        topic=content.topic.en if content.topic else None,
        subject=content.topic.subject if content.topic else None,
        grade=content.topic.grade if content.topic else None,
        bad={"content_type": "advertisement", "educational_value": 9, "engagement_score": engaging},
    )


SAMPLE = TaskSample(("en", "hi"), make)
