"""Rows of interactions -> rows of health: pure. Reading and writing files belongs to day.py."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import polars as pl

from lyo_pipelines.health.contract import COUNTS, HEALTH, NO_USER, USER_GROUPS, USERS
from lyo_pipelines.health.on_trial import mark_trials
from lyo_pipelines.interactions.complaints import is_cultural
from lyo_pipelines.statistics.histogram import BINS, GROWTH

ROWS = (
    "segment", "topic", "grade", "rating", "thumbs", "complaint_category", "complaint_text", "relevance_score", "retries", "error",
    "response_time_ms", "user_pseudonym", "adapter_version", "experiment_arm", "registered_trial", "rating_invited", "kept",
    "examined", "mismatched",
)  # fmt: skip
"""Columns that `aggregate_day` looks at: the last three are booleans, registered_trial is that of on_trial.py (it may be missing: no
release is known), the others as in the interaction schema."""

NEGATIVE_RATING = 2.0
"""A rating up to this is negative feedback."""
_STRATUM = ("segment", "topic", "grade")
_GROUP = ("segment", "user_group")
_TOPIC_LISTS = ("topics", "topic_n", "topic_retried", "topic_rated", "topic_rating_sum")


def aggregate_day(rows: pl.DataFrame, cultural_categories: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (health by segment, topic, grade; the same by segment and random user group) of one day's rows.

    What the candidate of a release answered counts in `n` and `kept` alone: how a segment fares is how those fare who are served
    by what serves everybody, and a bad candidate that was sent back must not be blamed on the champion.
    """
    prepared = _prepared(rows, cultural_categories)
    health = (
        prepared.group_by(_STRATUM)
        .agg(
            n=pl.len(),
            kept=pl.col("kept").sum(),
            served=pl.col("served").sum(),
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
            retried=pl.col("retried").sum(),
            errors=pl.col("failed").sum(),
            examined=pl.col("examined").sum(),
            mismatched=pl.col("mismatched").sum(),
            timed=pl.col("log_time").count(),
            log_time_sum=pl.col("log_time").sum(),
            log_time_squares=(pl.col("log_time") ** 2).sum(),
            **_invitations(),
        )
        .join(_histograms(prepared, _STRATUM), on=_STRATUM, how="left")
        .with_columns(
            pl.col("time_bins", "time_counts").fill_null([]),
            *(pl.col(name).cast(pl.Int32) for name in COUNTS),
        )
        .select(HEALTH.names)
        .sort("segment", "topic", "grade")
    )
    return health, _by_user_group(prepared)


def _by_user_group(prepared: pl.DataFrame) -> pl.DataFrame:
    return (
        prepared.group_by(_GROUP)
        .agg(
            n=pl.len(),
            served=pl.col("served").sum(),
            rated=pl.col("rating").count(),
            rating_sum=pl.col("rating").sum(),
            rating_squares=(pl.col("rating") ** 2).sum(),
            judged=pl.col("judged").sum(),
            negative=pl.col("negative").sum(),
            relevance_n=pl.col("relevance").count(),
            relevance_sum=pl.col("relevance").sum(),
            relevance_squares=(pl.col("relevance") ** 2).sum(),
            cultural=pl.col("cultural").sum(),
            examined=pl.col("examined").sum(),
            mismatched=pl.col("mismatched").sum(),
            timed=pl.col("log_time").count(),
            log_time_sum=pl.col("log_time").sum(),
            log_time_squares=(pl.col("log_time") ** 2).sum(),
            **_invitations(),
        )
        .join(_histograms(prepared, _GROUP), on=_GROUP, how="left")
        .join(_topics(prepared), on=_GROUP, how="left")
        .with_columns(
            pl.col("time_bins", "time_counts", *_TOPIC_LISTS).fill_null([]),
            *(pl.col(name).cast(pl.Int32) for name in COUNTS if name in USERS.names),
        )
        .select(USERS.names)
        .sort(_GROUP)
    )


def _invitations() -> dict[str, pl.Expr]:
    """The columns of INVITATIONS: an answer that failed could not be rated."""
    found = dict[str, pl.Expr]()
    for name, invited in (("invited", True), ("uninvited", False)):
        those = (pl.col("invited") == invited).fill_null(value=False)
        rating = pl.col("rating").filter(those)
        found |= {
            f"{name}_n": those.sum(), f"{name}_rated": rating.count(), f"{name}_sum": rating.sum(),
            f"{name}_squares": (rating**2).sum(),
        }  # fmt: skip
    return found


def _topics(prepared: pl.DataFrame) -> pl.DataFrame:
    """What each group of users asked about, as lists of one length."""
    return (
        prepared.filter(pl.col("served") & (pl.col("topic") != ""))
        .group_by(*_GROUP, topics="topic")
        .agg(
            topic_n=pl.len().cast(pl.Int32),
            topic_retried=pl.col("retried").sum().cast(pl.Int32),
            topic_rated=pl.col("rating").count().cast(pl.Int32),
            topic_rating_sum=pl.col("rating").sum(),
        )
        .sort("topics")
        .group_by(_GROUP, maintain_order=True)
        .agg(pl.col(_TOPIC_LISTS))
    )


def _prepared(rows: pl.DataFrame, cultural_categories: Sequence[str]) -> pl.DataFrame:
    if "registered_trial" not in rows.columns:
        rows = rows.with_columns(registered_trial=pl.lit(value=False))
    rows, served = mark_trials(rows), ~pl.col("on_trial")
    rating, relevance, time = (
        pl.when(served & pl.col(name).is_finite()).then(pl.col(name).cast(pl.Float64))
        for name in ("rating", "relevance_score", "response_time_ms")
    )
    complained = pl.col("complaint_category").is_not_null() | pl.col("complaint_text").is_not_null()
    failed = pl.col("error").fill_null("") != ""
    people = rows["user_pseudonym"].drop_nulls().unique().to_list()
    # a fixed hash: a user stays in one group on every day
    groups = {person: crc32(person.encode()) % USER_GROUPS for person in people}
    user_group = pl.col("user_pseudonym").replace_strict(groups, default=NO_USER, return_dtype=pl.Int16)
    return rows.select(
        "segment",
        "kept",
        served=served,
        topic=pl.col("topic").fill_null(""),
        grade=pl.col("grade").fill_null(""),
        user_group=user_group,
        rating=rating,
        complained=served & complained,
        judged=served & (rating.is_not_null() | pl.col("thumbs").is_not_null() | complained),
        negative=served
        & ((rating <= NEGATIVE_RATING).fill_null(False) | (pl.col("thumbs") < 0).fill_null(False) | complained),
        cultural=served & is_cultural(cultural_categories),
        relevance=relevance,
        retried=served & (pl.col("retries").fill_null(0) > 0),
        examined=served & pl.col("examined"),
        mismatched=served & pl.col("mismatched"),
        failed=served & failed,
        invited=pl.when(served & ~failed).then(pl.col("rating_invited")),
        log_time=pl.when(served & ~failed & (time > 0)).then(time.log()),
    )


def _histograms(prepared: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    bins = (pl.col("log_time") / pl.lit(GROWTH).log()).floor().clip(0, BINS - 1).cast(pl.Int16)
    return (
        prepared.filter(pl.col("log_time").is_not_null())
        .group_by(*by, bins.alias("bin"))
        .agg(count=pl.len().cast(pl.Int32))
        .sort("bin")
        .group_by(by, maintain_order=True)
        .agg(time_bins=pl.col("bin"), time_counts=pl.col("count"))
    )
