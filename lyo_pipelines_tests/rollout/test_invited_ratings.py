"""Ratings of those whom chance invited, in both arms of a release: which comparison decides, and that nothing changes without them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.experiment import evaluate_experiment
from lyo_pipelines.rollout.invited_ratings import compare_ratings
from lyo_pipelines.rollout.observations import Arm
from lyo_pipelines_tests.rollout.observation_factory import CONFIG, arm, observation

INVITED = ("invited_n", "invited_rated_n", "invited_sum", "uninvited_n", "uninvited_rated_n", "uninvited_sum")


@cache
def asked_arm(
    users: int, *, effect: float = 0.0, unasked: tuple[float, float] = (0.15, 0.15), each: int = 30, invite: float = 0.1,
    seed: int = 1,
) -> Arm:  # fmt: skip
    """An arm whose contented and discontented users (ratings up to 3) rate these shares of their answers unasked."""
    rng = np.random.default_rng(seed)
    user = np.arange(users).repeat(each)
    latent = 4.2 + effect + rng.normal(0, 0.4, users)[user] + rng.normal(0, 0.9, user.size)
    rating = np.clip(np.round(latent), 1, 5)
    free = np.array(unasked)[(rating <= 3).astype(int)]
    invited = rng.random(user.size) < invite
    rated = rng.random(user.size) < np.where(invited, free + (1 - free) * 0.55, free)

    def by_user(values: np.ndarray) -> np.ndarray:
        return np.bincount(user, weights=values, minlength=users)

    sums = {
        "ratings_n": rated, "ratings_sum": rated * rating, "invited_n": invited, "invited_rated_n": invited & rated,
        "invited_sum": (invited & rated) * rating, "uninvited_n": ~invited, "uninvited_rated_n": ~invited & rated,
        "uninvited_sum": (~invited & rated) * rating,
    }  # fmt: skip
    return replace(arm(users, each=each), **{name: by_user(values) for name, values in sums.items()})


def unknown(told: Arm) -> Arm:
    """The same arm in a log that does not say who was invited."""
    return replace(told, **dict.fromkeys(INVITED, np.zeros(0)))


def found(candidate: Arm, current: Arm, rule: str):
    decision = decide_release(observation(candidate, current), CONFIG)
    return decision, next((finding for finding in decision.reasons if finding.rule == rule), None)


def test_where_nobody_was_invited_decisions_are_exactly_those_of_before():
    ours, base = asked_arm(100), asked_arm(900, seed=2)
    none = {name: np.zeros(900) for name in INVITED}
    before = decide_release(observation(unknown(ours), unknown(base)), CONFIG)
    for candidate, current in (
        (unknown(ours), replace(base, **none)),
        (ours, replace(base, **none)),
        (unknown(ours), base),
    ):
        seen = observation(candidate, current)
        assert decide_release(seen, CONFIG) == before
        assert compare_ratings(seen, CONFIG).evidence() == {}
        assert evaluate_experiment(seen, CONFIG) == evaluate_experiment(
            observation(unknown(ours), unknown(base)), CONFIG
        )


def test_more_discontented_volunteers_send_nothing_back_that_answers_as_well():
    ours, base = asked_arm(100, unasked=(0.15, 0.6)), asked_arm(900, seed=2)
    blind, _ = found(unknown(ours), unknown(base), "brake.rating_drop")
    assert blind.action == "fall_back"
    decision, brake = found(ours, base, "brake.rating_drop")
    assert decision.action == "hold"
    assert brake is not None and brake.figures["decides"] == "corrected"
    assert "rate unasked, against 15 %" in brake.says
    assert brake.figures["plain"] < -0.3 < brake.figures["corrected"]


def test_silent_discontented_users_let_no_harmful_candidate_climb():
    ours, base = asked_arm(400, effect=-0.35, unasked=(0.25, 0.02), each=60), asked_arm(1_200, each=60, seed=2)
    shown = ReleaseCase(observation(ours, base, stage=2), CONFIG)
    assert shown.ratings.plain.estimate > 0
    assert shown.rating.estimate == pytest.approx(-0.3, abs=0.15)
    blind = decide_release(observation(unknown(ours), unknown(base), stage=2), CONFIG)
    assert (blind.action, decide_release(shown.seen, CONFIG).action) in [("up", "fall_back"), ("up", "hold")]


def test_all_ratings_decide_while_few_were_invited_and_volunteers_are_alike():
    ours, base = asked_arm(100), asked_arm(900, seed=2)
    compared = compare_ratings(observation(ours, base), CONFIG)
    assert compared.choice.by == "plain"
    assert compared.deciding is compared.plain
    assert "no difference from them is shown" in compared.choice.why
    _, finding = found(ours, base, "up.not_worse")
    assert finding is not None and finding.says.endswith(f"({compared.choice.why})")


def test_the_invited_decide_once_they_are_as_exact_as_the_plan_asks_for():
    ours, base = asked_arm(1_500, each=40), asked_arm(1_500, each=40, seed=2)
    compared = compare_ratings(observation(ours, base, stage=3), CONFIG)
    assert compared.corrected is not None
    assert compared.corrected.standard_error < CONFIG.planned_errors.rating
    assert (compared.choice.by, compared.deciding) == ("corrected", compared.corrected)
    assert compared.deciding.ratio.n == ours.invited_rated
    assert all(low < high for low, high in zip(compared.lowest, compared.highest, strict=True))


def test_what_users_rated_before_narrows_the_corrected_comparison_without_moving_it():
    ours, base = asked_arm(300), asked_arm(900, seed=2)

    def with_past(told: Arm) -> Arm:
        level = told.ratings_sum / np.maximum(told.ratings_n, 1)
        return replace(
            told, pre_period_n=np.full(told.users, 20), pre_period_sum=20 * np.where(told.ratings_n > 0, level, 4.2)
        )

    plain, adjusted = (
        compare_ratings(observation(*arms), CONFIG).corrected
        for arms in ((ours, base), (with_past(ours), with_past(base)))
    )
    assert plain is not None and adjusted is not None
    assert adjusted.standard_error < plain.standard_error
    assert adjusted.estimate == pytest.approx(plain.estimate, abs=2 * plain.standard_error)


def test_invitations_that_move_nobody_leave_the_decision_to_all_ratings():
    quiet = replace(
        asked_arm(100), invited_rated_n=np.zeros(100), invited_sum=np.zeros(100)
    )  # fmt: skip
    compared = compare_ratings(observation(quiet, asked_arm(900, seed=2)), CONFIG)
    assert (compared.choice.by, compared.deciding) == ("plain", compared.plain)
    assert "not moved enough" in compared.choice.why
