"""The school topics of topics.yaml: their names by language, and what has to come before each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class SampleTopic:
    """One topic."""

    en: str
    hi: str
    subject: str
    grade: int
    hours: int
    needs: tuple[str, ...]  # English names

    def name(self, language: str) -> str:
        """The topic's name in Hindi or English."""
        return self.hi if language == "hi" else self.en


@cache
def topics() -> dict[str, SampleTopic]:
    """Topics by English name, in the order of the file: what is needed stands first."""
    rows = yaml.safe_load((Path(__file__).parent / "topics.yaml").read_text(encoding="utf-8"))
    return {row["en"]: SampleTopic(**{**row, "needs": tuple(row["needs"])}) for row in rows}


def path_to(goal: SampleTopic) -> list[SampleTopic]:
    """The goal and all that it needs, in an order that can be learned."""
    wanted: dict[str, SampleTopic] = {}

    def visit(topic: SampleTopic) -> None:
        for name in topic.needs:
            visit(topics()[name])
        wanted.setdefault(topic.en, topic)

    visit(goal)
    return list(wanted.values())
