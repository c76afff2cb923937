"""Length of the answer against the reference; neither long nor short is good in itself."""

from __future__ import annotations

import datasets
import evaluate


class LengthRatio(evaluate.Metric):
    """Length of the answer against the reference; neither long nor short is good in itself."""

    direction = "neutral"
    unit = "x reference"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "Characters of the answer for each character of the reference; described and bounded by a gate, "
                "never better or worse."
            ),
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "references": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], references: list[str]
    ) -> dict[str, list[float | None]]:
        pairs = zip(predictions, references, strict=True)
        return {"values": [len(answer.strip()) / len(reference) if reference else None for answer, reference in pairs]}
