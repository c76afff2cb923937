"""Length of the answer against the reference; neither long nor short is good in itself."""

from __future__ import annotations

from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class LengthRatio(ItemMetric):
    """Length of the answer against the reference; neither long nor short is good in itself."""

    direction = "neutral"
    unit = "x reference"
    sentence = (
        "Characters of the answer for each character of the reference; described and bounded by a gate, "
        "never better or worse."
    )

    def value(self, prediction: str, reference: str) -> float | None:
        return len(prediction.strip()) / len(reference) if reference else None
