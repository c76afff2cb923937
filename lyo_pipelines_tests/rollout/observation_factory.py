"""Releases made for tests: arms with given levels, deterministic, every user alike but for a little habit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.rollout.observations import Arm, Observation

CONFIG = load_config().rollout
BEGAN = datetime(2026, 5, 4, tzinfo=UTC)


def arm(
    users: int = 100, *, each: int = 10, rating: float = 4.3, rated: float = 1.0, errors: int = 0, ms: float = 2_000,
    habit: float = 0.4, retries: int = 0, cultural: int = 0,
) -> Arm:  # fmt: skip
    """`users` users with `each` answers; habits from -habit to +habit in turn; errors, retries and complaints one per user from the
    first user on."""
    n = np.full(users, each)
    sway = np.resize([-1.0, 1.0, -0.5, 0.5], users) * habit
    rated_n = np.round(n * rated).astype(np.int64)

    def spread(count: int) -> np.ndarray:
        return np.bincount(np.arange(count) % max(users, 1), minlength=users)[:users]

    return Arm(
        users=users, interactions=users * each, ratings_n=rated_n, ratings_sum=rated_n * (rating + sway), answers_n=n,
        errors_n=spread(errors), cultural_n=spread(cultural), retries_n=spread(retries), times_n=n,
        log_ms_sum=n * (np.log(ms) + sway / 4), pre_period_n=np.zeros(users, np.int64), pre_period_sum=np.zeros(users),
    )  # fmt: skip


def observation(candidate: Arm | None = None, current: Arm | None = None, **changed: Any) -> Observation:
    """A release at stage 1 whose three days are served; 100 users of 1,000 got the candidate."""
    stage = changed.pop("stage", 1)
    days = changed.pop("days", CONFIG.stage(stage).days)
    return Observation(
        segment="tutoring.ta.math", version="v2", stage=stage, share=changed.pop("share", CONFIG.stage(stage).share), began_at=BEGAN,
        stage_began_at=BEGAN, now=BEGAN + timedelta(days=days), candidate=arm() if candidate is None else candidate,
        current=arm(900) if current is None else current, **changed,
    )  # fmt: skip
