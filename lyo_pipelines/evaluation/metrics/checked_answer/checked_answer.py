"""Whether the result that the answer states equals the known one."""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.evaluation.answers.correctness import is_right


class CheckedAnswer(evaluate.Metric):
    """Whether the result that the answer states equals the known one."""

    direction = "higher"
    unit = "share right"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "Share of answers whose stated result (last line Answer: / उत्तर: / விடை:, else the last number) "
                "equals the known one."
            ),
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "expected_answers": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], expected_answers: list[str]
    ) -> dict[str, list[float | None]]:
        pairs = zip(predictions, expected_answers, strict=True)
        return {"values": [None if not expected else float(is_right(answer, expected)) for answer, expected in pairs]}
