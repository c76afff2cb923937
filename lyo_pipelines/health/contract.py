"""What `segment_health` writes: sums that add up over days. No logic."""

from __future__ import annotations

import pyarrow as pa

HEALTH_VERSION = 3
"""Raise it when the aggregates change meaning: all days become stale."""

USER_GROUPS = 32
"""Users fall into this many random groups by a hash of their pseudonym; see statistics/random_groups.py."""
NO_USER = USER_GROUPS
"""The group of rows that name no user: nobody can tell them apart."""


def _count(name: str, doc: str) -> pa.Field:
    return pa.field(name, pa.int32(), nullable=False, metadata={"doc": doc})


def _sum(name: str, doc: str) -> pa.Field:
    return pa.field(name, pa.float64(), nullable=False, metadata={"doc": doc})


def _list(name: str, of: pa.DataType, doc: str) -> pa.Field:
    return pa.field(name, pa.list_(of), nullable=False, metadata={"doc": doc})


def _invitations() -> list[pa.Field]:
    """Answers without error of which the log says whether a rating was invited, and their ratings. Files of before have none."""
    told = [("invited", "a rating was invited"), ("uninvited", "no rating was invited")]
    return [
        made(f"{name}_{end}", doc)
        for name, says in told
        for made, end, doc in (
            (_count, "n", f"answers without error for which {says}"),
            (_count, "rated", "of these: with a rating"),
            (_sum, "sum", "sum of these ratings"),
            (_sum, "squares", "sum of these ratings' squares"),
        )
    ]


INVITATIONS = tuple(field.name for field in _invitations())
"""Columns that came later: where a file has none of them, the log knew of no invitations."""

_KEY = pa.field(
    "segment", pa.string(), nullable=False, metadata={"doc": "task.language.subject, for instance tutoring.en.math"}
)

HEALTH = pa.schema(
    [
        _KEY,
        pa.field("topic", pa.string(), nullable=False, metadata={"doc": "empty where the log does not say"}),
        pa.field("grade", pa.string(), nullable=False, metadata={"doc": "empty where the log does not say"}),
        _count("n", "interactions"),
        _count("kept", "curated examples among them"),
        _count(
            "served",
            "interactions without those that a release's candidate answered; all that follows counts these alone",
        ),
        _count("rated", "interactions with a rating"),
        _sum("rating_sum", "sum of ratings"),
        _sum("rating_squares", "sum of squared ratings: the spread"),
        _count("judged", "interactions with any feedback: rating, thumb or complaint"),
        _count("negative", "of these: rated 1 or 2, thumb down, or a complaint"),
        _count("relevance_n", "interactions whose relevance the application measured"),
        _sum("relevance_sum", "sum of relevance scores, 0 to 1"),
        _sum("relevance_squares", "sum of their squares"),
        _count("complaints", "complaints of any kind"),
        _count("cultural", "cultural complaints"),
        _count("retried", "interactions that the user had to ask again"),
        _count("errors", "interactions that ended in an error"),
        _count("examined", "answers whose language was examined"),
        _count("mismatched", "of these: written in another language than declared"),
        _count("timed", "answers without error whose response time is known"),
        _sum("log_time_sum", "sum of ln(response time in ms)"),
        _sum("log_time_squares", "sum of their squares"),
        *_invitations(),
        _list("time_bins", pa.int16(), "bins that hold response times"),
        _list("time_counts", pa.int32(), "how many, bin by bin"),
    ]
)
"""A row of `lake/health/date=…/part.parquet`: one segment, topic and grade of one day."""

USERS = pa.schema(
    [
        _KEY,
        pa.field(
            "user_group",
            pa.int16(),
            nullable=False,
            metadata={"doc": "random group of users, 0 to 31; never a user. 32: rows that name no user"},
        ),
        _count("n", "interactions"),
        _count("served", "as above, and so are the others"),
        _count("rated", "interactions with a rating"),
        _sum("rating_sum", "sum of ratings"),
        _sum("rating_squares", "sum of squared ratings"),
        _count("judged", "interactions with any feedback"),
        _count("negative", "of these: negative"),
        _count("relevance_n", "interactions whose relevance the application measured"),
        _sum("relevance_sum", "sum of relevance scores"),
        _sum("relevance_squares", "sum of their squares"),
        _count("cultural", "cultural complaints"),
        _count("examined", "answers whose language was examined"),
        _count("mismatched", "of these: written in another language than declared"),
        _count("timed", "answers without error whose response time is known"),
        _sum("log_time_sum", "sum of ln(response time in ms)"),
        _sum("log_time_squares", "sum of their squares"),
        *_invitations(),
        _list("time_bins", pa.int16(), "bins that hold response times"),
        _list("time_counts", pa.int32(), "how many, bin by bin"),
        _list("topics", pa.string(), "topics that the group asked about; interactions without one are left out"),
        _list("topic_n", pa.int32(), "interactions, topic by topic"),
        _list("topic_retried", pa.int32(), "of these: had to be asked again"),
        _list("topic_rated", pa.int32(), "of these: with a rating"),
        _list("topic_rating_sum", pa.float64(), "sum of ratings, topic by topic"),
    ]
)
"""A row of `lake/health/date=…/users.parquet`: what tells how much single users sway a segment's figures. Bounded: however many users
there are, a day of a segment has a row for each group at most."""

COUNTS = tuple(field.name for field in HEALTH if pa.types.is_integer(field.type))
SUMS = tuple(field.name for field in HEALTH if pa.types.is_floating(field.type))
