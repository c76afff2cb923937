"""Answers that a person corrected: the correction is what is learnt, and what the model said stays beside it."""

from __future__ import annotations

import polars as pl


def corrected(frame: pl.DataFrame) -> pl.DataFrame:
    """Put `edited_answer` in the place of `answer`; adds `original_answer`, null where nobody corrected anything.

    The rating (and thumb) of such a row judged what the model said, so it is no rating of the correction and is taken out.
    """
    edit, answer = pl.col("edited_answer").str.strip_chars(), pl.col("answer").fill_null("").str.strip_chars()
    changed = edit.is_not_null() & (edit != "") & (edit != answer)
    return frame.with_columns(
        answer=pl.when(changed).then("edited_answer").otherwise("answer"),
        original_answer=pl.when(changed).then("answer").otherwise(pl.lit(None, pl.String)),
        rating=pl.when(changed).then(pl.lit(None, frame["rating"].dtype)).otherwise("rating"),
        thumbs=pl.when(changed).then(pl.lit(None, frame["thumbs"].dtype)).otherwise("thumbs"),
    )
