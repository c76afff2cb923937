"""Whether the answer is written in the script of the item's language.

By script only: Hindi and Marathi, or English and romanised Hindi, look the same here.
"""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.evaluation.answers.text import SCRIPT_OF, script_counts


class LanguageMatch(evaluate.Metric):
    """Whether the answer is written in the script of the item's language."""

    direction = "higher"
    unit = "share matching"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of answers written mostly in the script of the item's language; formula-only answers are not measured.",
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "languages": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], languages: list[str]
    ) -> dict[str, list[float | None]]:
        return {"values": [matches(answer, language) for answer, language in zip(predictions, languages, strict=True)]}


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
