"""Whether the answer gives the solution away in its first sentence, before the pupil has read a single step."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.readability import sentences
from lyo_pipelines.evaluation.answers.text import is_letter
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric
from lyo_pipelines.tasks.live_study import gives_away


class SolutionFirst(ItemMetric):
    """Whether the answer gives the solution away in its first sentence, before the pupil has read a single step."""

    direction = "lower"
    unit = "share given away"
    sentence = (
        "Share of answers of several sentences whose first one already tells the known solution, before anything is "
        "explained; only where the solution is known."
    )

    def value(self, prediction: str, expected_answer: str, question: str) -> float | None:
        return (
            told_first(prediction, expected_answer, question)
            if expected_answer and not is_letter(expected_answer)
            else None
        )


def told_first(answer: str, solution: str, question: str) -> float | None:
    """1 where the first sentence of several tells the solution; None for an answer of one sentence, which has no order."""
    found = sentences(answer)
    return float(gives_away(found[0], solution, question)) if len(found) > 1 else None
