"""Rows of interactions -> rows of health: pure. Reading and writing files belongs to day.py."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import polars as pl

from lyo_pipelines.health.contract import COUNTS, HEALTH, USER_GROUPS, USERS
from lyo_pipelines.interactions.complaints import is_cultural
from lyo_pipelines.statistics.histogram import BINS, GROWTH

ROWS = (
    "segment", "topic", "grade", "rating", "thumbs", "complaint_category", "complaint_text", "relevance_score", "retries", "error",
    "response_time_ms", "user_pseudonym", "kept", "examined", "mismatched",
)  # fmt: skip
"""Columns that `aggregate_day` looks at; the last three are booleans, the others as in the interaction schema."""

NEGATIVE_RATING = 2.0
"""A rating up to this is negative feedback."""


def aggregate_day(rows: pl.DataFrame, cultural_categories: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (health by segment, topic, grade; the same by segment and random user group) of one day's rows."""
    prepared = _prepared(rows, cultural_categories)
    health = (
        prepared.group_by("segment", "topic", "grade")
        .agg(
            n=pl.len(),
            kept=pl.col("kept").sum(),
            rated=pl.col("rating").count(),
            rating_sum=pl.col("rating").sum(),
            rating_squares=(pl.col("rating") ** 2).sum(),
            judged=pl.col("judged").sum(),
            negative=pl.col("negative").sum(),
            relevance_n=pl.col("relevance").count(),
            relevance_sum=pl.col("relevance").sum(),
            relevance_squares=(pl.col("relevance") ** 2).sum(),
            complaints=pl.col("complained").sum(),
            cultural=pl.col("cultural").sum(),
            retried=(pl.col("retries").fill_null(0) > 0).sum(),
            errors=pl.col("failed").sum(),
            examined=pl.col("examined").sum(),
            mismatched=pl.col("mismatched").sum(),
            timed=pl.col("log_time").count(),
            log_time_sum=pl.col("log_time").sum(),
            log_time_squares=(pl.col("log_time") ** 2).sum(),
        )
        .join(_histograms(prepared), on=["segment", "topic", "grade"], how="left")
        .with_columns(
            pl.col("time_bins").fill_null(pl.lit([], dtype=pl.List(pl.Int16))),
            pl.col("time_counts").fill_null(pl.lit([], dtype=pl.List(pl.Int32))),
            *(pl.col(name).cast(pl.Int32) for name in COUNTS),
        )
        .select(HEALTH.names)
        .sort("segment", "topic", "grade")
    )
    users = (
        prepared.group_by("segment", "user_group")
        .agg(
            n=pl.len().cast(pl.Int32),
            rated=pl.col("rating").count().cast(pl.Int32),
            rating_sum=pl.col("rating").sum(),
            judged=pl.col("judged").sum().cast(pl.Int32),
            negative=pl.col("negative").sum().cast(pl.Int32),
        )
        .select(USERS.names)
        .sort("segment", "user_group")
    )
    return health, users


def _prepared(rows: pl.DataFrame, cultural_categories: Sequence[str]) -> pl.DataFrame:
    rating = pl.col("rating").cast(pl.Float64).fill_nan(None)
    complained = pl.col("complaint_category").is_not_null() | pl.col("complaint_text").is_not_null()
    failed = pl.col("error").fill_null("") != ""
    time = pl.col("response_time_ms")
    people = rows["user_pseudonym"].drop_nulls().unique().to_list()
    # a fixed hash: a user stays in one group on every day; rows without a user share group 0
    groups = {person: crc32(person.encode()) % USER_GROUPS for person in people}
    user_group = pl.col("user_pseudonym").replace_strict(groups, default=0, return_dtype=pl.Int16)
    return rows.select(
        "segment", "retries", "kept", "examined", "mismatched",
        topic=pl.col("topic").fill_null(""),
        grade=pl.col("grade").fill_null(""),
        user_group=user_group,
        rating=rating,
        complained=complained,
        judged=rating.is_not_null() | pl.col("thumbs").is_not_null() | complained,
        negative=(rating <= NEGATIVE_RATING).fill_null(False) | (pl.col("thumbs") < 0).fill_null(False) | complained,
        cultural=is_cultural(cultural_categories),
        relevance=pl.col("relevance_score").cast(pl.Float64).fill_nan(None),
        failed=failed,
        log_time=pl.when(~failed & (time > 0)).then(time.cast(pl.Float64).log()),
    )  # fmt: skip


def _histograms(prepared: pl.DataFrame) -> pl.DataFrame:
    bins = (pl.col("log_time") / pl.lit(GROWTH).log()).floor().clip(0, BINS - 1).cast(pl.Int16)
    return (
        prepared.filter(pl.col("log_time").is_not_null())
        .group_by("segment", "topic", "grade", bins.alias("bin"))
        .agg(count=pl.len().cast(pl.Int32))
        .sort("bin")
        .group_by("segment", "topic", "grade", maintain_order=True)
        .agg(time_bins=pl.col("bin"), time_counts=pl.col("count"))
    )
