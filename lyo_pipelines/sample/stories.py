"""The stories of the sample: what was planted so that a trigger for retraining fires for a good reason, or holds for one.

Here stands what is told, for people and for the demo's closing table; how it is planted stands in story_lessons.py (what is asked)
and story_rows.py (what is rated, and how fast it is answered).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.sample.story_commerce import LANGUAGE, LAUNCHED_DAYS, SUBJECT, TASK, TOPICS

Kind = Literal["volume", "quality", "performance", "business"]
Expected = Literal["fire", "hold"]


@dataclass(frozen=True, slots=True)
class Story:
    """One story. kind: the trigger that should judge it; expected: what that trigger should do; says: what was planted."""

    name: str
    segment: str
    kind: Kind
    expected: Expected
    says: str


STORIES: tuple[Story, ...] = (
    Story(
        "volume",
        "tutoring.en.math",
        "volume",
        "fire",
        "Nothing was planted: it is the one segment with more than 1,000 good examples.",
    ),
    Story(
        "rating_slump",
        "tutoring.en.physics",
        "quality",
        "fire",
        "For three weeks good answers have been rated more than one point lower, in every topic and grade alike.",
    ),
    Story(
        "slow_answers",
        "tutoring.en.chemistry",
        "performance",
        "fire",
        "For three weeks answers have taken 1.6 times as long.",
    ),
    Story(
        "new_subject",
        "tutoring.en.commerce",
        "business",
        "fire",
        "The subject was launched three weeks ago; no adapter has learnt from it yet.",
    ),
    Story(
        "mix_only",
        "tutoring.hi.math",
        "quality",
        "hold",
        "For three weeks students have asked mostly hard topics, which were always rated lower: the mean falls, no topic does.",
    ),
    Story(
        "noisy_small",
        "programming.ta.programming",
        "quality",
        "hold",
        "Only about ten answers of the last three weeks are rated, by bad luck rather low: too few to say anything.",
    ),
)


def demo_curriculum(end: date) -> ConfigTree:
    """What a log with stories that ends before `end` adds to data/curriculum.yaml, in its format: the new subject alone."""
    return {
        "subjects": {
            SUBJECT: {
                "task": TASK,
                "launched": end - timedelta(days=LAUNCHED_DAYS),
                "languages": [LANGUAGE],
                "topics": {name: list(topic.grades) for name, topic in TOPICS.items()},
            }
        }
    }
