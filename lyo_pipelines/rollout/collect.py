"""What the live interactions say of a release: out of the lake's days since its stage began, summed by arm and user.

A row counts when its question takes part in this release (as selection.py sees it), for the arm it names: the candidate's where the
candidate answered, the current one's where anything else did. Only the columns that count are read, a part of a day at a time, and
what stays in memory is one line per arm and user. Deciding belongs to decide.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.observations import CULTURAL, Arm, Observation, empty_arm
from lyo_pipelines.rollout.pre_period import pre_period_ratings
from lyo_pipelines.rollout.release_rows import ASKED, Kinds, rows_of_release
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.storage.lake import Lake

COLUMNS = (
    *ASKED, "occurred_at", "user_pseudonym", "adapter_version", "experiment_arm", "rating", "response_time_ms", "error",
    "complaint_category", "retries",
)  # fmt: skip
BATCH = 65_536
READ_ERRORS = (OSError, ValueError, KeyError, pl.exceptions.PolarsError)
"""What reading a damaged day raises, whichever library reads it."""
_KEYS = ("experiment_arm", "user_pseudonym")
_FLOATS = frozenset({"ratings_sum", "log_ms_sum", "pre_period_sum"})
_SUMS = (
    "ratings_n", "ratings_sum", "answers_n", "errors_n", "cultural_n", "retries_n", "times_n", "log_ms_sum",
)  # fmt: skip


class NotInCanaryError(LyoError):
    """There is no release to observe."""


@dataclass(frozen=True)
class Collected:
    """An observation, and the rows that were left out because arm and adapter do not agree (a stale gateway, a broken load).

    unreadable: days of the stage that are left out because their file is damaged, each with the reason.
    """

    observation: Observation
    mismatched: int
    unreadable: Mapping[date, str] = field(default_factory=dict)


def collect_observations(
    lake: Lake, release: Release, routing: Routing, *, now: datetime, batch_rows: int = BATCH
) -> Collected:
    """What a segment's release shows at this moment. Raises NotInCanaryError for a segment without one."""
    if release.began_at is None or release.stage_began_at is None:
        raise NotInCanaryError(f"{release.segment} has no candidate in canary: {release.situation}.")
    parts, mismatched, known = list[pl.DataFrame](), 0, Kinds()
    unreadable = dict[date, str]()
    for day in _days(lake, release):
        if day > now.date():
            continue
        of_day, strange = list[pl.DataFrame](), 0
        try:
            for rows in _rows(lake, release, routing, day, known, now=now, batch_rows=batch_rows):
                fits = _fits(release.candidate)
                strange += rows.height - int(rows.select(fits.sum()).item())
                of_day = [_merged([*of_day, sums_by_user(rows.filter(fits))])]  # one line per arm and user
        except READ_ERRORS as error:  # the other days still tell whether it harms
            unreadable[day] = str(error)
            continue
        parts, mismatched = [_merged([*parts, *of_day])] if of_day else parts, mismatched + strange
    before = pre_period_ratings(lake, release, routing, batch_rows=batch_rows)
    observation = Observation(
        segment=release.segment,
        version=release.candidate,
        stage=release.stage,
        share=release.share,
        began_at=release.began_at,
        stage_began_at=release.stage_began_at,
        now=now,
        candidate=arm_of(parts, "candidate", before),
        current=arm_of(parts, "current", before),
    )
    return Collected(observation, mismatched, unreadable)


def observation_signature(lake: Lake, release: Release) -> str:
    """A digest that changes when a day since the stage began is written anew (sizes and times of files only)."""
    told = [release.segment, str(release.sequence)]
    for day in _days(lake, release):
        told.append(f"{day} {lake.fingerprint(lake.interactions(day))}")
    return sha256("\n".join(told).encode()).hexdigest()[:16]


def _days(lake: Lake, release: Release) -> list[date]:
    assert release.stage_began_at is not None
    first = release.stage_began_at.date()
    return [day for day in lake.days("interactions") if day >= first]


def _rows(
    lake: Lake, release: Release, routing: Routing, day: date, known: Kinds, *, now: datetime, batch_rows: int
) -> Iterator[pl.DataFrame]:
    """The rows of the release's arms on a day, a part of it at a time."""
    within = pl.col("occurred_at").is_between(release.stage_began_at, now)
    assigned = pl.col("experiment_arm").is_in(["candidate", "current"])
    with lake.open_table(lake.interactions(day)) as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=list(COLUMNS)):
            rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))).filter(within, assigned)
            if rows.height:
                yield rows_of_release(rows, release.segment, routing, known)


def _fits(candidate: str) -> pl.Expr:
    """Whether the adapter that answered is one of the arm's."""
    by_candidate = pl.col("adapter_version").eq_missing(candidate)
    return by_candidate == (pl.col("experiment_arm") == "candidate")


def sums_by_user(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of raw interactions by arm and user (columns of `Arm`), so that parts of a day can be added up.

    Rows without a user count as one user together: nobody can tell them apart. Times of answers with an error are left out.
    """
    failed = pl.col("error").is_not_null()
    time = pl.when(~failed & (pl.col("response_time_ms") > 0)).then(pl.col("response_time_ms").cast(pl.Float64))
    return rows.group_by(_KEYS).agg(
        ratings_n=pl.col("rating").count().cast(pl.Int64),
        ratings_sum=pl.col("rating").cast(pl.Float64).sum(),
        answers_n=pl.len().cast(pl.Int64),
        errors_n=failed.sum().cast(pl.Int64),
        cultural_n=(pl.col("complaint_category") == CULTURAL).fill_null(value=False).sum().cast(pl.Int64),
        retries_n=(pl.col("retries") > 0).fill_null(value=False).sum().cast(pl.Int64),
        times_n=time.count().cast(pl.Int64),
        log_ms_sum=time.log().sum(),
    )


def _merged(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by(_KEYS).agg(pl.col(_SUMS).sum())


def arm_of(parts: list[pl.DataFrame], name: str, before: pl.DataFrame) -> Arm:
    """One arm out of sums by user; before: `pre_period_n` and `pre_period_sum` of users' ratings earlier on (others' are left out)."""
    if not parts:
        return empty_arm()
    mine = parts[0].filter(pl.col("experiment_arm") == name)
    mine = mine.join(before, on="user_pseudonym", how="left", nulls_equal=True).sort("user_pseudonym")
    sums = mine.select(pl.col(*_SUMS, "pre_period_n", "pre_period_sum").fill_null(0))
    arrays: dict[str, np.ndarray] = {
        column.name: column.to_numpy().astype(np.float64 if column.name in _FLOATS else np.int64) for column in sums
    }
    return Arm(users=mine.height, interactions=int(arrays["answers_n"].sum()), **arrays)
