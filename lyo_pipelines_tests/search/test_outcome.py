"""The best of many trials is held against its number, and the page of a search says what it came to."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("optuna", reason="the extra `search` is not installed")

from lyo_pipelines.search.budget import spent_on
from lyo_pipelines.search.outcome import compare_trials, result_of
from lyo_pipelines.search.plots import draw_history, draw_importance
from lyo_pipelines.search.record import TrialRecord
from lyo_pipelines.search.sampling import importance_of
from lyo_pipelines_tests.search.made import search_config


def trials(count: int, best: float = 0.9) -> list[TrialRecord]:
    losses = [1.0, best, *np.linspace(1.0, 1.5, count - 2)]
    return [
        TrialRecord(
            number=number, state="complete", loss=float(loss), tokens=10, seconds=1.0,
            figures={"optimizer.learning_rate": 1e-4 * (1 + loss), "optimizer.warmup_ratio": 0.03, "lora.r": 16, "lora.dropout": 0.1},
        )
        for number, loss in enumerate(losses)
    ]  # fmt: skip


def measured(gain: float, n: int = 60) -> dict[str, list]:
    rng = np.random.default_rng(3)
    own = rng.normal(1.0, 0.2, n)
    best = own - rng.normal(gain, 0.1, n)
    tokens = rng.integers(5, 40, n)
    losses = [(best * tokens).tolist(), (own * tokens).tolist()]
    return {"tokens": tokens.tolist(), "group_id": [f"g{i // 2}" for i in range(n)], "losses": losses}


def told(records, comparison=None):
    return result_of(
        records, segment="tutoring.en.math", fingerprint="feed", recipe="owner", why_ended="all its trials have run",
        spent=spent_on(records, 0.0), currency="", comparison=comparison, importance={},
    )  # fmt: skip


def test_a_clear_gain_is_better_and_a_lucky_one_is_not_shown_to_be():
    records = trials(12)
    clear, lucky = (compare_trials(measured(gain), records, search_config()) for gain in (0.1, 0.024))
    assert clear.verdict == "better"
    assert told(records, clear).is_better
    assert lucky.verdict == "cannot_tell"
    assert "not shown to be better" in told(records, lucky).says


def test_the_more_trials_the_wider_the_interval():
    few, many = (compare_trials(measured(0.03), trials(count), search_config()) for count in (3, 40))
    assert (few.of, many.of) == (2, 39)
    assert many.ci_low < few.ci_low < few.ci_high < many.ci_high
    assert many.p_adjusted >= few.p_adjusted


def test_where_no_trial_was_better_the_result_says_so():
    result = told(trials(4, best=1.2))
    assert result.best == 0
    assert "No trial was better" in result.says
    assert "nothing can be compared" in told([TrialRecord(number=0, figures={}, state="unfinished")]).says


def test_pictures_are_small_and_importance_needs_enough_trials():
    records = trials(10)
    assert importance_of(search_config(), records[:4]) == {}
    importance = importance_of(search_config(), records)
    assert next(iter(importance)) == "optimizer.learning_rate"
    for png in (draw_history(records, "best: trial 1"), draw_importance(importance)):
        assert png.startswith(b"\x89PNG")
        assert len(png) < 30_000
