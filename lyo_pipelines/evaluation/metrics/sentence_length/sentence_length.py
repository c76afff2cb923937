"""Length of the answer's sentences against the reference's, in any language; neither long nor short is good in itself."""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.evaluation.answers.readability import words_per_sentence


class SentenceLength(evaluate.Metric):
    """Length of the answer's sentences against the reference's, in any language; neither long nor short is good in itself."""

    direction = "neutral"
    unit = "x reference"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Words of a sentence for each word of a sentence of the reference, in any language; described, never judged.",
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], references: list[str]
    ) -> dict[str, list[float | None]]:
        return {"values": [ratio(*pair) for pair in zip(predictions, references, strict=True)]}


def ratio(answer: str, reference: str) -> float | None:
    """Words per sentence of the one over those of the other; None where one of them has no sentence."""
    ours, theirs = words_per_sentence(answer), words_per_sentence(reference)
    return ours / theirs if ours and theirs else None
