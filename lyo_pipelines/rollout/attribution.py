"""Whose a row of a release is: the candidate's, the current adapter's, or nobody's that is known. Counting belongs to collect.py.

A failure leaves little behind: a time-out at the gateway has no adapter version, an error without headers no arm. Left out, a
candidate that fails looks as if it answered well (survivorship). So a row counts for the arm that it names, by whatever adapter it
failed; an answer of the candidate's version counts as the candidate's though no known arm is named; and what names neither is given to
the arm that its user is in, because users do not change arms within a stage. What is left then is told, and holds the release.
"""

from __future__ import annotations

import polars as pl

CANDIDATE, CURRENT = "candidate", "current"
UNNAMED, ELSEWHERE, MISMATCHED = "unnamed", "elsewhere", "mismatched"
"""unnamed: neither arm nor adapter is known. elsewhere: another adapter answered, in no known arm. mismatched: arm and adapter
contradict each other (a stale gateway, a broken load)."""

PLACE = "place"
TALLIES = ("named_arm", PLACE, "has_version", "failed")
"""What `tallied` counts rows by."""


def failed() -> pl.Expr:
    """Whether a row is a failure: it has an error."""
    return pl.col("error").is_not_null()


def with_places(rows: pl.DataFrame, candidate: str) -> pl.DataFrame:
    """Rows with the column `place` (one of PLACES) and `named_arm` (lower case and without blanks; null where none is named).

    Needs experiment_arm and adapter_version; an empty text is none.
    """
    rows = rows.with_columns(named_arm=_text("experiment_arm").str.to_lowercase(), _version=_text("adapter_version"))
    arm, version = pl.col("named_arm"), pl.col("_version")
    ours = version.eq_missing(pl.lit(candidate))
    place = (
        pl.when(arm.eq_missing(pl.lit(CANDIDATE)))
        .then(pl.when(ours | version.is_null()).then(pl.lit(CANDIDATE)).otherwise(pl.lit(MISMATCHED)))
        .when(arm.eq_missing(pl.lit(CURRENT)))
        .then(pl.when(ours).then(pl.lit(MISMATCHED)).otherwise(pl.lit(CURRENT)))
        .when(ours)
        .then(pl.lit(CANDIDATE))
        .when(version.is_null())
        .then(pl.lit(UNNAMED))
        .otherwise(pl.lit(ELSEWHERE))
    )
    return rows.with_columns(place.alias(PLACE))


def tallied(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of the frame that `with_places` makes, counted by named_arm, place and whether they name an adapter and failed."""
    has_version = pl.col("_version").is_not_null().alias("has_version")
    return rows.group_by("named_arm", PLACE, has_version, failed().alias("failed")).agg(rows=pl.len().cast(pl.Int64))


def _text(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)
