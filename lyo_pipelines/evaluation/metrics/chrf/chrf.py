"""chrF of the answer against the reference: character n-grams, fair to Hindi and Tamil word forms."""

from __future__ import annotations

import datasets
import evaluate
import sacrebleu


class Chrf(evaluate.Metric):
    """chrF of the answer against the reference: character n-grams, fair to Hindi and Tamil word forms."""

    direction = "higher"
    unit = "0 to 100"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Overlap with the reference in character n-grams (chrF2 of sacrebleu).",
            citation="Popovic, chrF, WMT 2015; Post, sacrebleu, WMT 2018",
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
        return {"values": [sacrebleu.sentence_chrf(answer, [reference]).score for answer, reference in pairs]}
