"""A replay: what it says of known histories, what it may not depend on, and that it agrees with what sensors decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.health.read import FrameHealth
from lyo_pipelines.retraining.assess import assess_segments
from lyo_pipelines.retraining.backtest import MORNING, Backtest, default_range, replay_policies
from lyo_pipelines.retraining.claims import make_claim
from lyo_pipelines.retraining.curriculum import Curriculum, Period
from lyo_pipelines.retraining.decision_reasons import reason_of
from lyo_pipelines.retraining.history import Launch, Training
from lyo_pipelines.retraining.policy_differences import policy_difference
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.retraining.health_histories import (
    CONFIG,
    CURRICULUM,
    HINDI,
    MATH,
    PHYSICS,
    changed,
    day_of,
    made_health,
    other_mix,
    slump,
    steady,
    write_days,
)

AT = 60
FEW = settings(max_examples=draws(2))
SEEDS = st.integers(0, 1_000)


def several(seed: int | None = None, days: int = 76) -> FrameHealth:
    """A slump, a change of mix, and a segment that grows until it is trained."""
    return made_health({MATH: steady(56), PHYSICS: slump(AT), HINDI: other_mix(AT)}, days, seed=seed)


def looked(health: FrameHealth, first: int, last: int, config: RetrainingConfig = CONFIG) -> Backtest:
    return replay_policies(health, [config], CURRICULUM, day_of(first), day_of(last))[0]


# -- known histories


@FEW
@given(seed=SEEDS)
def test_a_slump_fires_within_two_weeks_and_not_before_it_began(seed: int) -> None:
    found = looked(made_health({PHYSICS: slump(AT)}, AT + 15, seed=seed), AT - 6, AT + 15)
    first = found.launches[0]
    assert day_of(AT + 2) <= first.day <= day_of(AT + 14)
    assert first.kinds == ("quality",)
    assert "mean rating" in first.says


@FEW
@given(seed=SEEDS)
def test_a_change_of_mix_alone_holds_and_says_so(seed: int) -> None:
    found = looked(made_health({HINDI: other_mix(AT)}, AT + 15, seed=seed), AT - 3, AT + 15)
    assert not found.launches
    last = found.steps[-1]
    assert (last.outcome, last.reason) == ("hold", "mix")
    assert "a change of mix" in last.says


def test_the_first_training_fires_on_the_morning_after_enough_examples_came_together() -> None:
    config = changed(volume={"minimum_examples": 300})
    found = looked(made_health({MATH: steady()}, 40), 25, 40, config)
    # 10 examples a day: 300 are there when day 29 has ended
    assert found.launches[0].day == day_of(30)
    assert (found.launches[0].examples, found.launches[0].causes) == (300, ("volume.minimum#1",))


def test_a_refresh_comes_when_there_is_a_fifth_more_and_not_before_two_weeks() -> None:
    config = changed(volume={"minimum_examples": 300})
    first, second, *_ = looked(made_health({MATH: steady()}, 60), 29, 60, config).launches
    assert (second.day - first.day).days == config.volume.earliest_days
    assert second.causes == (f"volume.refresh:{first.day}#1",)


def test_a_quiet_segment_never_fires_and_each_day_has_one_decision_about_it() -> None:
    found = looked(made_health({MATH: steady()}, 70), 40, 70)
    assert [step.day for step in found.by_segment[MATH]] == [day_of(n) for n in range(40, 71)]
    assert found.reasons() == {MATH: {"below minimum": 31}}


def test_the_first_weeks_of_a_lake_can_be_replayed_although_nothing_can_be_compared() -> None:
    found = looked(made_health({MATH: steady()}, 5), 1, 5)
    assert not found.launches
    assert not found.troubles
    assert len(found.steps) == 5


def test_a_segment_that_was_trained_before_the_range_is_refreshed_and_not_trained_for_the_first_time() -> None:
    health, config = made_health({MATH: steady()}, 60), changed(volume={"minimum_examples": 300})
    known = Training(datetime.combine(day_of(35), MORNING, tzinfo=UTC), "v", "f" * 16, 350)
    first = replay_policies(health, [config], CURRICULUM, day_of(45), day_of(50), trainings={MATH: known})[0].launches[
        0
    ]
    assert first.causes == ("volume.refresh:ffffffffffff#1",)
    assert first.day == day_of(49)
    # what happens within the range is what the replay makes up itself
    later = replace(known, at=datetime.combine(day_of(45), MORNING, tzinfo=UTC))
    again = replay_policies(health, [config], CURRICULUM, day_of(45), day_of(50), trainings={MATH: later})
    assert again == replay_policies(health, [config], CURRICULUM, day_of(45), day_of(50))


def test_more_due_segments_than_the_weekly_budget_wait_for_it() -> None:
    health = made_health({f"tutoring.en.s{n}": steady() for n in range(5)}, 50)
    found = looked(health, 29, 50, changed(volume={"minimum_examples": 300}, launch={"weekly_budget": 2}))
    assert [(step.day, step.segment[-2:]) for step in found.launches[:5]] == [
        (day_of(30), "s0"), (day_of(30), "s1"), (day_of(37), "s2"), (day_of(37), "s3"), (day_of(44), "s0"),
    ]  # fmt: skip
    assert found.reasons()["tutoring.en.s2"]["budget"] == 7


def test_without_the_days_of_holidays_the_range_still_starts_where_a_week_can_be_compared() -> None:
    days = [day_of(n) for n in range(40)]
    usual = default_range(days, CONFIG, CURRICULUM)
    assert usual == (day_of(21), day_of(40))
    week = Period(name="break", first=day_of(5), last=day_of(11))
    closed = Curriculum.model_validate({**CURRICULUM.model_dump(), "holidays": [week.model_dump()]})
    assert default_range(days, CONFIG, closed)[0] == day_of(28)
    assert default_range(days[:10], CONFIG, CURRICULUM) == (day_of(1), day_of(10))
    year = [day_of(n) for n in range(365)]
    assert default_range(year, CONFIG, CURRICULUM) == (day_of(310), day_of(365))


# -- what a replay may not depend on


@FEW
@given(seed=SEEDS, until=st.integers(62, 68), more=st.integers(1, 6))
def test_a_replay_is_a_prefix_of_a_longer_one(seed: int, until: int, more: int) -> None:
    short, long = (
        looked(several(seed, days), 60, last) for days, last in ((until, until), (until + more, until + more))
    )
    assert long.steps[: len(short.steps)] == short.steps


@FEW
@given(seed=SEEDS)
def test_what_comes_later_changes_nothing_earlier(seed: int) -> None:
    health, other = several(None), several(seed)
    cut = day_of(66)
    mixed = FrameHealth(*(
        pl.concat([a.filter(pl.col("day") < cut), b.filter(pl.col("day") >= cut)])
        for a, b in ((health.health, other.health), (health.by_user, other.by_user))
    ))  # fmt: skip
    assert looked(mixed, 61, 66).steps == looked(health, 61, 66).steps


@FEW
@given(seed=SEEDS)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    health = several()
    shuffled = FrameHealth(
        *(frame.sample(fraction=1, shuffle=True, seed=seed) for frame in (health.health, health.by_user))
    )
    found, again = looked(health, 61, 68), looked(shuffled, 61, 68)
    told = [[(s.day, s.segment, s.outcome, s.reason, s.causes) for s in one.steps] for one in (found, again)]
    assert told[0] == told[1]


@FEW
@given(seed=SEEDS, budget=st.integers(1, 3))
def test_nothing_fires_within_its_cooldown_twice_for_a_cause_or_beyond_the_budget(seed: int, budget: int) -> None:
    config = changed(volume={"minimum_examples": 600}, launch={"weekly_budget": budget})
    found = looked(several(seed), 44, 76, config)
    assert found.launches
    for steps in found.by_segment.values():
        fired = [step for step in steps if step.outcome == "fire"]
        for earlier, later in pairwise(fired):
            quick = "quality" in later.kinds
            assert (later.day - earlier.day).days >= (
                config.quality.cooldown_days if quick else config.volume.earliest_days
            )
        rules = [(step.day, cause.rpartition("#")[0]) for step in fired for cause in step.causes]
        again = [(b - a).days for a, cause in rules for b, other in rules if cause == other and a < b]
        assert all(days >= config.launch.same_cause_days for days in again)
    for step in found.launches:
        assert sum(step.day - timedelta(days=7) < other.day <= step.day for other in found.launches) <= budget


def test_policies_replayed_together_are_those_replayed_alone() -> None:
    health, other = several(), changed(quality={"average_rating": 4.0}, evidence={"window_days": (7, 28)})
    together = replay_policies(health, [CONFIG, other], CURRICULUM, day_of(58), day_of(70))
    assert together == [looked(health, 58, 70), looked(health, 58, 70, other)]
    assert policy_difference(*together)


def test_it_decides_as_the_sensors_did_on_a_lake_that_grew_day_by_day(tmp_path: Path) -> None:
    health, lake = several(7), Lake(str(tmp_path))
    config = changed(volume={"minimum_examples": 900})
    lake.write_text(CURRICULUM.model_dump_json(), lake.side("curriculum.yaml"))
    told, runs = [], list[Launch]()
    for number in range(AT, 77):
        write_days(lake, health, before=day_of(number))
        now = datetime.combine(day_of(number), MORNING, tzinfo=UTC)
        seen = assess_segments(lake, config, CURRICULUM, runs, now, by="quality_sensor")
        told += [
            (d.day, d.segment, d.outcome, d.causes, reason_of(d)) for d in sorted(seen.decisions.values(), key=_segment)
        ]
        for decision in seen.decisions.values():
            if decision.outcome == "fire":
                claim = make_claim(lake, decision, by="quality_sensor", now=now, budget=20, seconds=60)
                assert claim is not None
                runs.insert(
                    0, Launch(claim.launch, 1, claim.segment, now, "succeeded", claim.causes, claim.kinds, "run")
                )
                training = {"at": now.isoformat(), "version": "v", "fingerprint": f"{day_of(number)}"}
                counts = {"examples": seen.signals[decision.segment].examples, "topics": {}, "grades": {}}
                lake.write_json({**training, **counts}, f"{lake.adapter_dir(decision.segment)}/trained.json")
    found = looked(health, AT, 76, config)
    assert [(s.day, s.segment, s.outcome, s.causes, s.reason) for s in found.steps] == told
    assert {step.segment for step in found.launches} == {MATH, PHYSICS}


def _segment(decision: object) -> str:
    return getattr(decision, "segment", "")


@FEW
@given(seed=SEEDS)
def test_the_same_policy_twice_makes_no_difference(seed: int) -> None:
    found = looked(several(seed), 60, 74)
    again = policy_difference(found, looked(several(seed), 60, 74))
    assert not again
    assert again.same == len(found.launches) > 0
