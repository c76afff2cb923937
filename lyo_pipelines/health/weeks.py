"""How segments fared week by week: the figures that a team watches, out of days of health. Their picture: plots.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.special import stdtrit

from lyo_pipelines.health.contract import USER_GROUPS
from lyo_pipelines.health.read import Health
from lyo_pipelines.statistics.random_groups import Floats, grouped_ratio

WEEKS = 12
CONFIDENCE = 0.95
_COUNTS = ("rated", "rating_sum")
_SUMS = ("n", "served", "complaints", "timed", "log_time_sum")


@dataclass(frozen=True)
class Week:
    """A segment in the seven days from `start`; nan where nothing can be said.

    rating: mean of all ratings, with its interval over users (CONFIDENCE). complaints: share of the interactions that were served.
    response_ms: geometric mean, which one slow answer does not move.
    """

    start: date
    interactions: int
    rated: int
    rating: float
    rating_low: float
    rating_high: float
    complaints: float
    response_ms: float


def weeks_of(health: Health, last: date, weeks: int = WEEKS) -> dict[str, tuple[Week, ...]]:
    """Segment -> its weeks, oldest first, the newest ending on `last`; segments with most interactions first.

    A segment without an interaction in a week has an empty week there.
    """
    starts = [last - timedelta(days=7 * (weeks - at) - 1) for at in range(weeks)]
    found = [_week(health, start) for start in starts]
    total = {name: 0 for week in found for name in week}
    for week in found:
        for name, figures in week.items():
            total[name] += figures.interactions
    order = sorted(total, key=lambda name: (-total[name], name))
    return {
        name: tuple(week.get(name) or _empty(start) for start, week in zip(starts, found, strict=True))
        for name in order
    }


def _empty(start: date) -> Week:
    return Week(start, 0, 0, np.nan, np.nan, np.nan, np.nan, np.nan)


def _week(health: Health, start: date) -> dict[str, Week]:
    days = [start + timedelta(days=n) for n in range(7)]
    sums = _by_segment(health.strata(days), ["segment"], _SUMS)
    if sums.is_empty():
        return {}
    names = sums["segment"].to_list()
    low, value, high, rated = _ratings(_by_segment(health.users(days), ["segment", "user_group"], _COUNTS), names)
    with np.errstate(invalid="ignore", divide="ignore"):
        complaints = sums["complaints"].to_numpy() / sums["served"].to_numpy()
        response = np.exp(sums["log_time_sum"].to_numpy() / sums["timed"].to_numpy())
    return {
        name: Week(
            start, int(sums["n"][at]), int(rated[at]), float(value[at]), float(low[at]), float(high[at]),
            float(complaints[at]), float(response[at]),
        )
        for at, name in enumerate(names)
    }  # fmt: skip


def _by_segment(frame: pl.LazyFrame, keys: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    told = frame.with_columns(pl.col("segment").cast(pl.String)).group_by(keys)
    return told.agg(pl.col(name).cast(pl.Float64).sum() for name in names).sort(keys).collect()


def _ratings(users: pl.DataFrame, names: Sequence[str]) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean ratings with their bounds, and how many there are, in the order of `names`."""
    place: Mapping[str, int] = {name: at for at, name in enumerate(names)}
    n, total = np.zeros((len(names), USER_GROUPS + 1)), np.zeros((len(names), USER_GROUPS + 1))
    for segment, group, rated, sum_of in users.select("segment", "user_group", *_COUNTS).iter_rows():
        if segment in place:
            n[place[segment], group], total[place[segment], group] = rated, sum_of
    found = grouped_ratio(n, total)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(found.standard_error) & (found.degrees_of_freedom > 0)
        freedom = np.where(known, found.degrees_of_freedom, 1.0)
        width = np.where(known, stdtrit(freedom, (1 + CONFIDENCE) / 2) * found.standard_error, np.nan)
    return found.value - width, found.value, found.value + width, found.n
