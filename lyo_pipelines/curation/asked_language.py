"""Answers in another language than their row's that are right so: a translation asked for, a quotation and its explanation."""

from __future__ import annotations

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.quoted import without_quotations
from lyo_pipelines.languages.named import asks_translation, names_language
from lyo_pipelines.languages.written import written_language


def settled_language(frame: pl.DataFrame, config: CurationConfig) -> pl.Series:
    """The column `written`, as the bucket's language where the other one was asked for or is only quoted.

    frame: `question`, `subject`, `topic`, `context`, `spoken`, `bucket`, `written`.
    """
    other = frame["written"] != frame["bucket"]
    if not other.any():
        return frame["written"]
    rows = frame.filter(other)
    asked = pl.concat_str(
        pl.col("question", "subject", "topic", "context").fill_null("").str.slice(0, 2000), separator="\n"
    )
    texts = rows.select(asked).to_series()
    right = names_language(texts, rows["written"]) | asks_translation(rows["question"])
    bare = without_quotations(rows["spoken"].fill_null(""))
    own = (bare != rows["spoken"]) & (written_language(bare, rows["bucket"], config) == rows["bucket"])
    settled = pl.select(pl.when(right | own).then(rows["bucket"]).otherwise(rows["written"])).to_series()
    return frame["written"].clone().scatter(other.arg_true(), settled)
