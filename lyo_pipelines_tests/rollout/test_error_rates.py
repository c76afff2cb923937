"""Failures with users as the unit: one client neither trips the brake nor blinds it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.error_rates import ErrorRates, Failures, error_rates
from lyo_pipelines.rollout.findings import ReleaseFinding
from lyo_pipelines.rollout.observations import Arm
from lyo_pipelines_tests.rollout.observation_factory import CONFIG, observation

ZERO = np.zeros(0, np.int64)


def failures(*pairs: tuple[int, int], nobody: bool = False) -> Failures:
    events, trials = (
        (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True)) if pairs else (ZERO, ZERO)
    )
    return Failures(events, trials, nobody)


def traffic(rng: np.random.Generator, users: int, share: float, *, broken: int = 0, asked: int = 180) -> Arm:
    """An arm whose answers fail with this probability, and in which the first `broken` clients always fail."""
    n = rng.poisson(10, users) + 1
    events = rng.binomial(n, share)
    n[:broken] = events[:broken] = asked
    answered = n - events
    rated, none = rng.binomial(answered, 0.3), np.zeros(users, np.int64)
    total = rated * 4.3 + rng.normal(0, 0.8, users) * np.sqrt(rated)
    times = answered * 7.5 + rng.normal(0, 0.3, users)
    return Arm(users, int(n.sum()), rated, total, n, events, none, none, answered, times, none, np.zeros(users))


def brake(ours: Arm, base: Arm, stage: int = 1) -> ReleaseFinding:
    seen = observation(ours, base, stage=stage, share=CONFIG.stage(stage).share)
    return next(one for one in decide_release(seen, CONFIG).reasons if one.rule == "brake.errors")


@pytest.mark.parametrize(("stage", "users", "most"), [(1, 100, 0.05), (2, 250, 0.01), (3, 500, 0.01)])
@pytest.mark.parametrize("broken", [1, 2])
def test_broken_clients_send_equal_adapters_back_no_oftener_than_promised(stage, users, most, broken):
    rng = np.random.default_rng(stage)
    fired = [
        brake(traffic(rng, users, 0.01, broken=broken), traffic(rng, 1000 - users, 0.01), stage).outcome == "fire"
        for _ in range(200)
    ]
    assert np.mean(fired) <= most


def test_one_broken_client_does_not_hold_a_step_either_and_is_told():
    rng = np.random.default_rng(3)
    found = brake(traffic(rng, 100, 0.01, broken=1), traffic(rng, 900, 0.01))
    assert found.outcome == "clear"
    assert "without the one user who failed most often" in found.says


def test_a_broken_client_among_few_users_is_no_evidence():
    rng = np.random.default_rng(4)
    assert brake(traffic(rng, 1, 0.0, broken=1, asked=60), traffic(rng, 30, 0.01)).outcome != "fire"
    assert brake(traffic(rng, 9, 0.01, broken=1, asked=60), traffic(rng, 90, 0.01)).outcome != "fire"


@pytest.mark.parametrize("broken", [0, 1])
def test_a_broken_client_in_the_other_arm_does_not_blind_the_brake(broken):
    rng = np.random.default_rng(5)
    fired = [
        brake(traffic(rng, 100, 0.08), traffic(rng, 900, 0.01, broken=broken)).outcome == "fire" for _ in range(50)
    ]
    assert all(fired)


def test_a_candidate_that_never_answers_falls_back_though_nothing_of_the_other_arm_is_known():
    rng = np.random.default_rng(6)
    found = brake(traffic(rng, 60, 1.0), traffic(rng, 0, 0.0))
    assert (found.outcome, "whatever the current adapter does" in found.says) == ("fire", True)


def test_failures_of_rows_without_a_user_hold_and_are_nobody_s_broken_client():
    rng = np.random.default_rng(7)
    ours = traffic(rng, 100, 0.01, broken=1)
    lost = Arm(**{**vars(ours), "nobody": True})
    assert brake(lost, traffic(rng, 900, 0.01)).outcome == "hold"


def test_failures_that_name_nothing_count_beside_those_that_name_an_arm():
    rng = np.random.default_rng(8)
    ours, base = traffic(rng, 100, 0.0), traffic(rng, 900, 0.01)
    lost = rng.binomial(8, 0.5, 100)
    failing = Arm(**{**vars(ours), "unnamed_n": lost, "unnamed_errors_n": lost})
    assert brake(ours, base).outcome == "clear"
    found = brake(failing, base)
    assert (found.outcome, found.figures["unnamed"]) == ("fire", int(lost.sum()))


def test_traffic_beside_the_gateway_that_fails_alike_in_both_arms_sends_nobody_back():
    rng = np.random.default_rng(9)

    def beside(arm: Arm) -> Arm:
        rows = rng.poisson(90, arm.users)
        return Arm(**{**vars(arm), "unnamed_n": rows, "unnamed_errors_n": rng.binomial(rows, 0.015)})

    found = [brake(beside(traffic(rng, 100, 0.01)), beside(traffic(rng, 900, 0.01))).outcome for _ in range(50)]
    assert set(found) == {"clear"}


def test_failing_behind_much_traffic_that_names_nothing_is_seen_all_the_same():
    rng = np.random.default_rng(10)
    rows = rng.poisson(90, 100)
    diluted = Arm(**{**vars(traffic(rng, 100, 0.2)), "unnamed_n": rows, "unnamed_errors_n": rng.binomial(rows, 0.01)})
    assert brake(diluted, traffic(rng, 900, 0.01)).outcome == "fire"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12), st.booleans())
def test_without_the_worst_the_share_is_never_higher(pairs, nobody):
    found = failures(*((min(pair), max(pair)) for pair in pairs), nobody=nobody)
    rest = found.without_worst()
    assert rest.n == 0 or rest.share <= found.share + 1e-12
    tempered = found.tempered()
    assert tempered.n == 0 or tempered.share <= found.share + 1e-12
    assert tempered.count <= found.count
    assert tempered.n - tempered.count == found.n - found.count, "answers that came stay"
    if nobody and found.n and len(pairs) > 1:
        kept = found.without_worst(known=True)
        assert (kept.nobody, kept.events[0], len(kept.events)) == (True, found.events[0], len(pairs) - 1)


def test_nothing_seen_is_no_evidence():
    empty = ErrorRates(failures(), failures())
    assert (empty.p_value, empty.dispersion) == (1.0, 1.0)
    assert empty.bounds(0.95, 0.01).low == -np.inf
    rng = np.random.default_rng(0)
    assert len(error_rates(traffic(rng, 10, 0.1), traffic(rng, 90, 0.1))) == 1


def test_one_user_who_asks_most_and_fails_as_often_as_all_keeps_his_failures():
    found = failures((50, 1_000), *[(1, 20)] * 100)
    assert found.tempered().count == found.count
    assert failures((180, 180), *[(1, 20)] * 100).tempered().count == 100 + 9, (
        "the usual 5 % of 180 attempts, not all of them"
    )
    assert failures((180, 180), (90, 90), *[(1, 20)] * 100).tempered().count == 100 + 9 + 5
    assert failures((60, 60), (9, 9)).tempered().count == 0, "two users are no share of users"
