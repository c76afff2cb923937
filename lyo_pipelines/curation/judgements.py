"""One answer, one judgement: what all raters said of the same answer to the same question, over all days.

A day's ratings stand in `ratings.parquet` beside its examples: a line for each example (kept, or apart as disliked) and for each
rated answer that became neither, with a digest in place of the texts. What a mean rating decides belongs to pool.py and to the
preferences.
"""

from __future__ import annotations

from hashlib import blake2b

import polars as pl
import pyarrow as pa

from lyo_pipelines.curation.examples import image_names
from lyo_pipelines.curation.texts import history_contents
from lyo_pipelines.storage.lake import Lake

FILE = "ratings"
RATING = pa.schema(
    [
        pa.field("example_id", pa.string(), metadata={"doc": "null where the answer became no example"}),
        pa.field(
            "answer_key", pa.string(), nullable=False, metadata={"doc": "digest of conversation, question and answer"}
        ),
        pa.field("rating", pa.float32(), metadata={"doc": "null where nobody rated this one"}),
    ]
)
_TEXTS = ("system_prompt", "context", "question", "answer")


def answer_keys(frame: pl.DataFrame) -> pl.Series:
    """128-bit digests of system prompt, context, earlier turns, question and answer, case and spacing aside."""
    rows, _, contents = history_contents(frame["history"])
    turns = (
        pl.DataFrame({"row": rows, "text": contents.fill_null("")})
        .group_by("row", maintain_order=True)
        .agg(turns=pl.col("text").str.join("\x1d"))
    )
    texts = frame.select(*(pl.col(name).fill_null("") for name in _TEXTS)).with_columns(
        row=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    texts = texts.join(turns, on="row", how="left", maintain_order="left").with_columns(pl.col("turns").fill_null(""))
    folded = texts.select(
        pl.concat_str([pl.col(name) for name in (*_TEXTS, "turns")], separator="\x1f")
        .str.to_lowercase()
        .str.replace_all(r"[ \t\n]+", " ")
        .str.replace_all(" ?\x1f ?", "\x1f")
        .str.strip_chars(" ")
    ).to_series()
    if (shown := image_names(frame)) is not None:  # the same words to another picture are another question
        folded = folded + pl.select(pl.when(shown != "").then("\x1f" + shown).otherwise(pl.lit(""))).to_series()
    return pl.Series(
        "answer_key", [blake2b(text.encode(), digest_size=16).hexdigest() for text in folded], dtype=pl.String
    )


def day_ratings(examples: list[pa.Table], others: pl.DataFrame) -> pa.Table:
    """RATING rows of a batch: its EXAMPLE tables, and the other rated rows (cleaned texts, `rating`)."""
    frames = [pl.DataFrame(pl.from_arrow(table)) for table in examples]
    parts = [frame.select("example_id", answer_keys(frame), "rating") for frame in frames]
    nobody = pl.lit(None, pl.String).alias("example_id")
    parts.append(others.select(nobody, answer_keys(others), pl.col("rating").cast(pl.Float32)))
    return pl.concat(parts).with_columns(pl.col("rating").fill_nan(None)).to_arrow().cast(RATING)


def mean_ratings(lake: Lake) -> pl.DataFrame:
    """`example_id` and `mean_rating` (float64) of each example whose answer anybody rated, over all days that have the file."""
    paths = [path for day in lake.days("examples") if lake.exists(path := lake.examples(day, FILE))]
    tables = [lake.read_table(path) for path in paths] or [RATING.empty_table()]
    return shared_ratings(pl.DataFrame(pl.from_arrow(pa.concat_tables(tables).replace_schema_metadata(None))))


def shared_ratings(ratings: pl.DataFrame) -> pl.DataFrame:
    """Do `mean_ratings` on RATING rows."""
    mean = pl.col("rating").cast(pl.Float64).mean().over("answer_key")
    known = ratings.with_columns(mean_rating=mean).filter(
        pl.col("example_id").is_not_null() & pl.col("mean_rating").is_not_null()
    )
    return known.select("example_id", "mean_rating").unique("example_id", keep="first", maintain_order=True)


def with_shared_ratings(frame: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    """Examples with the mean rating of their answer in place of their own; those whose answer nobody rated stay."""
    joined = frame.join(shared, on="example_id", how="left", maintain_order="left")
    rating = pl.coalesce(pl.col("mean_rating").cast(frame.schema["rating"]), "rating")
    return joined.with_columns(rating=rating).drop("mean_rating")
