"""Whether the answer is written in the script of the item's language.

By script only: Hindi and Marathi, or English and romanised Hindi, look the same here.
"""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.text import SCRIPT_OF, script_counts
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class LanguageMatch(ItemMetric):
    """Whether the answer is written in the script of the item's language."""

    direction = "higher"
    unit = "share matching"
    sentence = (
        "Share of answers written mostly in the script of the item's language; formula-only answers are not measured."
    )

    def value(self, prediction: str, language: str) -> float | None:
        return matches(prediction, language)


def matches(answer: str, language: str) -> float | None:
    """1 when most letters are in the language's script, 0 when not or empty, None where nothing can be said."""
    script = "latin" if language.endswith("_latn") else SCRIPT_OF.get(language)
    if script is None:
        return None
    if not answer.strip():
        return 0.0
    counts = script_counts(answer)
    letters = sum(counts.values())
    return None if letters == 0 else float(counts.get(script, 0) * 2 > letters)
