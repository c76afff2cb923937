"""Proportions are judged with chance allowed for: no alarm for small or lumpy strata, one for a wrong draw."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.proportions import split_proportions
from lyo_pipelines_tests.dataset.example_lake import CONFIG


def check(split: np.ndarray, groups: np.ndarray | None = None, strata: list[str] | None = None) -> DatasetCheckResult:
    groups = np.arange(len(split)) if groups is None else groups
    return split_proportions(
        pa.array(strata or ["all of it"] * len(split)), pa.array(groups.astype(str)), split.astype(np.int8), CONFIG
    )


@pytest.mark.parametrize(("n", "strata"), [(30, 1), (90, 3), (400, 1), (3000, 5)])
def test_false_alarms_are_as_rare_as_configured(n: int, strata: int):
    rng = np.random.default_rng(3)
    outcomes = [
        check(rng.choice(3, n, p=[0.8, 0.1, 0.1]), strata=[f"s{i}" for i in rng.integers(0, strata, n)])
        for _ in range(200)
    ]
    assert sum(not outcome.passed for outcome in outcomes) <= 6  # alpha 0.01 of 200, plus chance
    assert not any(outcome.blocking for outcome in outcomes)


def test_a_wrong_draw_raises_one_and_names_the_stratum():
    split = np.concatenate([np.tile([0] * 8 + [1, 2], 50), np.repeat(2, 60)])
    outcome = check(split, strata=["good"] * 500 + ["bad"] * 60)
    assert not outcome.passed
    assert {"stratum": "bad", "split": "test"}.items() <= next(
        item for item in outcome.details["outside"] if item["stratum"] == "bad" and item["split"] == "test"
    ).items()
    assert "outside the tolerance" in outcome.message


def test_a_few_lumpy_groups_are_not_judged():
    groups = np.repeat(np.arange(6), 100)
    assert check(np.repeat([0, 0, 0, 0, 2, 2], 100), groups).details["judged"] == 0
