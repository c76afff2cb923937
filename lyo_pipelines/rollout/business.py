"""Business measures of the two arms of a stage, by user: return, session length, task completion, support contacts, tokens an
answer.

All are optional (rollout.yaml, `business:`); nothing is read while none is configured. The unit is the user, who is in the arm in
which he was answered first and alone. What cannot be known yet is left out, not counted as missing: a user whose first answer of
the stage is two days old has not had seven days to return, and a session that may go on has no length (right-censoring).
Thresholds do not belong here."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from lyo_pipelines.config.rollout import BusinessConfig, BusinessMeasure
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import CANDIDATE, CURRENT, PLACE, with_places
from lyo_pipelines.rollout.interaction_days import BATCH, DamagedDayError, day_batches
from lyo_pipelines.rollout.observations import BusinessSums
from lyo_pipelines.rollout.release_rows import ASKED, ReleaseRows
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.storage.lake import Lake

_COLUMNS = (
    *ASKED, "occurred_at", "user_pseudonym", "adapter_version", "experiment_arm", "error", "metadata", "release_id",
)  # fmt: skip
_USER = "user_pseudonym"


def business_sums(
    lake: Lake, release: Release, routing: Routing, config: BusinessConfig, *, now: datetime
) -> dict[BusinessMeasure, BusinessSums]:
    """The configured measures since the release's stage began; nothing where none is configured. Damaged days are left out."""
    if not config.measures or release.stage_began_at is None:
        return {}
    rows = _rows(lake, release.stage_began_at, now)
    if not rows.height:
        return {}
    placed = with_places(ReleaseRows(release, routing).of(rows), release.candidate)
    arms = arms_of_users(placed)
    mine = placed.join(arms.select(_USER, "arm"), on=_USER).filter(pl.col(PLACE) == pl.col("arm"))
    everything = rows.join(arms, on=_USER)
    found: dict[BusinessMeasure, BusinessSums] = {}
    for name in config.measures:
        sums, waiting = measured(name, mine, everything, arms, config, now=now)
        parts = {arm: sums.filter(pl.col("arm") == arm).sort(_USER) for arm in (CANDIDATE, CURRENT)}
        found[name] = BusinessSums(
            *(
                parts[arm][column].to_numpy().astype(np.float64)
                for arm in (CANDIDATE, CURRENT)
                for column in ("total", "n")
            ),
            waiting=waiting,
        )
    return found


def _rows(lake: Lake, since: datetime, now: datetime) -> pl.DataFrame:
    """All rows with a user from one moment to another, whatever they asked."""
    found: list[pl.DataFrame] = []
    for day in lake.days("interactions"):
        if not since.date() <= day <= now.date():
            continue
        with suppress(DamagedDayError):  # told by the other measures' reading of the same day
            asked = (pl.col("occurred_at").is_between(since, now), pl.col(_USER).is_not_null())
            found += [
                rows.filter(*asked) for rows in day_batches(lake, day, BATCH, _COLUMNS)
            ]  # a whole day, or none of it
    return pl.concat(found) if found else pl.DataFrame()


def arms_of_users(placed: pl.DataFrame) -> pl.DataFrame:
    """Users who are in one arm alone: columns user_pseudonym, arm, first (their first answer in it). placed: of `with_places`."""
    known = placed.filter(pl.col(PLACE).is_in([CANDIDATE, CURRENT]))
    by_user = known.group_by(_USER).agg(
        arm=pl.col(PLACE).first(), arms=pl.col(PLACE).n_unique(), first=pl.col("occurred_at").min()
    )
    return by_user.filter(pl.col("arms") == 1).select(_USER, "arm", "first")


def measured(
    name: BusinessMeasure,
    mine: pl.DataFrame,
    everything: pl.DataFrame,
    arms: pl.DataFrame,
    config: BusinessConfig,
    *,
    now: datetime,
) -> tuple[pl.DataFrame, int]:
    """(user_pseudonym, arm, total, n by user; users or sessions for which it cannot be known yet).

    mine: answers in the user's own arm; everything: all rows of these users, with `arm` and `first`.
    """
    if name == "return_rate":
        return _returns(everything, arms, config, now)
    if name == "session_minutes":
        return _sessions(everything, config, now)
    if name == "tokens_per_answer":
        tokens = _told(config.tokens_key).cast(pl.Float64, strict=False)
        return _by_user(mine.with_columns(value=pl.when(tokens.is_finite() & (tokens > 0)).then(tokens.log()))), 0
    key = config.completed_key if name == "task_completion" else config.support_key
    return _by_user(mine.with_columns(value=_yes_or_no(_told(key)))), 0


_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


def _yes_or_no(told: pl.Expr) -> pl.Expr:
    """1.0 for yes (a count of contacts, too), 0.0 for no, null for anything else."""
    number = told.cast(pl.Float64, strict=False)
    counted = pl.when(number.is_finite() & (number >= 0)).then((number > 0).cast(pl.Float64))
    return told.str.to_lowercase().replace_strict(_WORDS, default=None, return_dtype=pl.Float64).fill_null(counted)


def _told(key: str) -> pl.Expr:
    """What a row's metadata says under a key, as text; null where it says nothing."""
    return pl.col("metadata").str.json_path_match(f"$.{key}")


def _by_user(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of `value`, which is null where a row says nothing, and how many rows say something."""
    found = rows.group_by(_USER, "arm").agg(total=pl.col("value").cast(pl.Float64).sum(), n=pl.col("value").count())
    return found.filter(pl.col("n") > 0)


def _returns(
    everything: pl.DataFrame, arms: pl.DataFrame, config: BusinessConfig, now: datetime
) -> tuple[pl.DataFrame, int]:
    """Of users who had the days to return: whether they did."""
    window, away = timedelta(days=config.return_days), timedelta(hours=config.away_hours)
    had_time = arms.filter(pl.col("first") <= now - window)
    back = everything.filter(pl.col("occurred_at").is_between(pl.col("first") + away, pl.col("first") + window))
    found = had_time.join(back.select(_USER).unique().with_columns(total=pl.lit(1.0)), on=_USER, how="left")
    return found.select(_USER, "arm", pl.col("total").fill_null(0.0), n=pl.lit(1)), arms.height - had_time.height


def _sessions(everything: pl.DataFrame, config: BusinessConfig, now: datetime) -> tuple[pl.DataFrame, int]:
    """Minutes from the first to the last question of sessions that have ended: the user was away for the gap."""
    gap = timedelta(minutes=config.session_gap_minutes)
    ordered = everything.filter(pl.col("occurred_at") >= pl.col("first")).sort(_USER, "occurred_at")
    begins = (pl.col("occurred_at").diff().over(_USER) > gap).fill_null(value=True)
    sessions = (
        ordered.with_columns(session=begins.cast(pl.Int64).cum_sum().over(_USER))
        .group_by(_USER, "arm", "session")
        .agg(begin=pl.col("occurred_at").min(), end=pl.col("occurred_at").max())
    )
    ended = sessions.filter(pl.col("end") <= now - gap)
    minutes = (pl.col("end") - pl.col("begin")).dt.total_seconds() / 60
    return _by_user(ended.with_columns(value=minutes)), sessions.height - ended.height
