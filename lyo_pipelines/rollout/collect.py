"""What the live interactions say of a release: out of the lake's days since its stage began, summed by arm and user.

Which rows belong to the release stands in release_rows.py, whose each is in attribution.py, how days are read and added up in
day_sums.py. Deciding belongs to decide.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256

import numpy as np
import polars as pl

from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import CANDIDATE, CURRENT, ELSEWHERE, MISMATCHED, PLACE, UNNAMED
from lyo_pipelines.rollout.day_sums import StageSums, summed_stages
from lyo_pipelines.rollout.interaction_days import BATCH
from lyo_pipelines.rollout.observations import Arm, Attribution, Observation, empty_arm
from lyo_pipelines.rollout.pre_period import PrePeriod
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.rollout.stage_cache import SUMS
from lyo_pipelines.storage.lake import Lake

NAMES_TOLD = 3
_FLOATS = frozenset({"ratings_sum", "log_ms_sum", "pre_period_sum", "invited_sum", "uninvited_sum"})
_UNPLACED = ("unnamed_n", "unnamed_errors_n", "elsewhere_n")


class NotInCanaryError(LyoError):
    """There is no release to observe."""


@dataclass(frozen=True)
class Collected:
    """What was observed. unreadable: days of the stage that are left out because their file is damaged, each with the reason."""

    observation: Observation
    unreadable: Mapping[date, str] = field(default_factory=dict)

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
    cultural: Sequence[str],
    batch_rows: int = BATCH,
    summed: StageSums | None = None,
) -> Collected:
    """What a segment's release shows at this moment. Raises NotInCanaryError for a segment without one.

    cultural: the complaint categories that count against the cultural score. summed: its rows, where they were added up together with
    those of other releases; else they are read here.
    """
    if release.began_at is None or release.stage_began_at is None:
        raise NotInCanaryError(f"{release.segment} has no candidate in canary: {release.situation}.")
    found = (
        summed
        or summed_stages(lake, [release], routing, now=now, cultural=cultural, batch_rows=batch_rows)[release.segment]
    )
    sums, before = found.sums, found.before
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
        attribution=attribution_of(sums, [] if found.tally is None else [found.tally], before),
        last_day=found.last_day,
    )
    return Collected(observation, found.unreadable)


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
    columns = (*SUMS, "pre_period_n", "pre_period_sum", *_UNPLACED)
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
