"""The new subject of the stories: commerce, made from exercises about money that maths has already, under topics of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lyo_pipelines.sample.problems import KINDS, Kind

SUBJECT, TASK, LANGUAGE = "commerce", "tutoring", "en"
LAUNCHED_DAYS = 21
"""So many days before the end of the log it can be asked for the first time."""


@dataclass(frozen=True, slots=True)
class CommerceTopic:
    """The grades that learn a topic, and the kinds of exercises (by their names in maths) that belong to it."""

    grades: tuple[int, ...]
    kinds: tuple[str, ...]


TOPICS = {
    "trade_discount_and_profit": CommerceTopic((8, 9, 10, 11), ("discount", "profit_percent", "selling_after_loss")),
    "interest_on_deposits": CommerceTopic((8, 9, 10), ("simple_interest",)),
    "compound_growth": CommerceTopic((9, 10, 11, 12), ("compound_interest",)),
    "percentages_in_business": CommerceTopic((8, 9, 10, 11, 12), ("population",)),
}

COMMERCE: tuple[Kind, ...] = tuple(
    replace(KINDS[kind], subject=SUBJECT, topic=name, grades=topic.grades)
    for name, topic in TOPICS.items()
    for kind in topic.kinds
)
"""The kinds under their new topics. They keep the names by which languages word them, and are not in KINDS: maths has those."""
