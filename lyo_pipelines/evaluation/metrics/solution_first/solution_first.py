"""Whether the answer gives the solution away in its first sentence, before the pupil has read a single step."""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.evaluation.answers.readability import sentences
from lyo_pipelines.tasks.live_study import gives_away


class SolutionFirst(evaluate.Metric):
    """Whether the answer gives the solution away in its first sentence, before the pupil has read a single step."""

    direction = "lower"
    unit = "share given away"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "Share of answers of several sentences whose first one already tells the known solution, before anything is "
                "explained; only where the solution is known."
            ),
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "expected_answers": datasets.Value("string"),
                    "questions": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], expected_answers: list[str], questions: list[str]
    ) -> dict[str, list[float | None]]:
        rows = zip(predictions, expected_answers, questions, strict=True)
        return {"values": [told_first(text, known, asked) if known else None for text, known, asked in rows]}


def told_first(answer: str, solution: str, question: str) -> float | None:
    """1 where the first sentence of several tells the solution; None for an answer of one sentence, which has no order."""
    found = sentences(answer)
    return float(gives_away(found[0], solution, question)) if len(found) > 1 else None
