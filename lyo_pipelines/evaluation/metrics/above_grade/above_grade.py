"""How many school years the answer's language lies above the pupil's grade. English only.

For Hindi or Tamil no formula is known to us whose scale is school years and that others have checked. They are not measured, instead
of being measured with the English one, which cannot be carried over.
"""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.readability import flesch_kincaid
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class AboveGrade(ItemMetric):
    """How many school years the answer's language lies above the pupil's grade. English only."""

    direction = "lower"
    unit = "school years"
    sentence = (
        "School years by which the answer's sentences and words exceed the pupil's grade (Flesch-Kincaid grade level, "
        "code and formulas aside; 0 where they do not); English answers of 30 words or more to pupils of a known grade only."
    )
    source = "Kincaid, Fishburne, Rogers and Chissom, Naval Technical Training Command report 8-75, 1975"

    def value(self, prediction: str, language: str, grade: str) -> float | None:
        return above(prediction, language, grade)


def above(answer: str, language: str, grade: str) -> float | None:
    """Years above the grade, at least 0; None where it cannot be said."""
    if language != "en" or not grade.strip().isdecimal():
        return None
    level = flesch_kincaid(answer)
    return None if level is None else max(0.0, level - int(grade))
