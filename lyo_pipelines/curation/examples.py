"""Curated rows in the shape of examples: ids and weights. Which rows become examples is decided in batch.py."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.rules import RULES


def make_examples(frame: pl.DataFrame, config: CurationConfig) -> pa.Table:
    """Rows as EXAMPLE: an id of their own, the language as written, and what they weigh."""
    rating = pl.col("rating").fill_nan(None)
    weight = rating_weight(rating, config)
    out = frame.with_columns(
        example_id=_example_ids(frame),
        language=pl.col("written"),
        weight=weight.cast(pl.Float32),
        rating=rating.cast(pl.Float32),
        board=_board(frame["metadata"]),
        # questions hold as long as the edition of the curriculum that they are about; only documents say it themselves
        **{name: pl.lit(None, pl.String) for name in ("edition", "academic_year")},
        **{name: pl.lit(None, pl.Date) for name in ("valid_from", "valid_until")},
    )
    return out.select(EXAMPLE.names).to_arrow().cast(EXAMPLE)


def _board(metadata: pl.Series) -> pl.Series:
    """The school board that a row's metadata names."""
    named = metadata.cast(pl.String).str.extract(r'"board"\s*:\s*"([^"\\]{1,80})"')
    return named.str.strip_chars().alias("board")


def rating_weight(rating: pl.Expr, config: CurationConfig) -> pl.Expr:
    """What an example with this rating (null: unrated) weighs in training: a straight line from the minimum to 5."""
    span = max(5.0 - config.minimum_rating, 1e-9)
    slope = (config.weight_top_rating - config.weight_minimum_rating) / span
    return (
        pl.when(rating.is_null())
        .then(config.weight_unrated)
        .otherwise(config.weight_top_rating - (5.0 - rating.clip(config.minimum_rating, 5.0)) * slope)
    )


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
    shown = image_names(frame)
    if shown is not None:  # a row without pictures keeps the id that it always had
        whole = whole.select(pl.concat_str(pl.all(), pl.when(shown != "").then("\x1f" + shown).otherwise(pl.lit(""))))
    return pl.Series(
        "example_id", [blake2b(text.encode(), digest_size=8).hexdigest() for text in whole.to_series()], dtype=pl.String
    )


def image_names(frame: pl.DataFrame) -> pl.Series | None:
    """The files of each row's pictures with their turns as one text ("" without any); None where no row has one."""
    if "images" not in frame.columns or frame["images"].null_count() == frame.height:
        return None
    one = pl.concat_str(pl.element().struct.field("file"), pl.element().struct.field("turns_back").cast(pl.String))
    return frame.select(pl.col("images").list.eval(one).list.join(" ").fill_null("").alias("images")).to_series()


def corrected_examples(frame: pl.DataFrame) -> pl.DataFrame:
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


_RATED_LOW = next(position for position, rule in enumerate(RULES) if rule.name == "rated_low")
_BROKEN = "\ufffd"


def disliked_examples(removed: pl.DataFrame, config: CurationConfig) -> pl.DataFrame:
    """Rows that went by their rating alone (`verdict`), `bad_rating` or worse, and whose texts are whole."""
    return _rated_low(removed).filter(pl.col("rating").fill_nan(None) <= config.bad_rating)


def middling_answers(removed: pl.DataFrame, config: CurationConfig) -> pl.DataFrame:
    """The same with ratings between bad and good: neither an example nor a bad one, yet a rating of its answer."""
    return _rated_low(removed).filter(pl.col("rating").fill_nan(None) > config.bad_rating)


def _rated_low(removed: pl.DataFrame) -> pl.DataFrame:
    whole = ~pl.any_horizontal(
        pl.col(name).fill_null("").str.contains(_BROKEN, literal=True) for name in ("question", "answer")
    )
    return removed.filter((pl.col("verdict") == _RATED_LOW) & whole)
