"""Whether the answer is written in the item's language, code and formulas aside.

By script, and within one by words: Hindi is told from Marathi, English from romanised Hindi and Tamil.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from lyo_pipelines.config.interactions import LanguageFromText
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric
from lyo_pipelines.languages.written import is_in_language


class LanguageMatch(ItemMetric):
    """Whether the answer is written in the item's language, code and formulas aside."""

    direction = "higher"
    unit = "share matching"
    sentence = (
        "Share of answers written in the item's language (script, and the commonest words where languages share one); code, formulas "
        "and links are no language, so answers of nothing else are not measured. Empty answers do not match."
    )

    def value(self, prediction: str, language: str) -> float | None:
        return matches(prediction, language)


def matches(answer: str, language: str) -> float | None:
    """1 when an answer is in the language, 0 when it is not or is empty, None where nothing can be said."""
    if not answer.strip():
        return 0.0
    texts, languages = (pl.Series([text], dtype=pl.String) for text in (answer, language))
    (told,) = is_in_language(texts, languages, _thresholds())
    return None if told is None else float(told)


@cache
def _thresholds() -> LanguageFromText:
    return load_config().interactions.language_from_text
