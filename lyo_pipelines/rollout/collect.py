"""What the live interactions say of a release: out of the lake's days since its stage began, summed by arm and user.

Which rows belong to the release stands in release_rows.py, whose each is in attribution.py. Only the columns that count are read, a
part of a day at a time, and what stays in memory is one line per arm and user. Deciding belongs to decide.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from hashlib import sha256

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.complaints import is_cultural
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import (
    CANDIDATE,
    CURRENT,
    ELSEWHERE,
    MISMATCHED,
    PLACE,
    UNNAMED,
    failed,
    tallied,
    with_places,
)
from lyo_pipelines.rollout.observations import Arm, Attribution, Observation, empty_arm
from lyo_pipelines.rollout.pre_period import PrePeriod, read_pre_period
from lyo_pipelines.rollout.release_rows import OF_RELEASE, ReleaseRows
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.storage.lake import Lake

COLUMNS = (
    *OF_RELEASE, "user_pseudonym", "adapter_version", "experiment_arm", "rating", "response_time_ms", "error",
    "complaint_category", "retries",
)  # fmt: skip
BATCH = 65_536
NAMES_TOLD = 3
_KEYS = (PLACE, "user_pseudonym")
_FLOATS = frozenset({"ratings_sum", "log_ms_sum", "pre_period_sum"})
_SUMS = (
    "ratings_n", "ratings_sum", "answers_n", "errors_n", "cultural_n", "retries_n", "times_n", "log_ms_sum",
)  # fmt: skip
_UNPLACED = ("unnamed_n", "unnamed_errors_n", "elsewhere_n")


class NotInCanaryError(LyoError):
    """There is no release to observe."""


@dataclass(frozen=True)
class Collected:
    """What was observed."""

    observation: Observation

    @property
    def mismatched(self) -> int:
        """Rows that were left out because arm and adapter contradict each other."""
        return self.observation.attribution.mismatched


def collect_observations(
    lake: Lake,
    release: Release,
    routing: Routing,
    *,
    now: datetime,
    batch_rows: int = BATCH,
    cultural: Sequence[str] | None = None,
) -> Collected:
    """What a segment's release shows at this moment. Raises NotInCanaryError for a segment without one.

    cultural: the complaint categories that count against the cultural score (None: those of the packaged curation.yaml).
    """
    if release.began_at is None or release.stage_began_at is None:
        raise NotInCanaryError(f"{release.segment} has no candidate in canary: {release.situation}.")
    categories = _packaged_categories() if cultural is None else tuple(cultural)
    parts, tallies = list[pl.DataFrame](), list[pl.DataFrame]()
    for rows in _rows(lake, release, routing, now=now, batch_rows=batch_rows):
        placed = with_places(rows, release.candidate)
        parts = [
            _merged([*parts, sums_by_user(placed, categories)])
        ]  # one line per arm and user, however many rows there are
        tallies.append(tallied(placed))
    before = read_pre_period(lake, release, routing, batch_rows=batch_rows)
    sums = parts[0] if parts else None
    observation = Observation(
        segment=release.segment,
        version=release.candidate,
        stage=release.stage,
        share=release.share,
        began_at=release.began_at,
        stage_began_at=release.stage_began_at,
        now=now,
        candidate=arm_of(sums, CANDIDATE, before.users),
        current=arm_of(sums, CURRENT, before.users),
        attribution=attribution_of(sums, tallies, before),
    )
    return Collected(observation)


@cache
def _packaged_categories() -> tuple[str, ...]:
    return load_config().curation.cultural_complaint_categories


def observation_signature(lake: Lake, release: Release) -> str:
    """A digest that changes when a day since the stage began is written anew (sizes and times of files only)."""
    told = [release.segment, str(release.sequence)]
    for day in _days(lake, release):
        info = lake.fs.info(lake.interactions(day))
        told.append(f"{day} {info.get('size')} {info.get('mtime') or info.get('ETag') or info.get('LastModified')}")
    return sha256("\n".join(told).encode()).hexdigest()[:16]


def _days(lake: Lake, release: Release) -> list[date]:
    assert release.stage_began_at is not None
    first = release.stage_began_at.date()
    return [day for day in lake.days("interactions") if day >= first]


def _rows(lake: Lake, release: Release, routing: Routing, *, now: datetime, batch_rows: int) -> Iterator[pl.DataFrame]:
    """The rows of the release, a part of a day at a time."""
    belonging = ReleaseRows(release, routing)
    within = pl.col("occurred_at").is_between(release.stage_began_at, now)
    for day in _days(lake, release):
        if day > now.date():
            continue
        with lake.open_table(lake.interactions(day)) as file:
            for batch in file.iter_batches(batch_size=batch_rows, columns=list(COLUMNS)):
                rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))).filter(within)
                if rows.height and (mine := belonging.of(rows)).height:
                    yield mine


def sums_by_user(rows: pl.DataFrame, cultural: Sequence[str]) -> pl.DataFrame:
    """Sums of raw interactions by place and user (columns of `Arm`), so that parts of a day can be added up.

    Rows without a user count as one user together: nobody can tell them apart. Times of answers with an error are left out.
    """
    time = pl.when(~failed() & (pl.col("response_time_ms") > 0)).then(pl.col("response_time_ms").cast(pl.Float64))
    return rows.group_by(_KEYS).agg(
        ratings_n=pl.col("rating").count().cast(pl.Int64),
        ratings_sum=pl.col("rating").cast(pl.Float64).sum(),
        answers_n=pl.len().cast(pl.Int64),
        errors_n=failed().sum().cast(pl.Int64),
        cultural_n=is_cultural(pl.col("complaint_category"), cultural).sum().cast(pl.Int64),
        retries_n=(pl.col("retries") > 0).fill_null(value=False).sum().cast(pl.Int64),
        times_n=time.count().cast(pl.Int64),
        log_ms_sum=time.log().sum(),
    )


def _merged(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by(_KEYS).agg(pl.col(_SUMS).sum())


def arm_of(sums: pl.DataFrame | None, name: str, before: pl.DataFrame) -> Arm:
    """One arm out of sums by place and user, with what names no arm of users who are in this one alone.

    before: `pre_period_n` and `pre_period_sum` of users' ratings earlier on (others' are left out).
    """
    if sums is None:
        return empty_arm()
    mine = sums.filter(pl.col(PLACE) == name)
    for unplaced in (_unplaced(sums, name), before):
        mine = mine.join(unplaced, on="user_pseudonym", how="left", nulls_equal=True)
    mine = mine.sort("user_pseudonym", nulls_last=False)
    columns = (*_SUMS, "pre_period_n", "pre_period_sum", *_UNPLACED)
    arrays: dict[str, np.ndarray] = {
        column.name: column.to_numpy().astype(np.float64 if column.name in _FLOATS else np.int64)
        for column in mine.select(pl.col(*columns).fill_null(0))
    }
    nobody = mine.height > 0 and mine["user_pseudonym"][0] is None
    return Arm(users=mine.height, interactions=int(arrays["answers_n"].sum()), nobody=nobody, **arrays)


def _unplaced(sums: pl.DataFrame, arm: str) -> pl.DataFrame:
    """By user of this arm alone: _UNPLACED. Rows that name no user are in no arm alone."""
    other = CURRENT if arm == CANDIDATE else CANDIDATE
    rest = sums.filter(pl.col(PLACE).is_in([UNNAMED, ELSEWHERE]), pl.col("user_pseudonym").is_not_null())
    rest = rest.join(sums.filter(pl.col(PLACE) == other), on="user_pseudonym", how="anti")
    unnamed = pl.col(PLACE) == UNNAMED
    return rest.group_by("user_pseudonym").agg(
        unnamed_n=pl.col("answers_n").filter(unnamed).sum(),
        unnamed_errors_n=pl.col("errors_n").filter(unnamed).sum(),
        elsewhere_n=(pl.col("answers_n") - pl.when(unnamed).then(pl.col("errors_n")).otherwise(0)).sum(),
    )


def attribution_of(sums: pl.DataFrame | None, tallies: list[pl.DataFrame], before: PrePeriod) -> Attribution:
    """What could not be said of a stage's rows."""
    if sums is None:
        return Attribution(orphans_before=before.orphans, rows_before=before.rows)
    tally = pl.concat(tallies)
    arm, place, rows = pl.col("named_arm"), pl.col(PLACE), pl.col("rows")
    known = arm.is_in([CANDIDATE, CURRENT]).fill_null(value=False)
    names = (
        tally.filter(arm.is_not_null() & ~known)
        .group_by(arm)
        .agg(rows.sum())
        .sort("rows", "named_arm", descending=[True, False])
    )
    counts = tally.select(
        armless=rows.filter(~known & (place == CANDIDATE)).sum(),
        versionless=rows.filter((place == CANDIDATE) & ~pl.col("has_version") & ~pl.col("failed")).sum(),
        mismatched=rows.filter(place == MISMATCHED).sum(),
        fallbacks=rows.filter((place == MISMATCHED) & (arm == CANDIDATE)).sum(),
        rows=rows.sum(),
    ).row(0, named=True)
    unnamed = int(sums.filter(place == UNNAMED)["errors_n"].sum())
    placed = sum(_placed_errors(sums, arm) for arm in (CANDIDATE, CURRENT))
    return Attribution(
        **counts, names=tuple(names.head(NAMES_TOLD).iter_rows()), orphans=unnamed - placed, orphans_before=before.orphans,
        rows_before=before.rows,
    )  # fmt: skip


def _placed_errors(sums: pl.DataFrame, arm: str) -> int:
    mine = sums.filter(pl.col(PLACE) == arm).select("user_pseudonym")
    return int(_unplaced(sums, arm).join(mine, on="user_pseudonym", how="semi")["unnamed_errors_n"].sum())
