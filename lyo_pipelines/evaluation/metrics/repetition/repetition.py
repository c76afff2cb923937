"""Share of repeated word 4-grams within an answer: the loop that small models fall into."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.text import words
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class Repetition(ItemMetric):
    """Share of repeated word 4-grams within an answer: the loop that small models fall into."""

    direction = "lower"
    unit = "share repeated"
    sentence = "Share of an answer's word 4-grams that it had already written."
    source = "Welleck et al., Neural Text Generation with Unlikelihood Training, ICLR 2020 (seq-rep-4)"

    def value(self, prediction: str) -> float | None:
        return repeated_share(words(prediction))


def repeated_share(tokens: list[str], n: int = 4) -> float:
    """1 - distinct n-grams / n-grams; 0 for a text shorter than n words."""
    grams = [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
