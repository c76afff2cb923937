"""Whether the answer tells the known solution at all; a hint should not, an explanation mostly does."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.text import is_letter
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric
from lyo_pipelines.tasks.live_study import gives_away


class TellsSolution(ItemMetric):
    """Whether the answer tells the known solution at all; a hint should not, an explanation mostly does."""

    direction = "neutral"
    unit = "share telling"
    sentence = (
        "Share of answers that tell the known solution somewhere, right or not for the task: described, never judged; "
        "only where the solution is known."
    )

    def value(self, prediction: str, expected_answer: str, question: str) -> float | None:
        return (
            float(gives_away(prediction, expected_answer, question))
            if expected_answer and not is_letter(expected_answer)
            else None
        )
