"""chrF of the answer against the reference: character n-grams, fair to Hindi and Tamil word forms."""

from __future__ import annotations

import sacrebleu

from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class Chrf(ItemMetric):
    """chrF of the answer against the reference: character n-grams, fair to Hindi and Tamil word forms."""

    direction = "higher"
    unit = "0 to 100"
    sentence = "Overlap with the reference in character n-grams (chrF2 of sacrebleu)."
    source = "Popovic, chrF, WMT 2015; Post, sacrebleu, WMT 2018"

    def value(self, prediction: str, reference: str) -> float | None:
        return sacrebleu.sentence_chrf(prediction, [reference]).score
