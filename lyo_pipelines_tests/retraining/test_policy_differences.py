"""Launches of two policies side by side: which belong together, and that none is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.retraining.backtest import BacktestStep
from lyo_pipelines.retraining.policy_differences import policy_difference
from lyo_pipelines_tests.retraining.health_histories import MATH, PHYSICS, day_of, launched, of


def test_launches_by_the_same_rule_belong_together_before_nearer_ones_by_another() -> None:
    a = of(launched(20, "volume.minimum#1"))
    b = of(launched(10, "volume.minimum#1"), launched(22, "volume.refresh:x#1"))
    found = policy_difference(a, b)
    assert [(shift.days, shift.b.day) for shift in found.shifted] == [(-10, day_of(10))]
    assert [step.day for step in found.only_b] == [day_of(22)]


def test_launches_weeks_apart_are_two_launches() -> None:
    found = policy_difference(of(launched(1, "volume.minimum#1")), of(launched(30, "volume.minimum#1")))
    assert (len(found.shifted), len(found.only_a), len(found.only_b)) == (0, 1, 1)


def test_the_same_day_for_other_kinds_of_causes_is_a_difference() -> None:
    found = policy_difference(of(launched(1, "volume.minimum#1")), of(launched(1, "quality.relevance#1")))
    assert [shift.days for shift in found.shifted] == [0]
    assert found.same == 0


CAUSES = st.sampled_from(["volume.minimum#1", "quality.relevance#1"])
STEP = st.builds(launched, st.integers(0, 50), CAUSES, segment=st.sampled_from([MATH, PHYSICS]))
STEPS = st.lists(STEP, unique_by=lambda step: (step.segment, step.day), max_size=8)


@given(a=STEPS, b=STEPS)
def test_every_launch_of_both_policies_is_told_once(a: list[BacktestStep], b: list[BacktestStep]) -> None:
    found = policy_difference(of(*a), of(*b))
    assert found.same + len(found.shifted) + len(found.only_a) == len(a)
    assert found.same + len(found.shifted) + len(found.only_b) == len(b)
    back = policy_difference(of(*b), of(*a))
    assert (back.same, len(back.shifted), len(back.only_a)) == (found.same, len(found.shifted), len(found.only_b))
