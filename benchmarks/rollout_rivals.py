"""Two rules in use elsewhere, for benchmarks/rollout.py: ship when inconclusive at the end of the ramp; promote by ROUGE-1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rollout_report import CONFIG, median, share
from rollout_world import Scenario, World
from scipy.stats import norm


def ramp(scenario: Scenario, batch: int, seed: int) -> dict[str, NDArray]:
    """Stages by the calendar; at the end of each a two-sided t-test of the stage's ratings at 5 %: back when significantly worse, on
    otherwise. And what the same test would have claimed, looked at every day. In worlds of the same kind, with other seeds."""
    world = World(scenario, batch, seed, 15)
    ends = np.cumsum([stage.days for stage in CONFIG.stages[:-1]])
    found: dict[str, NDArray] = {
        "ramp_back": np.full(batch, np.inf), "ramp_exposed": np.zeros(batch), "row_better": np.zeros(batch, bool),
        "row_worse": np.zeros(batch, bool), "all_users": np.zeros(batch), "row_end_better": np.zeros(batch, bool),
    }  # fmt: skip
    everybody = np.zeros((batch, world.units), bool)
    for release in range(batch):
        world.enter(release, 1, CONFIG.stages[0].share)
    for day in range(1, int(ends[-1]) + 1):
        world.step()
        everybody |= world.sums["answers_n"] > 0
        for release in range(batch):
            _, t = world.rows_test(release)
            found["row_better"][release] |= t > norm.ppf(0.975)
            found["row_worse"][release] |= t < norm.ppf(0.025)
            if day in ends and not np.isfinite(found["ramp_back"][release]):
                if t < norm.ppf(0.025):
                    found["ramp_back"][release] = day
                    found["ramp_exposed"][release] = world.exposed[release].sum()
                found["row_end_better"][release] = t > norm.ppf(0.975)
            if day in ends[:-1]:  # the arms of the next stage
                stage = int(np.searchsorted(ends, day)) + 2
                world.enter(release, stage, CONFIG.stages[stage - 1].share)
    # who shipped it served everybody
    found["all_users"] = everybody.sum(axis=1).astype(float)
    shipped = ~np.isfinite(found["ramp_back"])
    found["ramp_exposed"][shipped] = found["all_users"][shipped]
    return found


def rouge(scenario: Scenario, count: int, seed: int, all_users: NDArray) -> dict[str, object]:
    """Offline, 300 test items. An adapter's true ROUGE-1 gain goes with its rating effect only loosely: a correlation over adapters
    whose effects have a standard deviation of 0.2 points and 0.02 of ROUGE-1. The measured gain has a standard error of 0.007."""
    rng = np.random.default_rng(seed)
    told: dict[str, object] = {}
    for correlation in (0.3, 0.6):
        loose = 0.02 * np.sqrt(1 - correlation**2) * rng.standard_normal(count)
        true = correlation * 0.02 * scenario.effect / 0.2 + loose
        promoted = true + 0.007 * rng.standard_normal(count) >= 0
        exposed = np.where(promoted, np.resize(all_users, count), 0.0)
        told[f"correlation {correlation}"] = {
            "reaches_all": share(promoted), "mean_exposed_users_in_14_days": round(float(exposed.mean()), 1),
            "median_exposed_when_promoted": round(float(np.median(all_users)), 1),
        }  # fmt: skip
    return told


def tell_ramp(arrays: dict[str, NDArray]) -> dict[str, object]:
    back = np.isfinite(arrays["ramp_back"])
    return {
        "reaches_all": share(~back), "shipped_as_better": share(~back & arrays["row_end_better"]),
        "median_days_to_fallback": median(arrays["ramp_back"][back]),
        "median_exposed_before_fallback": median(arrays["ramp_exposed"][back]),
        "median_exposed": median(arrays["ramp_exposed"]), "mean_exposed": round(float(arrays["ramp_exposed"].mean()), 1),
        "daily_row_test_ever_better": share(arrays["row_better"]), "daily_row_test_ever_worse": share(arrays["row_worse"]),
    }  # fmt: skip
