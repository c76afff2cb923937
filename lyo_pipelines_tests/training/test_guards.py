"""The guards of a training by rewards: each trips where it should and nowhere else, by the figures of one validation alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lyo_pipelines.training.guards import Validation, held_against_start, rows_of, tripped
from lyo_pipelines.training.recipes import Reinforcement

N = 60
GROUPS = [f"g{at // 2}" for at in range(N)]
RULE = Reinforcement(max_kl=0.5, max_length_ratio=1.5)


def validation(
    reward: float, judge: float, *, length: float = 80, kl: float = 0.1, n: int = N, seed: int = 1
) -> Validation:
    """Answers of which shares are rewarded and judged well."""
    rng = np.random.default_rng(seed)

    def share(value: float) -> NDArray[np.float64]:
        return (rng.permutation(n) < round(value * n)).astype(np.float64)

    return Validation(share(reward), {"other": share(judge)}, np.full(n, length), 0.0, kl)


def why(now: Validation, start: Validation, rule: Reinforcement = RULE, groups: list[str] = GROUPS) -> list[str]:
    return tripped(held_against_start(now, start, groups, rule, seed=7), rule)


START = validation(0.2, 0.5)


def test_a_reward_that_rises_while_a_judge_falls_ends_the_training() -> None:
    (said,) = why(validation(0.8, 0.1), START)
    assert "the reward rose by +0.600 while the judge other, which it does not see, fell by -0.400 [" in said


@pytest.mark.parametrize(
    ("reward", "judge"), [(0.8, 0.6), (0.8, 0.5), (0.2, 0.1), (0.1, 0.1)], ids=["both", "level", "no_gain", "worse"]
)
def test_a_judge_that_does_not_fall_or_a_reward_that_does_not_rise_ends_nothing(reward: float, judge: float) -> None:
    assert why(validation(reward, judge), START) == []


def test_too_few_questions_show_nothing_and_the_tolerance_counts() -> None:
    assert why(validation(0.9, 0.3, n=6), validation(0.5, 0.5, n=6), groups=GROUPS[:6]) == []
    assert why(validation(0.8, 0.1), START, RULE.model_copy(update={"judge_tolerance": 0.9})) == []


def test_answers_that_only_grow_and_a_model_that_goes_far_away_end_the_training() -> None:
    (longer,) = why(validation(0.3, 0.5, length=130), START)
    assert "grew from 80 to 130 tokens" in longer
    (far,) = why(validation(0.3, 0.5, kl=0.51), START)
    assert "0.51 nats per token away from its start (reinforcement.max_kl 0.5)" in far


@given(st.integers(0, 2**31), st.floats(0, 1), st.floats(0, 1))
def test_a_model_held_against_itself_never_trips(seed: int, reward: float, judge: float) -> None:
    one = validation(reward, judge, kl=0.0, seed=seed)
    assert why(one, one) == []


def test_a_judge_that_cannot_say_is_left_out_question_by_question() -> None:
    start, now = validation(0.2, 0.5), validation(0.8, 0.5)
    now.judges["other"][:20] = np.nan
    reward, other = rows_of(held_against_start(now, start, GROUPS, RULE, seed=7))
    assert (reward.rewarded, reward.n, other.rewarded, other.n) == (True, N, False, N - 20)
    assert reward.ci_low is not None and reward.ci_high is not None
    assert reward.ci_low <= reward.change <= reward.ci_high
    silent = Validation(now.reward, {"other": np.full(N, np.nan)}, now.lengths, 0.0, 0.0)
    assert [row.name for row in rows_of(held_against_start(silent, start, GROUPS, RULE, seed=7))] == ["reward"]
