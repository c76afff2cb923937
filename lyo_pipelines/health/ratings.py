"""Mean ratings of one day by segment where some were invited at random: of all ratings, corrected, and at worst and best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lyo_pipelines.health.contract import INVITATIONS, NO_USER
from lyo_pipelines.health.read import read_health
from lyo_pipelines.statistics.deciding_mean import Choice, choose_mean, gaps_at_one_look
from lyo_pipelines.statistics.invitations import (
    Responses,
    fit_correction,
    influence_error,
    mean_influence,
    worst_case_bounds,
)
from lyo_pipelines.statistics.random_groups import grouped_degrees_of_freedom
from lyo_pipelines.storage.lake import Lake

_COLUMNS = ("rated", "rating_sum", *INVITATIONS)


@dataclass(frozen=True)
class RatingMeans:
    """One segment's mean ratings of one day. corrected: nan where it cannot be had. lowest, highest: what the mean of all answers may
    be, whatever the silent among the invited think. choice: which decides, and why."""

    segment: str
    rated: int
    invited: int
    plain: float
    corrected: float
    lowest: float
    highest: float
    choice: Choice


def rating_means(lake: Lake, day: date, needed: int) -> tuple[RatingMeans, ...]:
    """Means of the segments in which anybody was invited that day; needed: invited ratings that are enough to decide."""
    health = read_health(lake, [day])
    users = health.users([day]).select(pl.col("segment").cast(pl.String), "user_group", *_COLUMNS).collect()
    segments = (
        users.group_by("segment").agg(pl.col("invited_n").sum()).filter(pl.col("invited_n") > 0)["segment"].sort()
    )
    if segments.is_empty():
        return ()
    sums = _by_group(users, segments)
    invited, uninvited = (
        Responses(*(sums[f"{name}_{end}"] for end in ("n", "rated", "sum"))) for name in ("invited", "uninvited")
    )
    correction = fit_correction(invited, uninvited)
    n, rated, total = invited.n + uninvited.n, sums["rated"], sums["rating_sum"]
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = total.sum(axis=1) / rated.sum(axis=1)
        known = grouped_degrees_of_freedom(invited.rated / invited.rated.sum(axis=1, keepdims=True))
    influence = mean_influence(rated, total) - mean_influence(n, correction.totals(invited, uninvited))
    gaps = gaps_at_one_look(plain - correction.value, influence_error(influence, n), known)
    low, high = worst_case_bounds(invited)
    counts = invited.rated.sum(axis=1).astype(int).tolist()
    return tuple(
        RatingMeans(
            segment, int(rated[at].sum()), counts[at], float(plain[at]), float(correction.value[at]), float(low[at]), float(high[at]),
            choose_mean(
                invited=counts[at], needed=needed, can_correct=math.isfinite(correction.value[at]), is_enough=counts[at] >= needed,
                gap=gaps[at],
            ),
        )
        for at, segment in enumerate(segments)
    )  # fmt: skip


def _by_group(users: pl.DataFrame, segments: pl.Series) -> dict[str, NDArray[np.float64]]:
    """Sums by segment and group of users, each of shape (segments, groups)."""
    rows = users.filter(pl.col("segment").is_in(segments.implode()))
    number = {segment: at for at, segment in enumerate(segments)}
    place = np.array([number[segment] for segment in rows["segment"]]) * (NO_USER + 1) + rows["user_group"].to_numpy()
    cells = len(segments) * (NO_USER + 1)
    return {
        name: np.bincount(place, weights=rows[name].to_numpy(), minlength=cells)
        .astype(np.float64)
        .reshape(len(segments), -1)
        for name in _COLUMNS
    }
