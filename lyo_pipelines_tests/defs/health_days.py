"""Days of health written directly: what the triggers read, without the days of interactions behind it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from lyo_pipelines.defs import clock
from lyo_pipelines.health.contract import HEALTH, INVITATIONS, USERS
from lyo_pipelines.storage.lake import Lake


def yesterday() -> date:
    """The last day that is whole, by the definitions' clock."""
    return clock.current_time().date() - timedelta(days=1)


def stratum(
    segment: str, n: int, *, rating: float = 4.5, kept: int | None = None, topic: str = "fractions"
) -> dict[str, Any]:
    """One row of health: n interactions, all rated, half of them half a point above `rating` and half below it."""
    return {
        "segment": segment, "topic": topic, "grade": "7", "n": n, "kept": n if kept is None else kept, "served": n, "rated": n,
        "rating_sum": n * rating, "rating_squares": n * (rating**2 + 0.25), "judged": n, "negative": n // 20, "relevance_n": 0,
        "relevance_sum": 0.0, "relevance_squares": 0.0, "complaints": 0, "cultural": 0, "retried": 0, "errors": 0, "examined": n,
        "mismatched": 0, "timed": n, "log_time_sum": n * 7.0, "log_time_squares": n * 49.1, "time_bins": [40], "time_counts": [n],
        **dict.fromkeys(INVITATIONS, 0),
    }  # fmt: skip


def write_day(lake: Lake, day: date, strata: Iterable[dict[str, Any]]) -> None:
    """One day's health files; the users of each stratum are spread over eight groups."""
    rows = list(strata)
    users = [_users(row, group) for row in rows for group in range(8)]
    lake.write_table(pa.Table.from_pylist(users, schema=USERS), lake.health_users(day))
    lake.write_table(pa.Table.from_pylist(rows, schema=HEALTH), lake.health(day))


def _users(row: dict[str, Any], group: int) -> dict[str, Any]:
    n = row["n"] // 8
    ratings = row["rating_sum"] / row["n"] * n
    return {
        "segment": row["segment"], "user_group": group, "n": n, "served": n, "rated": n, "rating_sum": ratings, "judged": n,
        "rating_squares": row["rating_squares"] / row["n"] * n, "negative": 0, "relevance_n": 0, "relevance_sum": 0.0,
        "relevance_squares": 0.0, "cultural": 0, "examined": n, "mismatched": 0, "timed": n,
        "log_time_sum": n * 7.0, "log_time_squares": n * 49.1, "time_bins": [40], "time_counts": [n],
        "topics": [row["topic"]], "topic_n": [n],
        "topic_retried": [0], "topic_rated": [n], "topic_rating_sum": [ratings], **dict.fromkeys(INVITATIONS, 0),
    }  # fmt: skip


def write_history(
    lake: Lake, segment: str, *, days: int = 30, n: int = 45, rating: float = 4.5, lately: float | None = None
) -> None:
    """A segment's history until yesterday; in the last four weeks it is rated `lately`. (1,350 examples.)"""
    last = yesterday()
    for back in range(days):
        now = lately if lately is not None and back < 28 else rating
        day = last - timedelta(days=back)
        before = lake.read_table(lake.health(day)).to_pylist() if lake.exists(lake.health(day)) else []
        write_day(lake, day, [*before, stratum(segment, n, rating=now)])
