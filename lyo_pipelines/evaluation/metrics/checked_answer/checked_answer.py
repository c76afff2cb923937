"""Whether the result that the answer states equals the known one."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.correctness import is_correct
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class CheckedAnswer(ItemMetric):
    """Whether the result that the answer states equals the known one."""

    direction = "higher"
    unit = "share right"
    sentence = (
        "Share of answers whose stated result (Answer: / उत्तर: / விடை:, #### or a box, a conclusion, else the last number) equals the "
        "known one: of the row, else as the reference surely states it at its end."
    )

    def value(self, prediction: str, expected_answer: str, question: str) -> float | None:
        return float(is_correct(prediction, expected_answer, question)) if expected_answer else None
