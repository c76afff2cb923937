"""Share of repeated word 4-grams within an answer: the loop that small models fall into."""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.evaluation.answers.text import words


class Repetition(evaluate.Metric):
    """Share of repeated word 4-grams within an answer: the loop that small models fall into."""

    direction = "lower"
    unit = "share repeated"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of an answer's word 4-grams that it had already written.",
            citation="Welleck et al., Neural Text Generation with Unlikelihood Training, ICLR 2020 (seq-rep-4)",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str]
    ) -> dict[str, list[float | None]]:
        return {"values": [repeated_share(words(answer)) for answer in predictions]}


def repeated_share(tokens: list[str], n: int = 4) -> float:
    """1 - distinct n-grams / n-grams; 0 for a text shorter than n words."""
    grams = [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
