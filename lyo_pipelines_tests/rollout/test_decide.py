"""The decision about a release: what sends it back, what a step up needs, and that everything says its configuration."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.findings import ReleaseDecision, ReleaseFinding
from lyo_pipelines.rollout.observations import Arm, Attribution, empty_arm
from lyo_pipelines_tests.hypothesis_profile import draws
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


@pytest.mark.parametrize(("days_ago", "action"), [(0, "up"), (1, "up"), (2, "up"), (3, "hold"), (9, "hold")])
def test_days_of_which_nobody_reports_are_no_time_served(days_ago, action):
    seen = observation(arm(100, rating=4.35), days=12)
    decision = decide_release(replace(seen, last_day=seen.now.date() - timedelta(days=days_ago)), CONFIG)
    assert decision.action == action
    assert ("no answer of this release has arrived" in decision.says) == (action == "hold")


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
    slower = decided(arm(ms=2_600))
    assert (slower.action, found(slower, "brake.response_time").outcome) == ("hold", "clear")


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


@settings(max_examples=draws(60))
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


@settings(max_examples=draws(30))
@given(st.floats(3.0, 4.9), st.floats(0.0, 0.6))
def test_better_ratings_never_turn_a_step_up_into_a_fallback(rating, more):
    first, second = decided(arm(rating=rating)), decided(arm(rating=min(5.0, rating + more)))
    order = ["fall_back", "hold", "up"]
    assert order.index(second.action) >= order.index(first.action)


# -- zero variance -------------------------------------------------------------------------------------------------
def alike(users: int, rating: float, *, each: int = 6, ms: float = 2_000) -> Arm:
    return arm(users, each=each, rating=rating, habit=0.0, ms=ms)


def test_ratings_that_are_all_the_best_in_both_arms_go_up_after_enough_of_them():
    assert decided(alike(120, 5), alike(1_080, 5)).action == "up"
    assert decided(alike(12, 5, each=40), alike(108, 5, each=40)).action == "hold"


@pytest.mark.parametrize(("ours", "theirs"), [(1, 5), (4, 5), (1, 2)])
def test_ratings_that_are_all_worse_fall_back_though_nothing_varies(ours, theirs):
    decision = decided(alike(60, ours), alike(540, theirs))
    assert decision.action == "fall_back"
    assert found(decision, "brake.rating_drop").outcome == "fire"


def test_a_handful_who_are_all_alike_are_no_proof():
    decision = decided(alike(4, 1, each=30), alike(36, 5, each=30), days=0.2)
    assert (decision.action, found(decision, "brake.rating_drop").outcome) == ("hold", "unknown")


def test_times_that_never_vary_are_compared_all_the_same():
    assert decided(alike(60, 4, ms=7_000), alike(540, 4, ms=1_000)).action == "fall_back"


@settings(max_examples=draws(60))
@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 12), st.floats(1, 5), st.floats(1, 5))
def test_what_is_said_to_be_missing_is_missing(users, others, each, rating, current):
    """No sentence may say "1,000 of 30": the first number is always the smaller one."""
    base = alike(others, current, each=each) if others else empty_arm()
    decision = decided(alike(users, rating, each=each), base, days=0.5)
    for finding in decision.reasons:
        if finding.outcome == "unknown":
            for have, need in re.findall(r"([\d,]+) of ([\d,]+) [ura]", finding.says):
                assert int(have.replace(",", "")) < int(need.replace(",", "")), finding.says


# -- success metrics -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cultural": 90}, "cultural complaints in 9.0 % of answers against 1.0 %"),
        ({"retries": 300}, "retries in 30.0 % of answers against 10.0 %"),
        ({"ms": 2_600}, "response time 1.30 times"),
    ],
)
def test_a_success_metric_that_is_shown_to_be_worse_holds_the_step(changed, words):
    decision = decided(arm(**{"retries": 100, "cultural": 10} | changed), arm(900, retries=900, cultural=90), days=4)
    assert (decision.action, found(decision, "up.success_metrics").outcome) == ("hold", "hold")
    assert words in found(decision, "up.success_metrics").says
    assert "More days of the same will not change that" in decision.says


def test_a_few_hundredths_more_time_hold_nobody():
    assert decided(arm(ms=2_040, habit=0.05), arm(900, habit=0.05)).action == "up"


def test_one_user_who_complains_of_everything_is_no_success_metric():
    ours = arm(cultural=10)
    complaints = ours.cultural_n.copy()
    complaints[0], answers = 400, ours.answers_n.copy()
    answers[0] = 400
    decision = decided(replace(ours, cultural_n=complaints, answers_n=answers), arm(900, cultural=90))
    assert found(decision, "up.success_metrics").outcome == "clear"


# -- what rows do not say --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Attribution(armless=30, names=(("b", 30),)), "30 answers of the candidate's version carry no known arm (unknown"),
        (Attribution(names=(("control", 800),)), "rows carry no known arm"),
        (Attribution(versionless=25), "25 answers in the candidate's arm name no adapter"),
        (Attribution(mismatched=40, fallbacks=40), "a machine may not load it"),
        (Attribution(mismatched=40), "a gateway's file may be out of date"),
        (Attribution(orphans=60, rows=10_000), "60 failures name neither arm nor adapter"),
        (Attribution(orphans=160, rows=10_000, orphans_before=200, rows_before=20_000), "160 failures"),
    ],
)  # fmt: skip
def test_rows_that_do_not_say_whose_they_are_hold_and_are_told(told, words):
    decision = decided(attribution=told)
    assert decision.action == "hold"
    assert words in found(decision, "up.attribution").says
    assert "More days of the same will not change that" in decision.says


@pytest.mark.parametrize(
    "told",
    [
        Attribution(armless=5, versionless=5, mismatched=5, fallbacks=3, names=(("x", 5),)),
        Attribution(orphans=3, rows=10_000),
        Attribution(orphans=100, rows=10_000, orphans_before=220, rows_before=20_000),
    ],
)
def test_a_few_rows_without_names_or_as_many_failures_as_ever_hold_nobody(told):
    assert decided(attribution=told).action == "up"


def test_a_machine_that_cannot_load_the_candidate_holds_and_one_user_beside_the_gateway_does_not():
    ours = arm()
    elsewhere = np.full(100, 4)
    assert found(decided(replace(ours, elsewhere_n=elsewhere)), "up.attribution").outcome == "hold"
    one = np.zeros(100, np.int64)
    one[17] = 300
    assert found(decided(replace(ours, elsewhere_n=one)), "up.attribution").outcome == "clear"
    both = decided(replace(ours, elsewhere_n=elsewhere), replace(arm(900), elsewhere_n=np.full(900, 4)))
    assert found(both, "up.attribution").outcome == "clear", "an application beside the gateway meets both arms"


# -- forecasts -----------------------------------------------------------------------------------------------------
def test_when_it_will_be_known_is_not_in_sight_where_one_user_wrote_nearly_everything():
    ours = arm(100, rating=4.3)
    n, total = ours.ratings_n.copy(), ours.ratings_sum.copy()
    n[0], total[0] = 3_000, 3_000 * 3.0
    decision = decided(replace(ours, ratings_n=n, ratings_sum=total), days=4)
    assert (decision.action, decision.until_known_days) == ("hold", None)
    assert "not in sight" in decision.says
    assert "how far below is not known yet" in found(decision, "up.not_worse").says
