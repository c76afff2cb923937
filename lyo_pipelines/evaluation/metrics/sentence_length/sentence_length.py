"""Length of the answer's sentences against the reference's, in any language; neither long nor short is good in itself."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.readability import words_per_sentence
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class SentenceLength(ItemMetric):
    """Length of the answer's sentences against the reference's, in any language; neither long nor short is good in itself."""

    direction = "neutral"
    unit = "x reference"
    sentence = (
        "Words of a sentence for each word of a sentence of the reference, in any language; described, never judged."
    )

    def value(self, prediction: str, reference: str) -> float | None:
        return ratio(prediction, reference)


def ratio(answer: str, reference: str) -> float | None:
    """Words per sentence of the one over those of the other; None where one of them has no sentence."""
    ours, theirs = words_per_sentence(answer), words_per_sentence(reference)
    return ours / theirs if ours and theirs else None
