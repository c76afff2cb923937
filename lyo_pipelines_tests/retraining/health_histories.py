"""Histories of health made for tests: what is rated how on each day, written straight as rows of HEALTH and USERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.health.contract import HEALTH, INVITATIONS, USER_GROUPS, USERS
from lyo_pipelines.health.read import FrameHealth
from lyo_pipelines.retraining.backtest import Backtest, BacktestStep
from lyo_pipelines.retraining.curriculum import AcademicYear, Curriculum
from lyo_pipelines.storage.lake import Lake

FIRST = date(2026, 7, 6)
MATH, PHYSICS, HINDI = "tutoring.en.math", "tutoring.en.physics", "tutoring.hi.math"
CONFIG = load_config().retraining
CURRICULUM = Curriculum(
    country="IN", time_zone="Asia/Kolkata", academic_year=AcademicYear(start="04-01"), languages={}, grades=(), subjects={}
)  # fmt: skip
"""Nothing on it: no holidays, no exams, no new areas."""

Story = Callable[[int], Mapping[str, tuple[int, float]]]
"""Number of the day -> topic -> (interactions, mean rating)."""


def steady(n: int = 40, rating: float = 4.4) -> Story:
    return lambda _: {"angles": (n // 2, rating), "fractions": (n - n // 2, rating)}


def slump(at: int, to: float = 2.9, n: int = 40) -> Story:
    """All is well until day `at`, and badly rated from then on."""
    return lambda day: steady(n, 4.4 if day < at else to)(day)


def other_mix(at: int, n: int = 40) -> Story:
    """From day `at` on learners ask for the topic that was always rated lower; neither topic's rating changes."""

    def story(day: int) -> Mapping[str, tuple[int, float]]:
        easy = int(n * (0.8 if day < at else 0.2))
        return {"angles": (easy, 4.8), "fractions": (n - easy, 3.8)}

    return story


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def made_health(stories: Mapping[str, Story], days: int, *, seed: int | None = None, kept: float = 0.25) -> FrameHealth:
    """`days` days of these segments; half of the interactions are rated. With a seed, ratings scatter from day to day."""
    rng = None if seed is None else np.random.default_rng(seed)
    rows, users = list[dict[str, Any]](), list[dict[str, Any]]()
    for number in range(days):
        for segment, story in stories.items():
            for topic, (n, rating) in story(number).items():
                if n == 0:
                    continue
                mean = rating if rng is None else float(np.clip(rng.normal(rating, 0.15), 1, 5))
                rows.append({"day": day_of(number), **_row(segment, topic, n, mean, kept)})
                users += [{"day": day_of(number), **user} for user in _users(segment, topic, n, mean)]
    return FrameHealth(_frame(rows, HEALTH), _frame(users, USERS))


def write_days(lake: Lake, health: FrameHealth, *, before: date | None = None) -> None:
    """Write those days of health that the lake has not (and that lie before a day, when it is given)."""
    there = lake.days("health")
    for day in sorted(set(health.health["day"]) - set(there)):
        if before is not None and day >= before:
            continue
        for frame, schema, path in (
            (health.health, HEALTH, lake.health(day)),
            (health.by_user, USERS, lake.health_users(day)),
        ):
            lake.write_table(frame.filter(pl.col("day") == day).drop("day").to_arrow().cast(schema), path)


def changed(**sections: dict[str, Any]) -> RetrainingConfig:
    """The shipped figures with some changed."""
    values = CONFIG.model_dump()
    return RetrainingConfig.model_validate(
        {**values, **{name: {**values[name], **new} for name, new in sections.items()}}
    )


def launched(number: int, *causes: str, segment: str = MATH) -> BacktestStep:
    """A step that fires on day `number`."""
    kind = causes[0].partition(".")[0]
    return BacktestStep(day_of(number), segment, "fire", "fire", "", (kind,), causes, 500)  # pyright: ignore[reportArgumentType]


def of(*steps: BacktestStep) -> Backtest:
    """A replay that came out so."""
    return Backtest(FIRST, day_of(60), "policy", steps)


def _row(segment: str, topic: str, n: int, mean: float, kept: float) -> dict[str, Any]:
    rated = n // 2
    return {
        "segment": segment, "topic": topic, "grade": "8", "n": n, "kept": round(n * kept), "served": n, "rated": rated,
        "rating_sum": rated * mean, "rating_squares": rated * (mean**2 + 0.5), "judged": rated,
        "negative": round(rated * 0.1), "relevance_n": n, "relevance_sum": 0.85 * n,
        "relevance_squares": 0.73 * n,
        "complaints": 0, "cultural": 0, "retried": 0, "errors": 0, "examined": n, "mismatched": 0, "timed": n,
        "log_time_sum": 7.5 * n, "log_time_squares": 56.3 * n, "time_bins": [50, 60], "time_counts": [n // 2, n - n // 2],
        **dict.fromkeys(INVITATIONS, 0),
    }  # fmt: skip


def _users(segment: str, topic: str, n: int, mean: float) -> list[dict[str, Any]]:
    """The same ratings, spread over all groups of users as evenly as whole ratings can be."""
    shares = [n // 2 // USER_GROUPS + (group < n // 2 % USER_GROUPS) for group in range(USER_GROUPS)]
    return [_user(segment, topic, group, rated, mean) for group, rated in enumerate(shares) if rated]


def _user(segment: str, topic: str, group: int, rated: int, mean: float) -> dict[str, Any]:
    n, ratings = 2 * rated, rated * mean
    return {
        "segment": segment, "user_group": group, "n": n, "served": n, "rated": rated, "rating_sum": ratings, "judged": rated,
        "rating_squares": rated * (mean**2 + 0.5), "negative": 0, "relevance_n": n, "relevance_sum": 0.85 * n,
        "relevance_squares": 0.73 * n, "cultural": 0, "examined": n, "mismatched": 0, "timed": n,
        "log_time_sum": 7.5 * n, "log_time_squares": 56.3 * n, "time_bins": [50, 60], "time_counts": [rated, rated],
        "topics": [topic], "topic_n": [n],
        "topic_retried": [0], "topic_rated": [rated], "topic_rating_sum": [ratings], **dict.fromkeys(INVITATIONS, 0),
    }  # fmt: skip


def _frame(rows: list[dict[str, Any]], schema: Any) -> pl.DataFrame:
    empty = pl.DataFrame(pl.from_arrow(schema.empty_table()))
    made = pl.DataFrame(rows, schema={"day": pl.Date, **empty.schema})
    return made.select(*schema.names, "day")
