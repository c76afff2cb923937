"""Signals, findings and histories made for the tests of this room: everything is well until a test changes it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.retraining import Policy
from lyo_pipelines.retraining.curriculum import Area
from lyo_pipelines.retraining.decide import RetrainingDecision, decide_segment
from lyo_pipelines.retraining.findings import Findings, TriggerCase, TriggerFinding
from lyo_pipelines.retraining.history import Launch, Training, TrainingHistory
from lyo_pipelines.retraining.signals import Change, Level, Shares, Signals, Tail, TopicSignals
from lyo_pipelines.statistics.histogram import BINS
from lyo_pipelines_tests.statistics.histogram_bins import bins_of

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
TODAY = NOW.date()
SEGMENT = "tutoring.ta.math"
CONFIG = load_config().retraining
MUCH, LITTLE = 40_000, 60
"""Values with which a small difference is shown, and with which it is not."""


def policy(section: str = "launch", **changes: Any) -> Policy:
    """The shipped figures with some changed."""
    values = CONFIG.model_dump(exclude={"segments"})
    values[section] |= changes
    return Policy.model_validate(values)


def change(
    within: float = 0.0, *, n: int = 400, n_base: int = 1_600, base: float = 4.2, mix: float = 0.0, **other: Any
) -> Change:
    """A change whose standard error is 1 / sqrt(n) as that of ratings about is."""
    error = math.sqrt(1 / max(n, 1) + 1 / max(n_base, 1))
    known = {"coverage": 1.0, "day_error": error, "user_error": error} | other
    return Change(n, n_base, base + within + mix, base, within, mix, **known)


def level(value: float, n: int = 400, spread: float = 1.0) -> Level:
    return Level(n, value, spread / math.sqrt(max(n, 1)))


def shares(count: int = 100, n: int = 1_000, count_base: int = 100, n_base: int = 1_000, **other: Any) -> Shares:
    expected = count_base / n_base if n_base else math.nan
    known = {"expected": expected, "coverage": 1.0, "dispersion": 1.0, "worth": n_base}
    return Shares(count, n, count_base, n_base, **(known | other))


def tail(slower: float = 1.0, n: int = 2_000, n_base: int = 8_000) -> Tail:
    """Slowest answers so many times slower; typical ones as before."""
    now, base = (np.random.default_rng(seed).lognormal(7.5, 0.3, size) for seed, size in ((1, n), (2, n_base)))
    slowest = np.sort(now)[int(0.9 * n) :] * slower
    now = np.concatenate([np.sort(now)[: int(0.9 * n)], slowest])
    tables = [np.bincount(bins_of(values), minlength=BINS).astype(float) for values in (now, base)]
    p50, p95, p50_base, p95_base = (
        float(np.quantile(values, at)) if values.size else math.nan for values in (now, base) for at in (0.5, 0.95)
    )
    return Tail(p50, p95, p50_base, p95_base, tables[0], tables[1], 1.0)


def topic(
    name: str = "angles", *, n: int = 400, retried: int = 10, kept: int = 200, rating: float = 4.2, rated: int = 200
) -> TopicSignals:
    return TopicSignals(name, n, retried, kept, level(rating, rated))


def signals(**changes: Any) -> Signals:
    """A segment with much data about which all is well; too few examples for a first training."""
    known: dict[str, Any] = {
        "segment": SEGMENT, "day": TODAY, "interactions": 5_000, "examples": 900, "rating": (change(), change()),
        "rating_level": level(4.2), "negative": shares(), "relevance": level(0.88, spread=0.1), "relevance_change": change(base=0.88),
        "cultural": shares(4, 2_000, 16, 8_000), "time": change(base=7.5, n=2_000, n_base=8_000), "tail": tail(),
        "mismatch": (10, 1_000), "topics": (topic(),), "grades": {"6": 100},
    }  # fmt: skip
    return Signals(**known | changes)


def training(days_ago: int = 60, examples: int = 500, **changes: Any) -> Training:
    known = {"version": "owner-1", "fingerprint": "f" * 16, "topics": {"angles": 200}, "grades": {"6": 300}} | changes
    return Training(NOW - timedelta(days=days_ago), examples=examples, **known)


def launch(
    days_ago: float = 3, *causes: str, status: str = "succeeded", attempt: int = 1, segment: str = SEGMENT
) -> Launch:
    return Launch("hash", attempt, segment, NOW - timedelta(days=days_ago), status, causes)  # pyright: ignore[reportArgumentType]


def area(
    launched_days_ago: int = 30, *topics: str, subject: str = "math", language: str = "ta", **changes: Any
) -> Area:
    launched = TODAY - timedelta(days=launched_days_ago)
    made = Area(subject, language, launched, launched, dict.fromkeys(topics or ("angles",), ("6", "7")))
    return replace(made, **changes)


def case(known: Signals | None = None, *, config: Policy = CONFIG, past: TrainingHistory | None = None, where: Area | None = None,
         year_start: date | None = None) -> TriggerCase:  # fmt: skip
    return TriggerCase(known or signals(), config, past or TrainingHistory(), TODAY, where, year_start)


def only(found: Findings) -> TriggerFinding:
    """The one finding of a rule that has one."""
    (finding,) = found
    return finding


def decided(known: Signals | None = None, *, config: Policy = CONFIG, past: TrainingHistory | None = None, now: datetime = NOW,
            where: Area | None = None, year_start: date | None = None) -> RetrainingDecision:  # fmt: skip
    return decide_segment(known or signals(), config, past or TrainingHistory(), now, area=where, year_start=year_start)
