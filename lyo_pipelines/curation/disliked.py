"""Answers that are no examples but say what to avoid: those that were rated badly. Kept apart, for preferences only."""

from __future__ import annotations

import polars as pl

from lyo_pipelines.config.curation import CurationFigures
from lyo_pipelines.curation.rules import RULES

_RATED_LOW = next(position for position, rule in enumerate(RULES) if rule.name == "rated_low")
_BROKEN = "\ufffd"


def disliked(removed: pl.DataFrame, figures: CurationFigures) -> pl.DataFrame:
    """Rows that went by their rating alone (`verdict`), `bad_rating` or worse, and whose texts are whole."""
    bad = pl.col("rating").fill_nan(None) <= figures.bad_rating
    whole = ~pl.any_horizontal(
        pl.col(name).fill_null("").str.contains(_BROKEN, literal=True) for name in ("question", "answer")
    )
    return removed.filter((pl.col("verdict") == _RATED_LOW) & bad & whole)
