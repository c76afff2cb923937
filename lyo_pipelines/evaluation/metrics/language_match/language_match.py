"""Whether the answer is written in the item's language, code and formulas aside.

By script, and within one by words: Hindi is told from Marathi, English from romanised Hindi and Tamil.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.evaluation.metrics.item_metric import BatchMetric, Values
from lyo_pipelines.languages.written import is_in_language


class LanguageMatch(BatchMetric):
    """Whether the answer is written in the item's language, code and formulas aside."""

    direction = "higher"
    unit = "share matching"
    sentence = (
        "Share of answers written in the item's language (script, and the commonest words where languages share one); code, formulas "
        "and links are no language, so answers of nothing else are not measured. Empty answers do not match."
    )

    def measure(self, predictions: Sequence[str], languages: Sequence[str]) -> Values:
        return _matching(predictions, languages)


def matches(answer: str, language: str) -> float | None:
    """1 when an answer is in the language, 0 when it is not or is empty, None where nothing can be said."""
    return _matching([answer], [language])[0]


def _matching(answers: Sequence[str], languages: Sequence[str]) -> list[float | None]:
    told = is_in_language(
        pl.Series(list(answers), dtype=pl.String),
        pl.Series(list(languages), dtype=pl.String),
        load_config().interactions.language_from_text,
    )
    found = [0.0 if not answer.strip() else one for answer, one in zip(answers, told, strict=True)]
    return [None if one is None else float(one) for one in found]
