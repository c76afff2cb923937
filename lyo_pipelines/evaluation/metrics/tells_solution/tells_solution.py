"""Whether the answer tells the known solution at all; a hint should not, an explanation mostly does."""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.tasks.live_study import gives_away


class TellsSolution(evaluate.Metric):
    """Whether the answer tells the known solution at all; a hint should not, an explanation mostly does."""

    direction = "neutral"
    unit = "share telling"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "Share of answers that tell the known solution somewhere, right or not for the task: described, never judged; "
                "only where the solution is known."
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
        return {"values": [float(gives_away(text, known, asked)) if known else None for text, known, asked in rows]}
