"""Business measures by user: what is counted, what cannot be known yet, and what they do to a release only where it is configured."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from lyo_pipelines.config.loading import ConfigError, lay_over
from lyo_pipelines.config.rollout import BusinessMeasure, RolloutConfig
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.registry.log import read_release
from lyo_pipelines.rollout.attribution import with_places
from lyo_pipelines.rollout.business import arms_of_users, measured
from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.experiment import evaluate_experiment
from lyo_pipelines.rollout.monitor import decision_evidence, judge_release
from lyo_pipelines.rollout.observations import BusinessSums
from lyo_pipelines.rollout.routing import current_routing
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.sample.traffic import Traffic
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, START
from lyo_pipelines_tests.rollout.adapter_factory import GATES, interactions, ready, routed
from lyo_pipelines_tests.rollout.observation_factory import CONFIG, observation

BEGAN = datetime(2026, 11, 2, 8, tzinfo=UTC)
TYPES = {
    "user_pseudonym": pl.String, "occurred_at": pl.Datetime("us", "UTC"), "experiment_arm": pl.String, "adapter_version": pl.String,
    "metadata": pl.String,
}  # fmt: skip


def config(**measures: dict[str, Any]) -> RolloutConfig:
    values = CONFIG.model_dump()
    values["business"]["measures"] = measures
    return RolloutConfig.model_validate(values)


def row(user: str, hours: float, arm: str = "candidate", **metadata: Any) -> dict[str, Any]:
    return {
        "user_pseudonym": user, "occurred_at": BEGAN + timedelta(hours=hours), "experiment_arm": arm,
        "adapter_version": "v2" if arm == "candidate" else "v1", "metadata": json.dumps(metadata) if metadata else None,
    }  # fmt: skip


def look(name: BusinessMeasure, rows: list[dict[str, Any]], *, days: float) -> tuple[dict[str, tuple[float, int]], int]:
    """User -> (total, n), and how many wait."""
    frame = pl.DataFrame(rows, schema=TYPES)
    placed = with_places(frame, "v2")
    arms = arms_of_users(placed)
    mine = placed.join(arms.select("user_pseudonym", "arm"), on="user_pseudonym").filter(
        pl.col("place") == pl.col("arm")
    )
    settings = config(**{name: {"use": "told"}}).business
    found, waiting = measured(
        name, mine, frame.join(arms, on="user_pseudonym"), arms, settings, now=BEGAN + timedelta(days=days)
    )
    return {user: (total, n) for user, total, n in found.select("user_pseudonym", "total", "n").iter_rows()}, waiting


def test_who_has_not_had_seven_days_is_left_out_even_where_he_came_back():
    rows = [
        row("back", 0), row("back", 30), row("gone", 1), row("late", 0), row("late", 24 * 8),
        row("same sitting", 2), row("same sitting", 3), row("new", 24 * 6), row("new", 24 * 7),
    ]  # fmt: skip
    assert look("return_rate", rows, days=9) == (
        {"back": (1, 1), "gone": (0, 1), "late": (0, 1), "same sitting": (0, 1)},
        1,
    )
    assert look("return_rate", rows, days=6.9) == ({}, 5)


def test_a_session_ends_with_a_pause_and_one_that_may_go_on_has_no_length():
    rows = [row("a", 0), row("a", 0.25), row("a", 0.5), row("a", 5), row("a", 5.2), row("b", 0)]
    # a: half an hour and twelve minutes, of which the second may go on; b: one question
    assert look("session_minutes", rows, days=5.3 / 24) == ({"a": (30, 1), "b": (0, 1)}, 1)
    assert look("session_minutes", rows, days=1)[0]["a"] == (pytest.approx(42), 2)


def test_what_metadata_does_not_say_is_not_counted_as_no():
    rows = [
        row("a", 0, task_completed=True), row("a", 1, task_completed=False), row("a", 2), row("b", 0),
        row("c", 0, arm="current", task_completed=1),
    ]  # fmt: skip
    assert look("task_completion", rows, days=1) == ({"a": (1, 2), "c": (1, 1)}, 0)
    assert look("support_contacts", rows, days=1) == ({}, 0)
    tokens = [
        row("a", 0, completion_tokens=100),
        row("a", 1, completion_tokens=0),
        row("b", 0, completion_tokens="many"),
    ]
    assert look("tokens_per_answer", tokens, days=1) == ({"a": (pytest.approx(np.log(100)), 1)}, 0)


def test_yes_and_no_are_read_in_words_and_counts_and_what_is_no_number_counts_nothing():
    said = {"yes": "Yes", "two": 2, "none": "0", "no": "No", "odd": "perhaps", "below": -1, "nan": "NaN", "huge": "inf"}
    rows = [row(name, 0, support_contact=value, completion_tokens=value) for name, value in said.items()]
    assert look("support_contacts", rows, days=1)[0] == {"yes": (1, 1), "two": (1, 1), "none": (0, 1), "no": (0, 1)}
    assert look("tokens_per_answer", rows, days=1)[0] == {"two": (pytest.approx(np.log(2)), 1)}


def test_a_user_of_both_arms_is_in_none():
    rows = [row("both", 0), row("both", 1, arm="current"), row("one", 0)]
    assert look("session_minutes", rows, days=1)[0].keys() == {"one"}


def sums(ours: float, base: float, users: int = 400, n: float = 5.0, spread: float = 0.0) -> BusinessSums:
    """Both arms' users, all of whom have the value but for a habit."""
    sway = np.resize([-spread, spread], users)
    each = np.full(users, n)
    return BusinessSums(each * (ours + sway), each, each * (base + sway), each, waiting=3)


def seen(name: BusinessMeasure, found: BusinessSums):
    return observation(business={name: found}, days=14)


TOKENS: BusinessMeasure = "tokens_per_answer"


def test_without_a_measure_nothing_is_asked():
    assert CONFIG.business.measures == {}
    assert len(evaluate_experiment(observation(), CONFIG).metrics) == 4


def test_a_third_fewer_tokens_are_shown_as_a_factor_with_its_interval():
    found = evaluate_experiment(
        seen(TOKENS, sums(np.log(130), np.log(200), spread=0.3)), config(tokens_per_answer={"use": "success"})
    )
    one = found.metrics[-1]
    assert (one.name, one.verdict, one.waiting, one.use) == (TOKENS, "better", 3, "success")
    assert one.low < one.estimate == pytest.approx(0.65) and one.high < 0.75
    assert found.winner == "candidate"


def test_what_is_only_told_decides_nothing():
    told, success = (config(tokens_per_answer={"use": use}) for use in ("told", "success"))
    worse = seen(TOKENS, sums(np.log(300), np.log(200), spread=0.3))
    assert evaluate_experiment(worse, told).winner is None
    assert evaluate_experiment(worse, success).winner == "current"
    decision = decide_release(worse, success)
    says = next(one.says for one in decision.reasons if one.rule == "up.success_metrics")
    assert decision.action == "hold" and "tokens per answer 1.50 times" in says
    assert decide_release(worse, told).action == "up"


@pytest.mark.parametrize(("ours", "outcome", "action"), [(0.20, "fire", "fall_back"), (0.05, "clear", "up")])
def test_a_guardrail_sends_back_what_is_shown_to_be_worse(ours, outcome, action):
    settings = config(support_contacts={"use": "guardrail", "limit": 0.1})
    decision = decide_release(seen("support_contacts", sums(ours, 0.05, spread=0.04)), settings)
    finding = next(one for one in decision.reasons if one.rule == "brake.support_contacts")
    assert (finding.outcome, decision.action) == (outcome, action)
    assert finding.figures["limit"] == 0.1


def test_a_guardrail_with_a_handful_of_users_says_what_it_needs():
    settings = config(support_contacts={"use": "guardrail", "limit": 0.1})
    decision = decide_release(seen("support_contacts", sums(0.9, 0.05, users=4)), settings)
    assert next(one.outcome for one in decision.reasons if one.rule == "brake.support_contacts") == "unknown"


@pytest.mark.parametrize(
    ("measures", "words"),
    [
        ({"session_minutes": {"use": "success"}}, "say whether"),
        ({"return_rate": {"use": "guardrail"}}, "needs a `limit`"),
        ({"return_rate": {"use": "told", "limit": 0.1}}, "nothing else has one"),
        ({"happiness": {"use": "told"}}, "happiness"),
        ({"support_contacts": {"use": "guardrail", "limit": 2}}, "two points are 0.02"),
        ({"tokens_per_answer": {"use": "guardrail", "limit": 0.3}}, "a factor above 1"),
    ],
)
def test_a_measure_that_cannot_be_judged_is_refused(measures, words):
    with pytest.raises(ValidationError, match=words):
        config(**measures)


def test_a_time_away_that_leaves_none_to_return_is_refused():
    with pytest.raises(ConfigError, match="nobody could return"):
        lay_over({"rollout": {"business": {"away_hours": 200}}})


def test_a_release_in_a_lake_is_looked_at_with_the_measures_that_are_configured(tmp_path):
    lake, everything = Lake(str(tmp_path)), lay_over(yaml.safe_load(GATES))
    ready(lake)
    start_release(lake, SEGMENT, everything.evaluation, everything.rollout, who=PERSON, reason="to try it", now=START)
    day, traffic = START + timedelta(days=1), Traffic(SEGMENT, users=200)
    rows = traffic.day(day.date(), routed(lake), questions=600)
    for one in rows:
        tokens = 100 if one["experiment_arm"] == "candidate" else 150
        one["metadata"] = json.dumps({"completion_tokens": tokens})
    interactions(lake, rows)
    release, routing, evening = read_release(lake, SEGMENT), current_routing(lake), day.replace(hour=23, minute=59)
    plain = judge_release(lake, release, routing, everything.rollout, now=evening)
    assert plain.collected.observation.business == {}
    settings = config(tokens_per_answer={"use": "success"}, return_rate={"use": "told"})
    found = judge_release(lake, release, routing, settings, now=evening)
    evidence: dict[str, Any] = decision_evidence(found.decision, found.collected, settings)
    told = {one["name"]: one for one in evidence["success_metrics"]}
    assert told["tokens_per_answer"]["estimate"] == pytest.approx(2 / 3)
    assert told["tokens_per_answer"]["users"] == found.collected.observation.candidate.users
    assert (told["return_rate"]["users"], told["return_rate"]["waiting"]) == (0, len({one["user_id"] for one in rows}))

    # everybody of a day may have been erased: a file without rows says nothing, and is no fault
    lake.write_table(INTERACTION.empty_table(), lake.interactions((day + timedelta(days=1)).date()))
    later = judge_release(lake, release, routing, settings, now=evening + timedelta(days=1)).collected.observation
    before = found.collected.observation.business["tokens_per_answer"]
    assert np.array_equal(later.business["tokens_per_answer"].candidate_n, before.candidate_n)
