"""One look at a small lake: every segment is decided about, and whatever cannot be read or decided is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.health.aggregate import aggregate_day
from lyo_pipelines.health.contract import HEALTH, USERS
from lyo_pipelines.health.read import HealthUnreadableError
from lyo_pipelines.retraining import assess as room
from lyo_pipelines.retraining.assess import Past, assess_segments, decide_all, inputs_digest, new_examples
from lyo_pipelines.retraining.claims import make_claim
from lyo_pipelines.retraining.curriculum import Curriculum, load_curriculum
from lyo_pipelines.retraining.decide import decide_segment
from lyo_pipelines.retraining.history import Launch, Training, TrainingHistory
from lyo_pipelines.retraining.windows import comparison_windows
from lyo_pipelines.retraining.worth import RULE as WORTH
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.health.interaction_rows import frame, row
from lyo_pipelines_tests.retraining.signal_factory import CONFIG, NOW, launch, signals, training

FELL, WELL, NEW = "tutoring.en.math", "tutoring.hi.math", "tutoring.en.art"
SHIPPED = load_curriculum(Lake("memory://no-files"))


def config(**sections: dict) -> RetrainingConfig:
    """Short windows, so that few days make a history."""
    values = CONFIG.model_dump()
    values["evidence"] |= {"window_days": (4, 9), "baseline_days": 14}
    for name, changed in sections.items():
        values[name] |= changed
    return RetrainingConfig.model_validate(values)


def curriculum(launched_days_ago: int = 20) -> Curriculum:
    """Mathematics as shipped, and a subject that is new in English."""
    told = SHIPPED.model_dump()
    math = told["subjects"]["math"]
    told["subjects"] = {
        "math": math,
        "art": math | {"launched": NOW.date() - timedelta(days=launched_days_ago), "languages": ["en"]},
    }
    return Curriculum.model_validate(told)


def put(lake: Lake, day, rows) -> None:
    health, users = aggregate_day(frame(rows), ["cultural"])
    lake.write_table(users.to_arrow().cast(USERS), lake.health_users(day))
    lake.write_table(health.to_arrow().cast(HEALTH), lake.health(day))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two segments, one of which fell in the last four school days."""
    root = tmp_path_factory.mktemp("assess")
    found = comparison_windows(NOW.date(), SHIPPED, config().evidence)
    for day in found.days:
        fallen = day in found.short.now
        people = [{"user_pseudonym": f"u_{n}", "rating": 4.0 + n % 2} for n in range(40)]
        put(
            Lake(str(root)),
            day,
            [
                row(segment=s, **p | ({"rating": 1.0 + n % 3} if s == FELL and fallen else {}))
                for s in (FELL, WELL)
                for n, p in enumerate(people)
            ],
        )
    return root


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Iterator[Lake]:
    yield Lake(str(shutil.copytree(made, tmp_path / "data")))


def look(lake: Lake, *runs: Launch, by: str = "quality_sensor", now=NOW, policy: RetrainingConfig | None = None):
    return assess_segments(lake, policy or config(), curriculum(), runs, now, by=by)


def test_every_segment_is_decided_about(lake):
    found = look(lake)
    assert {segment: decision.outcome for segment, decision in found.decisions.items()} == {
        FELL: "fire", WELL: "hold", NEW: "not_enough_evidence",
    }  # fmt: skip
    assert found.outcomes == {"fire": 1, "hold": 1, "not_enough_evidence": 1}
    assert "quality.rating_drop#1" in found.decisions[FELL].causes
    assert (found.troubles, found.pending) == ((), False)
    assert found.signals[FELL].examples == found.signals[FELL].interactions == 40 * len(lake.days("health"))


def test_a_new_area_about_which_nobody_has_asked_is_said(lake):
    assert "new subject art since 2026-10-31, without an adapter: 0 of 200" in look(lake).decisions[NEW].says
    for days in (-1, 121):
        assert NEW not in assess_segments(lake, config(), curriculum(days), [], NOW, by="x").decisions


def test_the_configuration_of_a_single_segment_is_its_own(lake):
    own = config(segments={FELL: {"quality": {"rating_drop": 4.0, "average_rating": 1.0}}})
    found = look(lake, policy=own)
    assert not [cause for cause in found.decisions[FELL].causes if "rating" in cause]
    assert found.policy != look(lake).policy


@pytest.mark.parametrize("name", ["", "by-a-trigger"])
def test_a_training_in_flight_holds_whoever_launched_it(lake, name):
    running = replace(launch(0.1, status="running", segment=FELL), launch=name, run_id="r1")
    found = look(lake, running)
    assert found.decisions[FELL].outcome == "hold"
    assert "in flight" in found.decisions[FELL].says


def test_a_claim_holds_the_launch_until_its_run_is_seen_and_then_for_its_cause(lake):
    fired = look(lake).decisions[FELL]
    claim = make_claim(lake, fired, by="quality_sensor", now=NOW, budget=9, seconds=120)
    assert claim is not None
    waiting = look(lake, by="volume_sensor", now=NOW + timedelta(minutes=5))
    assert (waiting.pending, waiting.decisions[FELL].outcome) == (True, "hold")
    mine = look(lake, now=NOW + timedelta(minutes=5))  # its own sensor may launch it again, under the same name
    assert (mine.pending, mine.decisions[FELL].outcome, mine.decisions[FELL].cause_hash) == (
        True,
        "fire",
        fired.cause_hash,
    )
    run = Launch(claim.launch, 1, FELL, NOW, "succeeded", claim.causes, claim.kinds, "r1")
    done = look(lake, run, now=NOW + timedelta(minutes=5))
    assert (done.pending, done.decisions[FELL].outcome) == (False, "hold")
    assert "launched for this on" in done.decisions[FELL].says


def test_failed_launches_are_tried_again_until_a_person_must_look(lake):
    fired = look(lake).decisions[FELL]
    failed = [
        Launch(
            fired.cause_hash,
            attempt,
            FELL,
            NOW - timedelta(hours=9 - attempt),
            "failed",
            fired.causes,
            fired.kinds,
            f"r{attempt}",
        )
        for attempt in (1, 2, 3)
    ]
    again = look(lake, *failed[:2]).decisions[FELL]
    assert (again.outcome, again.attempt, again.cause_hash) == ("fire", 3, fired.cause_hash)
    assert "3 launches failed in a row" in look(lake, *failed).decisions[FELL].says


def test_the_weekly_budget_counts_the_launches_of_all_segments(lake):
    own = config(launch={"weekly_budget": 1})
    assert look(lake, policy=own).decisions[FELL].outcome == "fire"
    elsewhere = replace(launch(2, segment="tutoring.ta.math"), run_id="r1")
    held = look(lake, elsewhere, policy=own).decisions[FELL]
    assert held.outcome == "hold"
    assert "weekly budget of 1" in held.says


def test_a_broken_day_is_told_and_the_others_decide(lake):
    broken = lake.days("health")[3]
    lake.fs.pipe_file(lake.health(broken), b"half")
    found = look(lake)
    assert len(found.troubles) == 1
    assert found.troubles[0].startswith(f"segment_health of {broken} cannot be read: ")
    assert found.decisions[FELL].outcome == "fire"


def test_a_day_that_is_damaged_behind_a_whole_footer_is_told_and_the_others_decide(lake):
    broken = lake.days("health")[3]
    content = bytearray(lake.read_bytes(lake.health(broken)))
    content[4 : len(content) // 3] = b"\xff" * (len(content) // 3 - 4)
    lake.fs.pipe_file(lake.health(broken), bytes(content))
    found = look(lake)
    assert [str(broken) in trouble for trouble in found.troubles] == [True]
    assert found.decisions[FELL].outcome == "fire"


def test_a_segment_whose_last_training_nobody_can_tell_is_not_trained_as_if_it_were_the_first_time(lake):
    lake.write_text("", f"{lake.adapter_dir(NEW)}/latest.json")
    found = look(lake)
    assert NEW not in found.decisions and FELL in found.decisions
    assert [trouble.startswith(f"{NEW}: not decided about: ") for trouble in found.troubles] == [True]


def test_when_no_day_can_be_read_that_is_an_error(lake):
    for day in lake.days("health"):
        lake.fs.pipe_file(lake.health(day), b"half")
    with pytest.raises(HealthUnreadableError):
        look(lake)


def test_a_segment_that_cannot_be_decided_about_does_not_stop_the_others(lake, monkeypatch):
    def stumble(known, *rest, **more):
        if known.segment == WELL:
            raise ZeroDivisionError("strange figures")
        return decide_segment(known, *rest, **more)

    monkeypatch.setattr(room, "decide_segment", stumble)
    found = look(lake)
    assert found.decisions.keys() == {FELL, NEW}
    assert found.troubles == (f"{WELL}: ZeroDivisionError: strange figures",)


def test_when_no_segment_can_be_decided_about_that_is_an_error(lake, monkeypatch):
    def stumble(*_, **__):
        raise ValueError("strange figures")

    monkeypatch.setattr(room, "decide_segment", stumble)
    with pytest.raises(room.AssessmentError, match="strange figures"):
        look(lake)


def test_signals_that_lack_a_part_fail_alone():
    known = {s: signals(segment=s) for s in (FELL, WELL)} | {NEW: signals(segment=NEW, rating_level=None)}
    decisions, failed = decide_all(known, config(), SHIPPED, Past(), NOW)
    assert [d.segment for d in decisions] == [FELL, WELL]
    assert failed[NEW].startswith("AssertionError")


def test_what_adapters_cover_comes_from_their_segments():
    past = Past({key: training() for key in ("tutoring.hi.math", "search.en", "Odd Name")})
    assert past.covered() == ({"math"}, {"hi", "en"})


def test_failures_count_from_the_last_launch_that_did_not_fail():
    def count(*statuses):
        return TrainingHistory(
            launches=tuple(launch(n, status=status) for n, status in enumerate(statuses))
        ).failed_in_row

    assert (count(), count("failed"), count("failed", "failed", "succeeded", "failed")) == (0, 1, 2)
    assert count("running", "failed") == 0


def test_the_inputs_change_when_a_decision_could_and_else_not(lake):
    def told(*runs, now=NOW, policy=None):
        return inputs_digest(lake, policy or config(), curriculum(), runs, now)

    running = replace(launch(1, status="running"), run_id="r1")
    first = told(running)
    assert told(running, now=NOW + timedelta(hours=3)) == first
    others = {told(), told(replace(running, status="failed")), told(running, now=NOW + timedelta(days=1)),
              told(running, policy=config(launch={"weekly_budget": 3}))}  # fmt: skip
    put(lake, lake.days("health")[0], [row(segment=WELL, rating=1.0)])
    others.add(told(running))
    lake.write_text("", f"{lake.adapter_dir('tutoring.hi.math')}/x")
    others.add(told(running))
    assert len(others) == 6
    assert first not in others


def days_of(*counts: int, segment: str = FELL) -> pl.DataFrame:
    """Curated examples of each day before today, oldest first."""
    first = NOW.date() - timedelta(days=len(counts))
    days = [first + timedelta(days=n) for n in range(len(counts))]
    return pl.DataFrame(
        {"segment": [segment] * len(counts), "day": days, "kept": counts}, schema_overrides={"kept": pl.Int64}
    )


def trained_on(*counts: int, days: int, examples: int | None = None) -> Training:
    """A training whose dataset had so many examples of each of the first days of `days`."""
    first = NOW.date() - timedelta(days=days)
    by_day = {(first + timedelta(days=n)).isoformat(): count for n, count in enumerate(counts)}
    return training(3, examples=sum(counts) if examples is None else examples, by_day=by_day)


@pytest.mark.parametrize(
    ("now", "then", "new"),
    [
        ((100, 100, 90), (100, 100), 90),
        ((60, 70, 90), (100, 100), 90),  # stricter rules removed old ones; what came is new all the same
        ((100, 104, 0), (100, 100), 4),  # late ratings
        ((0, 0, 0), (100, 100), 0),
    ],
)
def test_new_examples_are_those_that_came_whatever_went(now, then, new):
    assert new_examples(days_of(*now), {FELL: trained_on(*then, days=len(now))}) == {FELL: new}


def test_of_a_dataset_that_was_not_counted_by_day_those_since_then_are_new():
    past = {FELL: trained_on(days=6, examples=500), WELL: trained_on(days=6, examples=100)}
    found = new_examples(pl.concat([days_of(*[30] * 6), days_of(*[30] * 6, segment=WELL)]), past)
    assert found == {FELL: 90, WELL: 90}
    assert new_examples(days_of(*[30] * 6), {FELL: trained_on(days=6, examples=50)}) == {FELL: 130}


def test_a_segment_without_any_example_has_no_new_ones():
    assert new_examples(days_of(5, segment=WELL), {FELL: trained_on(5, days=1)}) == {FELL: 0}


def test_a_fall_is_trained_for_though_there_are_fewer_examples_than_last_time(lake):
    then = {day.isoformat(): 90 for day in lake.days("health")[:-4]}
    told = training(60, examples=sum(then.values()), by_day=then)
    lake.write_json({**asdict(told), "at": told.at.isoformat()}, f"{lake.adapter_dir(FELL)}/trained.json")
    found = look(lake)
    assert found.signals[FELL].examples < told.examples
    assert found.decisions[FELL].outcome == "fire"


def test_a_look_that_knows_costs_says_of_each_cause_whether_it_is_worth_it(lake):
    found = assess_segments(lake, config(), curriculum(), [], NOW, by="x", costs=load_config().costs).decisions
    told = {key: [one for one in decision.findings if one.rule == WORTH] for key, decision in found.items()}
    assert {key: len(one) for key, one in told.items()} == {FELL: 1, WELL: 0, NEW: 0}
    assert told[FELL][0].outcome == "not_enough_evidence" and "0 of 5 reports" in told[FELL][0].says
    assert found[FELL].outcome == "fire"
