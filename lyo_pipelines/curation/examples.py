"""Curated rows in the shape of examples: ids and weights. Which rows become examples is decided in batch.py."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationFigures
from lyo_pipelines.curation.contract import EXAMPLE


def examples(frame: pl.DataFrame, figures: CurationFigures) -> pa.Table:
    """Rows as EXAMPLE: an id of their own, the language as written, and what they weigh."""
    rating = pl.col("rating").fill_nan(None)
    span = max(5.0 - figures.minimum_rating, 1e-9)
    slope = (figures.weight_top_rating - figures.weight_minimum_rating) / span
    weight = (
        pl.when(rating.is_null())
        .then(figures.weight_unrated)
        .otherwise(figures.weight_top_rating - (5.0 - rating.clip(figures.minimum_rating, 5.0)) * slope)
    )
    out = frame.with_columns(
        example_id=_example_ids(frame),
        language=pl.col("written"),
        weight=weight.cast(pl.Float32),
        rating=rating.cast(pl.Float32),
    )
    return out.select(EXAMPLE.names).to_arrow().cast(EXAMPLE)


def _example_ids(frame: pl.DataFrame) -> pl.Series:
    turns = frame.select(
        pl.col("history")
        .list.eval(
            pl.concat_str(
                pl.element().struct.field("role").fill_null(""),
                pl.lit("\x1e"),
                pl.element().struct.field("content").fill_null(""),
            )
        )
        .list.join("\x1d")
        .fill_null("")
    ).to_series()
    texts = ("interaction_id", "system_prompt", "context", "question", "answer")
    whole = frame.select(*(pl.col(name).fill_null("") for name in texts), turns.alias("turns")).select(
        pl.concat_str(pl.all(), separator="\x1f")
    )
    return pl.Series(
        "example_id", [blake2b(text.encode(), digest_size=8).hexdigest() for text in whole.to_series()], dtype=pl.String
    )
