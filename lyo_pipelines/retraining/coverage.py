"""How much of the curriculum has enough recent examples to be learnt: pure. Whether that is a gap belongs to rules/performance.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.retraining.curriculum import Area, Curriculum
from lyo_pipelines.retraining.signals import Signals, TopicSignals


@dataclass(frozen=True)
class Coverage:
    """Topics of one segment's curriculum, and those of them that have too few curated examples."""

    segment: str
    topics: int
    thin: tuple[str, ...]

    @property
    def covered(self) -> int:
        """Topics with enough examples."""
        return self.topics - len(self.thin)


def curriculum_coverage(
    signals: Mapping[str, Signals], curriculum: Curriculum, config: RetrainingConfig
) -> tuple[Coverage, ...]:
    """The coverage of every segment of the curriculum, least covered first."""
    found = []
    for segment, area in curriculum.areas.items():
        topics = signals[segment].topics if segment in signals else ()
        thin = thin_topics(area, topics, config.for_segment(segment).performance.gap_examples)
        found.append(Coverage(segment, len(area.topics), thin))
    return tuple(sorted(found, key=lambda one: (one.covered / max(1, one.topics), one.segment)))


def thin_topics(area: Area, topics: Iterable[TopicSignals], enough: int) -> tuple[str, ...]:
    """Topics of the area with fewer than `enough` curated examples in the last weeks, by name."""
    kept = {topic.name: topic.kept for topic in topics}
    return tuple(sorted(name for name in area.topics if kept.get(name, 0) < enough))
