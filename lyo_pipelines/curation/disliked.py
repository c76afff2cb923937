"""Answers that are no examples but say what to avoid: rated badly, or corrected by a person. Kept apart, for preferences only."""

from __future__ import annotations

import polars as pl

from lyo_pipelines.config.curation import CurationFigures
from lyo_pipelines.curation.rules import RULES

_BY_JUDGEMENT = {"rated_low", "unrated", "unrated_thumbs_down", "unrated_retried", "unrated_complaint", "unrated_short"}
"""Rules that say an answer was not liked (enough); what the others remove says nothing about taste."""
_JUDGED = [position for position, rule in enumerate(RULES) if rule.name in _BY_JUDGEMENT]
_BROKEN = "\ufffd"


def disliked(removed: pl.DataFrame, figures: CurationFigures) -> pl.DataFrame:
    """Removed rows (with `verdict`) rated `bad_rating` or worse, or with an edited answer, whose texts are whole."""
    rated = pl.col("rating").fill_nan(None) <= figures.bad_rating
    edited = pl.col("edited_answer").fill_null("").str.strip_chars() != ""
    whole = ~pl.any_horizontal(
        pl.col(name).fill_null("").str.contains(_BROKEN, literal=True)
        for name in ("question", "answer", "edited_answer")
    )
    return removed.filter(pl.col("verdict").is_in(_JUDGED) & (rated.fill_null(False) | edited) & whole)
