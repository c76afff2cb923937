"""The decision about a release: what sends it back, what a step up needs, and that everything says its configuration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.findings import ReleaseDecision, ReleaseFinding
from lyo_pipelines.rollout.observations import empty_arm
from lyo_pipelines_tests.rollout.observation_factory import CONFIG, arm, observation

ANSWERS = CONFIG.watch.close.answers


def found(decision: ReleaseDecision, rule: str) -> ReleaseFinding:
    return next(finding for finding in decision.reasons if finding.rule == rule)


def decided(candidate=None, current=None, **changed) -> ReleaseDecision:
    return decide_release(observation(candidate, current, **changed), CONFIG)


def test_as_good_as_the_current_adapter_with_evidence_and_time_served_goes_up():
    decision = decided()
    assert decision.action == "up"
    assert {finding.outcome for finding in decision.reasons} == {"clear"}
    assert (decision.rating, decision.superior) == ("not_worse", False)
    assert "25%" in decision.says


def test_better_is_said_when_it_is_shown():
    assert decided(arm(rating=4.6)).superior
    assert not decided(arm(rating=4.35)).superior


def test_time_that_is_not_served_holds_and_says_how_long():
    decision = decided(days=1.5)
    assert decision.action == "hold"
    assert [finding.rule for finding in decision.reasons if finding.outcome == "hold"] == ["up.time_served"]
    assert decision.until_known_days == pytest.approx(1.5)


def test_undecided_ratings_hold_and_say_when_it_will_be_known():
    decision = decided(arm(40, each=4, habit=0.6), arm(360, each=4, habit=0.6))
    assert decision.action == "hold"
    assert found(decision, "up.not_worse").outcome == "hold"
    assert decision.rating == "undecided"
    assert decision.until_known_days is not None
    assert 0 < decision.until_known_days < 30
    assert f"{decision.until_known_days:.1f} days" in decision.says


def test_exactly_at_the_margin_the_answer_is_not_in_sight_and_that_is_said():
    decision = decided(arm(rating=4.2))
    assert (decision.action, decision.until_known_days) == ("hold", None)
    assert "not in sight" in decision.says


def test_too_little_exposure_holds_whatever_the_ratings():
    decision = decided(arm(25, each=40, rating=4.9), arm(225, each=40))
    assert decision.action == "hold"
    assert found(decision, "up.exposure").outcome == "hold"
    assert "25 of 30 users" in decision.says


def test_lost_users_hold_and_waiting_does_not_help():
    decision = decided(arm(40, each=25), arm(900))
    assert decision.action == "hold"
    assert found(decision, "up.sample_ratio").outcome == "hold"
    assert decision.until_known_days is None
    assert "More days of the same will not change that" in decision.says


def test_ratings_down_by_more_than_the_owner_s_figure_fall_back_at_once_on_little_evidence():
    decision = decided(arm(12, each=4, rating=3.7), arm(108, each=4), days=0.2)
    assert decision.action == "fall_back"
    assert found(decision, "brake.rating_drop").outcome == "fire"
    assert found(decision, "brake.rating_drop").figures["limit"] == -0.3


def test_a_drop_beyond_the_margin_falls_back_when_it_is_shown_though_the_emergency_is_far():
    many, all_others = arm(400, each=20, rating=4.12, habit=0.2), arm(3_600, each=20, habit=0.2)
    decision = decided(many, all_others)
    assert decision.action == "fall_back"
    assert [f.rule for f in decision.reasons if f.outcome == "fire"] == ["brake.beyond_margin"]
    assert decision.rating == "worse"


def test_a_low_mean_of_a_handful_does_not_fall_back():
    decision = decided(arm(8, each=4, rating=3.9, habit=1.0), arm(72, each=4, habit=1.0), days=0.2)
    assert decision.action == "hold"
    assert found(decision, "brake.rating_drop").outcome == "hold"  # near, not shown
    assert decision.until_known_days is not None  # it may be chance: more ratings tell


@pytest.mark.parametrize("errors", [20, 30])
def test_errors_beyond_the_owner_s_figure_fall_back(errors):
    decision = decided(arm(errors=errors, each=2), arm(900, each=2, errors=18), days=0.3)
    assert decision.action == "fall_back"
    assert found(decision, "brake.errors").figures["errors"] == errors


def test_as_few_errors_as_the_current_adapter_has_never_fall_back():
    assert decided(arm(errors=10), arm(900, errors=90)).action == "up"


def test_errors_of_an_outage_that_hits_both_count_when_they_are_shown_to_lie_above_the_limit():
    decision = decided(arm(errors=100), arm(900, errors=900))
    assert decision.action == "fall_back"
    assert "whatever the current adapter does" in decision.says


def test_errors_half_way_to_the_limit_hold():
    decision = decided(arm(errors=32, each=10), arm(900, errors=270))
    assert found(decision, "brake.errors").outcome == "clear"
    near = decided(arm(errors=42, each=10), arm(900, errors=270))
    assert (near.action, found(near, "brake.errors").outcome) == ("hold", "hold")


def test_answers_that_take_twice_as_long_fall_back_and_half_way_there_hold():
    assert decided(arm(ms=4_000), days=0.3).action == "fall_back"
    near = decided(arm(ms=3_200))
    assert (near.action, found(near, "brake.response_time").outcome) == ("hold", "hold")
    assert (near.until_known_days, "More days of the same will not change that" in near.says) == (None, True)
    assert decided(arm(ms=2_600)).action == "up"


def test_before_the_minimum_no_brake_says_anything():
    awful = arm(9, each=5, rating=1.0, rated=0.6, errors=9, ms=60_000)
    assert awful.answers < ANSWERS
    decision = decided(awful, arm(90), days=0.1)
    assert decision.action == "hold"
    assert {f.outcome for f in decision.reasons if f.rule.startswith("brake.")} == {"unknown"}


def test_a_stage_that_is_watched_closely_acts_on_less():
    little = arm(12, each=8, ms=5_000), arm(36, each=8)
    assert decided(*little, stage=1, share=0.25, days=0.2).action == "fall_back"
    assert decided(*little, stage=2, days=0.2).action == "hold"


def test_the_last_stage_is_done_and_still_knows_the_absolute_limit():
    everybody = observation(arm(1_000), empty_arm(), stage=4, share=1.0)
    assert decide_release(everybody, CONFIG).action == "done"
    broken = replace(everybody, candidate=arm(1_000, errors=1_000))
    assert decide_release(broken, CONFIG).action == "fall_back"


def test_nobody_yet_is_no_evidence():
    decision = decided(empty_arm(), empty_arm(), days=0.0)
    assert (decision.action, decision.until_known_days) == ("hold", None)


def test_what_users_rated_before_decides_sooner():
    """The same stage with and without the past of users who differ a lot."""
    rng = np.random.default_rng(5)

    def made(users: int, *, known: bool):
        habit = rng.normal(0, 0.8, users)
        one = arm(users, each=4)
        past = np.full(users, 40) * known
        return replace(
            one,
            ratings_sum=4 * (4.3 + habit) + rng.normal(0, 1.6, users),
            pre_period_n=past,
            pre_period_sum=past * (4.3 + habit),
        )

    without, using = (decided(made(200, known=k), made(1_800, known=k)) for k in (False, True))
    wide, narrow = (found(d, "up.not_worse").figures for d in (without, using))
    assert wide["difference"] - wide["low"] > 1.2 * (narrow["difference"] - narrow["low"])


@settings(max_examples=60)
@given(
    st.floats(1, 5), st.integers(0, 60), st.floats(500, 9_000), st.integers(1, 120), st.integers(1, 8), st.integers(1, 4),
    st.floats(0, 20),
)  # fmt: skip
def test_every_decision_gives_its_figures_and_only_clear_findings_go_up(rating, errors, ms, users, each, stage, days):
    share = CONFIG.stage(stage).share
    current = arm(max(1, round(users * (1 - share) / share)), each=each)
    errors = min(errors, users * each)
    decision = decided(arm(users, each=each, rating=rating, errors=errors, ms=ms), current, stage=stage, days=days)
    assert all(finding.says and finding.figures for finding in decision.reasons)
    assert all(isinstance(v, int | float | str | None) for f in decision.reasons for v in f.figures.values())
    outcomes = {finding.outcome for finding in decision.reasons}
    assert (decision.action == "fall_back") == ("fire" in outcomes)
    if decision.action == "up":
        assert not outcomes & {"hold", "fire"}
        assert decision.rating == "not_worse"
        assert days >= CONFIG.stage(stage).days - 1e-9


@settings(max_examples=30)
@given(st.floats(3.0, 4.9), st.floats(0.0, 0.6))
def test_better_ratings_never_turn_a_step_up_into_a_fallback(rating, more):
    first, second = decided(arm(rating=rating)), decided(arm(rating=min(5.0, rating + more)))
    order = ["fall_back", "hold", "up"]
    assert order.index(second.action) >= order.index(first.action)
