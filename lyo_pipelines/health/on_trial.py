"""Which interactions a release's candidate answered: the row says so, or the registry does.

Most logs name the adapter that answered and no arm, and after a time-out neither. How a segment fares is how those fare who are served
by what serves everybody, so such a row is looked up: what its version was in its segment at that time, and whom else its user was
served by. A row of which nothing tells counts as everybody's. How a row counts within its release: rollout/attribution.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from lyo_pipelines.registry.log import read_intact, registered_segments
from lyo_pipelines.registry.state import Release, ServingPeriod
from lyo_pipelines.storage.lake import Lake

CANDIDATE, CURRENT = ARMS = ("candidate", "current")
"""Arms of a release, as rollout/assignment.py names them."""
_KEY = ("segment", "adapter_version")


def read_releases(lake: Lake) -> dict[str, Release]:
    """Each segment's release as its events tell, those before the first that cannot be trusted: what they say happened."""
    return {segment: read_intact(lake, segment)[0].release for segment in registered_segments(lake)}


def mark_registered_trials(rows: pl.DataFrame, releases: Mapping[str, Release]) -> pl.DataFrame:
    """Rows (segment, adapter_version, occurred_at) with a boolean column `registered_trial`: the version was on trial then.

    It is from when it first serves as a candidate until it serves everybody; an answer that was on its way when the candidate was
    sent back is its answer still.
    """
    version = pl.col("adapter_version").str.strip_chars()
    named = rows.select("segment", version).unique().drop_nulls().sort(_KEY)
    within = pl.lit(value=False)
    for segment, name in named.iter_rows():
        for since, until in trial_periods(segment, name, releases):
            then = pl.col("occurred_at") >= since
            if until is not None:
                then &= pl.col("occurred_at") < until
            within |= (pl.col("segment") == segment) & (version == name) & then
    return rows.with_columns(registered_trial=within.fill_null(value=False))


def trial_periods(
    segment: str, version: str, releases: Mapping[str, Release]
) -> list[tuple[datetime, datetime | None]]:
    """When `version` answered questions of a segment as a candidate: from and until (None: it has not become the champion since).

    A version that the segment's own registry does not know belongs to one that serves it (a parent, another way of reasoning). Where
    several others know it nobody can tell whose it is, and it was on trial at no time.
    """
    own = releases.get(segment)
    knowing = [own] if own and version in own.states else [one for one in releases.values() if version in one.states]
    if len(knowing) != 1:
        return []
    mine = [(_began(knowing[0], period), period.arm) for period in knowing[0].served if period.version == version]
    current = [began for began, arm in mine if arm == CURRENT]
    return [
        (began, min((one for one in current if one >= began), default=None)) for began, arm in mine if arm == CANDIDATE
    ]


def _began(release: Release, period: ServingPeriod) -> datetime:
    """When a period began by its writer's clock; by that of a later event where the writer's was ahead of it."""
    return min(release.clocks[period.by - 1 :], default=period.since)


def mark_trials(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows (columns of aggregate_day's ROWS) with a boolean `on_trial`: a candidate answered.

    A known arm decides; else the version does, by the registry or because only candidates had it that day. A row with neither
    is as its user's others in the segment: nobody changes arms within a stage.
    """
    told = rows.with_columns(_arm=_text("experiment_arm").str.to_lowercase(), _version=_text("adapter_version"))
    told = told.with_columns((pl.col("_arm") == name).fill_null(value=False).alias(f"_{name}") for name in ARMS)
    told = told.with_columns(pl.any_horizontal(f"_{name}" for name in ARMS).alias("_armed"))
    had = {name: pl.col(f"_{name}").any().over("segment", "_version") for name in ARMS}
    by_version = pl.col("_version").is_not_null() & (pl.col("registered_trial") | (had[CANDIDATE] & ~had[CURRENT]))
    told = told.with_columns(on_trial=pl.col("_candidate") | (~pl.col("_armed") & by_version))
    told = told.with_columns(_unknown=~pl.col("_armed") & pl.col("_version").is_null())
    others = [
        (pl.col("on_trial") == whether).filter(~pl.col("_unknown")).any().over("segment", "user_pseudonym")
        for whether in (True, False)
    ]
    as_its_user = pl.col("_unknown") & pl.col("user_pseudonym").is_not_null() & others[0] & ~others[1]
    return told.with_columns(pl.col("on_trial") | as_its_user).select(*rows.columns, "on_trial")


def _text(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text != "").then(text)
