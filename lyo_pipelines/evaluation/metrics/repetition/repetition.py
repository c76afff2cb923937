"""Share of an answer that it had already said: the loop that small models fall into, with or without spaces."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.loops import loop_share
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class Repetition(ItemMetric):
    """Share of an answer that it had already said: the loop that small models fall into, with or without spaces."""

    direction = "lower"
    unit = "share repeated"
    sentence = (
        "Share of an answer's word 4-grams that it had already written (of long runs without a space, their 8-grams of letters); "
        "rows of tables and patterns of figures or stars are no repetition."
    )
    source = "Welleck et al., Neural Text Generation with Unlikelihood Training, ICLR 2020 (seq-rep-4)"

    def value(self, prediction: str) -> float | None:
        return loop_share(prediction)
