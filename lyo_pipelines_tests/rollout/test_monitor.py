"""Releases from their beginning to their end, in fast time: gates, first users, what they say, up or back."""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.plotting import MAXIMUM_BYTES
from lyo_pipelines.registry.fold import IllegalEventError
from lyo_pipelines.registry.log import MovedOnError, read_history, read_release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.collect import NotInCanaryError, collect_observations
from lyo_pipelines.rollout.monitor import ReleaseCheck, check_release, decision_inputs, step_up_after_rehearsal
from lyo_pipelines.rollout.observations import Arm
from lyo_pipelines.rollout.plots import share_by_time, stages_plot
from lyo_pipelines.rollout.rehearsal import Rehearsal, RehearsalError
from lyo_pipelines.rollout.release import Act, NothingDueError, ReasonMissingError
from lyo_pipelines.rollout.routing import current_routing, read_routing
from lyo_pipelines.rollout.start import (
    OutdatedReportError,
    ServedByParentError,
    StartOutcome,
    start_release,
    waiting_adapters,
)
from lyo_pipelines.sample.traffic import GOOD, HARMFUL, Effect, Traffic
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.verified_loading import DamagedAdapterError
from lyo_pipelines.training.versions import NoAdapterError, point_to
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, SENSOR, START
from lyo_pipelines_tests.rollout.adapter_factory import GATES, adapter, interactions, ready, report, routed
from lyo_pipelines_tests.rollout.summed_arms import arm_of

DAY = timedelta(days=1)
CULTURAL = load_config().curation.cultural_complaint_categories


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "data"))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("figures") / "config.yaml"
    path.write_text(GATES)
    return load_config(path)


def released(lake: Lake, config: Config, *, now: datetime = START, segment: str = SEGMENT) -> StartOutcome:
    return start_release(lake, segment, config.evaluation, config.rollout, who=PERSON, reason="to try it", now=now)


def act(now: datetime = START, reason: str = "because", expected: int | None = None) -> Act:
    return Act(PERSON, reason, now, expected=expected)


def looked(lake: Lake, config: Config, now: datetime) -> ReleaseCheck:
    found = check_release(lake, read_release(lake, SEGMENT), current_routing(lake), config.rollout, now=now, who=SENSOR)
    assert found is not None
    return found


def rehearsed(target: object, base: str) -> Rehearsal:
    return Rehearsal(str(getattr(target, "version", base)), 3, "What is 7 + 5?", "12", 0.1, 0.1)


def live(lake: Lake, config: Config, effect: Effect, days: int, *, per_day: int = 2_000) -> list[str]:
    """Days of users, each followed by a look and, when it is due, a step up; what became of each day."""
    traffic, told = Traffic(SEGMENT, users=600, per_day=per_day), []
    for number in range(1, days + 1):
        morning = START + number * DAY
        interactions(lake, traffic.day(morning.date(), routed(lake), effect))
        evening = morning.replace(hour=23, minute=30)
        found = looked(lake, config, evening)
        told.append("fell back" if found.fell_back else found.decision.action)
        if found.step_up_due:
            step_up_after_rehearsal(lake, SEGMENT, config.rollout, rehearsed, clock=lambda at=evening: at, who=SENSOR)
        if found.fell_back or not read_release(lake, SEGMENT).in_canary:
            break
    return told


def fields_of_arrays() -> list[str]:
    return [field.name for field in fields(Arm) if field.name not in ("users", "interactions")]


# -- the beginning -------------------------------------------------------------------------------------------------
def test_an_adapter_that_passes_its_gates_reaches_a_tenth_of_the_users(lake: Lake, config: Config) -> None:
    ready(lake)
    begun = released(lake, config)
    assert [event.kind for event in begun.events] == ["registered", "candidate", "canary"]
    assert "serves 10% of users for at least 3 days" in begun.summary
    first = begun.events[0]
    assert first.adapter.dataset_fingerprint == "feed0001"
    assert set(first.adapter.files) == {"adapter_model.safetensors", "adapter_config.json", "adapter_manifest.json"}
    assert first.metrics["values"] == {"loss": 1.5}
    assert (first.who.name, first.who.person, first.reason) == ("asha", True, "to try it")
    entry = read_routing(lake).entries[SEGMENT]
    assert (entry.champion, entry.buckets) == (None, 1_000)
    again = released(lake, config, now=START + DAY)
    assert (again.events, "is canary already" in again.summary) == ((), True)


def test_a_beginning_that_died_goes_on_where_it_ended(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    folder = Path(lake.path("registry", SEGMENT))
    for name in ("00000003.json", "00000002.json"):
        (folder / name).unlink()
    assert [event.kind for event in released(lake, config).events] == ["candidate", "canary"]


def test_a_gate_that_is_not_passed_rejects_and_is_named(lake: Lake, config: Config) -> None:
    adapter(lake)
    report(lake, verdict="cannot_tell")
    begun = released(lake, config)
    assert [event.kind for event in begun.events] == ["registered", "rejected"]
    assert "improves: loss against base: cannot tell" in begun.summary
    assert begun.events[-1].figures["gates"][0]["passed"] is False
    assert read_routing(lake).entries == {}
    assert released(lake, config).events == (), "the same rejection is not written twice"
    report(lake)
    assert [event.kind for event in released(lake, config).events] == ["candidate", "canary"], "a new report counts"


def test_what_cannot_be_released_says_what_to_do(lake: Lake, config: Config) -> None:
    with pytest.raises(NoAdapterError, match="lyo train"):
        released(lake, config)
    point_to(lake, "tutoring.en.art", "owner-1", served_by="tutoring.en")
    ready(lake, segment="tutoring.en")
    point_to(lake, "tutoring.en.art", "owner-1", served_by="tutoring.en")
    with pytest.raises(ServedByParentError, match=r"lyo release tutoring\.en"):
        released(lake, config, segment="tutoring.en.art")
    ready(lake)
    (Path(lake.adapter_dir(SEGMENT, "owner-1")) / "adapter_config.json").write_text("other")
    with pytest.raises(DamagedAdapterError, match=r"adapter_config\.json differs"):
        released(lake, config)
    assert read_history(lake, SEGMENT).events == ()


def test_one_version_at_a_time_is_on_its_way(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    assert waiting_adapters(lake) == ([], {})
    ready(lake, "owner-22")
    assert waiting_adapters(lake) == ([], {}), "not while another one is on its way"
    with pytest.raises(IllegalEventError, match="owner-1 is on its way"):
        released(lake, config)
    steps.retire(lake, SEGMENT, act())
    assert [trained.version for trained in waiting_adapters(lake)[0]] == ["owner-22"]


def test_a_damaged_report_is_named_and_keeps_no_other_segment_waiting(lake: Lake) -> None:
    ready(lake)
    ready(lake, "owner-2", "tutoring.hi.physics")
    (Path(lake.report_dir("tutoring.hi.physics", "owner-2")) / "report.json").write_text("{")
    waiting, troubles = waiting_adapters(lake)
    assert [trained.segment for trained in waiting] == [SEGMENT]
    assert list(troubles) == ["tutoring.hi.physics"]
    assert "report.json is damaged" in str(troubles["tutoring.hi.physics"])


@pytest.mark.parametrize("compared", ["", "another"])
def test_a_report_made_against_another_champion_than_the_one_that_serves_now_releases_nothing(
    lake: Lake, config: Config, compared: str
) -> None:
    ready(lake)
    released(lake, config)
    for day in (7, 14, 21):
        steps.step_up(lake, SEGMENT, config.rollout, act(START + day * DAY))
    adapter(lake, "owner-22")
    report(lake, "owner-22", champion=compared)
    before = read_history(lake, SEGMENT).events
    with pytest.raises(OutdatedReportError, match=r"owner-1 serves it now.*Report again"):
        released(lake, config, now=START + 22 * DAY)
    assert (read_history(lake, SEGMENT).events, waiting_adapters(lake)[0]) == (before, []), (
        "not even registered, and not tried by itself"
    )
    report(lake, "owner-22", champion="owner-1")
    assert [trained.version for trained in waiting_adapters(lake)[0]] == ["owner-22"]
    assert released(lake, config, now=START + 22 * DAY).release.in_canary


def test_a_report_made_against_a_champion_that_was_taken_out_releases_nothing(lake: Lake, config: Config) -> None:
    adapter(lake)
    report(lake, champion="retired_meanwhile")
    with pytest.raises(OutdatedReportError, match="no adapter of its own serves it now"):
        released(lake, config)


# -- what is collected ---------------------------------------------------------------------------------------------
def test_what_is_collected_part_by_part_is_what_all_rows_together_say(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    traffic, rows = Traffic(SEGMENT, users=80), []
    earlier = traffic.day((START - 2 * DAY).date(), lambda user: (None, None), questions=300)
    interactions(lake, earlier)
    for number in (1, 2):
        made = traffic.day((START + number * DAY).date(), routed(lake), HARMFUL, questions=600)
        interactions(lake, made)
        rows += made
    release = read_release(lake, SEGMENT)
    seen = collect_observations(
        lake, release, current_routing(lake), now=START + 4 * DAY, batch_rows=97, cultural=CULTURAL
    ).observation
    whole, before = (
        pl.DataFrame(some, infer_schema_length=None).rename({"user_id": "user_pseudonym"}) for some in (rows, earlier)
    )
    for name, found in (("candidate", seen.candidate), ("current", seen.current)):
        wanted = arm_of(whole.filter(pl.col("experiment_arm") == name), before)
        assert (found.users, found.interactions) == (wanted.users, wanted.interactions)
        for key in (
            "ratings_n",
            "ratings_sum",
            "answers_n",
            "errors_n",
            "cultural_n",
            "retries_n",
            "times_n",
            "log_ms_sum",
        ):
            ours, theirs = (np.sort(getattr(arm, key)) for arm in (found, wanted))
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, err_msg=key)


def test_what_users_rated_before_is_read_once_and_again_when_it_is_damaged(lake: Lake, config: Config) -> None:
    ready(lake)
    traffic = Traffic(SEGMENT, users=40)
    interactions(lake, traffic.day((START - DAY).date(), lambda user: (None, None), questions=300))
    released(lake, config)
    interactions(lake, traffic.day((START + DAY).date(), routed(lake), questions=300))

    def known() -> int:
        seen = collect_observations(
            lake, read_release(lake, SEGMENT), current_routing(lake), now=START + 2 * DAY, cultural=CULTURAL
        ).observation
        return int(seen.candidate.pre_period_n.sum() + seen.current.pre_period_n.sum())

    first = known()
    assert first > 50
    interactions(lake, traffic.day((START - 2 * DAY).date(), lambda user: (None, None), questions=300))
    assert known() == first, "what is known of the time before does not change while the release runs"
    (kept,) = Path(lake.path("rollout", SEGMENT)).iterdir()
    kept.write_bytes(b"half a file")
    assert known() > first


def test_only_rows_of_this_release_since_its_stage_began_count(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    traffic = Traffic(SEGMENT, users=50)
    day = (START + DAY).date()
    ours = traffic.day(day, routed(lake), questions=100)
    early = [{**row, "occurred_at": (START - timedelta(minutes=1)).isoformat()} for row in ours[:10]]
    elsewhere = [{**row, "subject": "physics"} for row in ours[:10]]
    plain = [{**row, "experiment_arm": None} for row in ours[:10]]
    stale = [{**row, "adapter_version": "owner-0", "experiment_arm": "candidate"} for row in ours[:7]]
    interactions(lake, early)
    interactions(lake, [*ours, *elsewhere, *plain, *stale])
    found = collect_observations(
        lake, read_release(lake, SEGMENT), current_routing(lake), now=START + 2 * DAY, cultural=CULTURAL
    )
    assert found.observation.candidate.answers + found.observation.current.answers == 100
    assert found.mismatched == 7, "an answer of another adapter in the candidate's arm is told, not counted"
    assert (
        collect_observations(
            lake, read_release(lake, SEGMENT), current_routing(lake), now=START, cultural=CULTURAL
        ).observation.current.answers
        == 0
    )


def test_a_row_stays_in_the_parents_or_the_childs_release_that_it_was_asked_in(lake: Lake, config: Config) -> None:
    ready(lake, segment="tutoring.en")
    released(lake, config, segment="tutoring.en")
    parent = read_release(lake, "tutoring.en")
    interactions(lake, Traffic(SEGMENT).day((START + DAY).date(), routed(lake, "tutoring.en"), questions=100))
    now = START + 2 * DAY

    def answers(now: datetime) -> int:
        seen = collect_observations(lake, parent, current_routing(lake), now=now, cultural=CULTURAL).observation
        return seen.current.answers + seen.candidate.answers

    assert answers(now) == 100
    ready(lake)
    released(lake, config, now=now)
    assert answers(now) == 100, "a row stays in the release that it was asked in"
    interactions(lake, Traffic(SEGMENT).day((now + DAY).date(), routed(lake), questions=60))
    assert answers(now + 2 * DAY) == 100, "the child's rows are the child's"
    steps.fall_back(lake, SEGMENT, act(now + 2 * DAY))
    interactions(lake, Traffic(SEGMENT).day((now + 3 * DAY).date(), routed(lake), questions=30))
    assert answers(now + 4 * DAY) == 130, "and stay it, though the parent serves again"
    assert (
        collect_observations(lake, parent, current_routing(lake), now=now + 4 * DAY, cultural=CULTURAL).mismatched == 0
    )
    with pytest.raises(NotInCanaryError, match="no candidate in canary"):
        collect_observations(lake, read_release(lake, "tutoring.hi"), current_routing(lake), now=now, cultural=CULTURAL)


def test_failures_that_lost_all_their_names_send_a_candidate_back(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    traffic = Traffic(SEGMENT, users=200)
    for number in (1, 2):
        rows = traffic.day((START + number * DAY).date(), routed(lake), Effect(errors=0.4), questions=1_500)
        lost = {"experiment_arm": None, "adapter_version": None}
        interactions(lake, [{**row, **lost} if row["error"] else row for row in rows])
    found = looked(lake, config, START + 3 * DAY)
    assert found.fell_back
    assert found.collected.observation.candidate.errors_n.sum() == 0
    assert read_history(lake, SEGMENT).events[-1].figures["attribution"]["orphans"] == 0


def test_failures_that_lost_their_users_too_are_told_beside_what_was_usual(lake: Lake, config: Config) -> None:
    ready(lake)
    traffic = Traffic(SEGMENT, users=50)
    lost = {"experiment_arm": None, "adapter_version": None, "user_id": None, "error": "HTTP 502", "rating": None}

    def served(number: int, *, every: int) -> int:
        rows = traffic.day((START + number * DAY).date(), routed(lake), questions=300)
        rows = [{**row, **lost} if n % every == 0 else row for n, row in enumerate(rows)]
        interactions(lake, rows)
        return sum(row["error"] is not None for row in rows)

    before = served(-2, every=50) + served(-1, every=50)
    released(lake, config)
    served(1, every=10)
    told = looked(lake, config, START + 2 * DAY)
    seen = told.collected.observation.attribution
    assert (seen.orphans_before, seen.rows_before, seen.orphans, seen.rows) == (before, 600, 30, 300)
    assert next(one for one in told.decision.reasons if one.rule == "up.attribution").outcome == "hold"


def test_what_the_candidate_itself_answered_earlier_is_no_time_before(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    traffic = Traffic(SEGMENT, users=60)
    first = traffic.day((START + DAY).date(), routed(lake), HARMFUL, questions=600)
    interactions(lake, first)
    steps.roll_back(lake, SEGMENT, act(START + 2 * DAY))
    again = released(lake, config, now=START + 3 * DAY).release
    interactions(lake, traffic.day((START + 4 * DAY).date(), routed(lake), questions=600))
    seen = collect_observations(lake, again, current_routing(lake), now=START + 5 * DAY, cultural=CULTURAL).observation
    known = sum(int(arm.pre_period_n.sum()) for arm in (seen.candidate, seen.current))
    rated = [row for row in first if row["rating"] is not None]
    assert 0 < known <= sum(row["adapter_version"] != "owner-1" for row in rated) < len(rated)
    assert {row["user_id"] for row in first if row["experiment_arm"] == "candidate"} != {
        user for user in {row["user_id"] for row in first} if routed(lake)(user)[0] == "candidate"
    }, "another salt: other users are the first"


@pytest.mark.parametrize("category", ["Cultural", " religion", "caste"])
def test_what_curation_counts_as_cultural_counts_against_a_candidate(lake: Lake, config: Config, category: str) -> None:
    ready(lake)
    released(lake, config)
    rows = Traffic(SEGMENT, users=80).day((START + DAY).date(), routed(lake), questions=300)
    interactions(lake, [{**row, "complaint_category": category} for row in rows])
    seen = collect_observations(
        lake, read_release(lake, SEGMENT), current_routing(lake), now=START + 2 * DAY, cultural=CULTURAL
    ).observation
    assert seen.candidate.cultural_n.sum() + seen.current.cultural_n.sum() == 300
    owner = collect_observations(
        lake, read_release(lake, SEGMENT), current_routing(lake), now=START + 2 * DAY, cultural=["rude"]
    ).observation
    assert owner.candidate.cultural_n.sum() + owner.current.cultural_n.sum() == 0, "the owner's list counts, not ours"


# -- up, hold, back ------------------------------------------------------------------------------------------------
def test_a_good_candidate_climbs_to_everybody(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    told = live(lake, config, GOOD, 20)
    release = read_release(lake, SEGMENT)
    assert (release.champion, release.in_canary) == ("owner-1", False), told
    kinds = [event.kind for event in read_history(lake, SEGMENT).events]
    assert kinds == ["registered", "candidate", "canary", "stepped_up", "stepped_up", "promoted"]
    last = read_history(lake, SEGMENT).events[-1]
    assert last.figures["rehearsal"]["target"] == "tiny", "the base would serve after a fallback"
    assert {finding["rule"] for finding in last.figures["findings"]} >= {"up.not_worse", "up.time_served"}
    assert last.figures["arms"]["candidate"]["users"] > 30
    assert read_routing(lake).entries[SEGMENT].candidate is None


def test_a_harmful_candidate_goes_back_to_what_served_before(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    steps_of_time = [act(START + number * timedelta(minutes=1)) for number in range(1, 4)]
    for one in steps_of_time:
        steps.step_up(lake, SEGMENT, config.rollout, one)
    ready(lake, "owner-22")
    released(lake, config, now=START + timedelta(minutes=5))
    told = live(lake, config, HARMFUL, 10)
    assert told[-1] == "fell back", told
    release = read_release(lake, SEGMENT)
    assert (release.champion, dict(release.states)["owner-22"]) == ("owner-1", "fallen_back")
    last = read_history(lake, SEGMENT).events[-1]
    assert (last.kind, last.to, last.who.name) == ("fell_back", "owner-1", "rollout_sensor")
    assert last.figures["arms"]["candidate"]["mean_rating"] < last.figures["arms"]["current"]["mean_rating"]
    assert {user: routed(lake)(user) for user in ("a", "b")} == dict.fromkeys(("a", "b"), (None, "owner-1"))


def test_a_paused_release_takes_no_step_and_still_falls_back(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    steps.pause(lake, SEGMENT, act())
    traffic = Traffic(SEGMENT, users=600, per_day=2_000)
    for number in range(1, 5):
        interactions(lake, traffic.day((START + number * DAY).date(), routed(lake), GOOD))
    now = START + 5 * DAY
    found = looked(lake, config, now)
    assert (found.decision.action, found.step_up_due) == ("up", False)
    assert found.summary.startswith("paused by a person")
    assert not step_up_after_rehearsal(lake, SEGMENT, config.rollout, rehearsed, clock=lambda: now, who=SENSOR).stepped
    slow = Effect(slower=3.0, errors=0.2)
    for number in range(5, 7):
        interactions(lake, traffic.day((START + number * DAY).date(), routed(lake), slow))
    assert looked(lake, config, START + 7 * DAY).fell_back


def test_two_looks_at_once_send_back_once(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    interactions(lake, Traffic(SEGMENT).day((START + DAY).date(), routed(lake), Effect(errors=0.5), questions=4_000))
    release, routing, now = read_release(lake, SEGMENT), current_routing(lake), START + 2 * DAY
    first = check_release(lake, release, routing, config.rollout, now=now, who=SENSOR)
    second = check_release(lake, release, routing, config.rollout, now=now, who=SENSOR)
    assert (first is not None and first.fell_back, second) == (True, None)
    assert [event.kind for event in read_history(lake, SEGMENT).events].count("fell_back") == 1


def test_a_fallback_that_does_not_answer_holds_the_step(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    traffic = Traffic(SEGMENT, users=600, per_day=2_000)
    for number in range(1, 5):
        interactions(lake, traffic.day((START + number * DAY).date(), routed(lake), GOOD))
    now = START + 5 * DAY

    def broken(target: object, base: str) -> Rehearsal:
        raise RehearsalError(f"{base} cannot serve.")

    with pytest.raises(RehearsalError, match="tiny cannot serve"):
        step_up_after_rehearsal(lake, SEGMENT, config.rollout, broken, clock=lambda: now, who=SENSOR)
    assert read_release(lake, SEGMENT).stage == 1

    def slow(target: object, base: str) -> Rehearsal:
        steps.fall_back(lake, SEGMENT, act(now))
        return rehearsed(target, base)

    outcome = step_up_after_rehearsal(lake, SEGMENT, config.rollout, slow, clock=lambda: now, who=SENSOR)
    assert (outcome.stepped, outcome.release.states["owner-1"]) == (False, "fallen_back"), "a fallback meanwhile stands"


def test_the_same_inputs_need_no_second_look(lake: Lake, config: Config) -> None:
    ready(lake)
    release = released(lake, config).release
    now = START + timedelta(hours=30)
    before = decision_inputs(lake, release, config.rollout, now=now)
    assert decision_inputs(lake, release, config.rollout, now=now + timedelta(minutes=5)) == before
    assert decision_inputs(lake, release, config.rollout, now=START + 3 * DAY) != before, (
        "the time of the stage is served"
    )
    interactions(lake, Traffic(SEGMENT).day((START + DAY).date(), routed(lake), questions=10))
    assert decision_inputs(lake, release, config.rollout, now=now) != before
    later = replace(release, sequence=release.sequence + 1)
    assert decision_inputs(lake, later, config.rollout, now=now) != decision_inputs(
        lake, release, config.rollout, now=now
    )


# -- what holds a release besides evidence ---------------------------------------------------------------------------
def days_of(lake: Lake, effect: Effect, numbers: range) -> None:
    traffic = Traffic(SEGMENT, users=600)
    for number in numbers:
        interactions(lake, traffic.day((START + number * DAY).date(), routed(lake), effect, questions=2_000))


def at_half(lake: Lake, config: Config) -> None:
    """Half of the users, since the seventh day."""
    ready(lake)
    released(lake, config)
    for number in (3, 7):
        steps.step_up(lake, SEGMENT, config.rollout, act(START + number * DAY))


def with_stages(config: Config, *shares: float) -> Config:
    stages = [config.rollout.stages[0].model_copy(update={"share": share, "days": 1}) for share in shares]
    return config.model_copy(update={"rollout": config.rollout.model_copy(update={"stages": tuple(stages)})})


@pytest.mark.parametrize("shares", [(0.1, 0.3, 1.0), (0.2, 1.0), (0.6, 1.0), (0.05, 0.1, 0.2, 0.3, 0.4, 1.0)])
def test_under_other_stages_a_release_is_watched_holds_and_says_so(
    lake: Lake, config: Config, shares: tuple[float, ...]
) -> None:
    at_half(lake, config)
    changed = with_stages(config, *shares)
    days_of(lake, GOOD, range(8, 13))
    found = looked(lake, changed, START + 13 * DAY)
    assert found.decision.action == "hold"
    assert "the configured stages changed: 50% of users" in found.summary
    days_of(lake, Effect(errors=0.5), range(13, 15))
    assert looked(lake, changed, START + 15 * DAY).fell_back, "guardrails go on"


def test_a_list_of_stages_that_still_holds_the_share_goes_on_with_the_next_larger_one(
    lake: Lake, config: Config
) -> None:
    at_half(lake, config)
    changed = with_stages(config, 0.5, 0.7, 1.0)
    assert "stages changed" not in looked(lake, changed, START + 9 * DAY).summary
    assert steps.step_up(lake, SEGMENT, changed.rollout, act(START + 9 * DAY)).share == 0.7
    assert steps.step_back(lake, SEGMENT, changed.rollout, act(START + 9 * DAY)).share == 0.5
    with pytest.raises(NothingDueError, match="no smaller share"):
        steps.step_back(lake, SEGMENT, changed.rollout, act(START + 9 * DAY))
    assert (
        steps.step_up(lake, SEGMENT, with_stages(config, 0.1, 1.0).rollout, act(START + 9 * DAY)).champion == "owner-1"
    )


def test_a_clock_that_is_ahead_blinds_no_guardrail(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    steps.pause(lake, SEGMENT, act(START + 90 * DAY))
    steps.resume(lake, SEGMENT, act(START + 90 * DAY))
    steps.step_up(lake, SEGMENT, config.rollout, act(START + 3 * DAY))
    days_of(lake, Effect(errors=0.5), range(4, 6))
    found = looked(lake, config, START + 6 * DAY)
    assert found.fell_back and found.collected.observation.stage_days == 3


def test_a_stage_that_began_by_a_clock_that_is_ahead_is_watched_and_its_days_count_once_a_right_clock_wrote(
    lake: Lake, config: Config
) -> None:
    ready(lake)
    released(lake, config)
    steps.step_up(lake, SEGMENT, config.rollout, act(START + 300 * DAY))
    days_of(lake, GOOD, range(4, 9))
    held = looked(lake, config, START + 9 * DAY)
    assert held.decision.action == "hold" and "lies 291.0 days ahead" in held.summary
    assert held.collected.observation.candidate.answers > 500
    steps.pause(lake, SEGMENT, act(START + 9 * DAY))
    steps.resume(lake, SEGMENT, act(START + 9 * DAY))
    days_of(lake, GOOD, range(10, 14))
    later = looked(lake, config, START + 14 * DAY)
    assert later.collected.observation.stage_days == 5
    assert not any(finding.rule == "state.clock" for finding in later.decision.reasons)
    days_of(lake, Effect(errors=0.5), range(14, 15))
    assert looked(lake, config, START + 15 * DAY).fell_back


def test_a_candidate_whose_files_are_gone_goes_back_and_says_what_to_do(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    shutil.rmtree(lake.adapter_dir(SEGMENT, "owner-1"))
    found = looked(lake, config, START + DAY)
    assert found.fell_back and "lyo release tutoring.en.math" in found.summary
    assert read_history(lake, SEGMENT).events[-1].figures["findings"][-1]["rule"] == "state.candidate_files"


def test_where_the_champions_files_are_gone_nobody_is_moved_up_and_nobody_falls_back_onto_them(
    lake: Lake, config: Config
) -> None:
    for number, version in enumerate(("owner-1", "owner-22", "owner-333")):
        ready(lake, version)
        released(lake, config, now=START + number * DAY)
        for minutes in (1, 2, 3) if number < 2 else ():
            steps.step_up(lake, SEGMENT, config.rollout, act(START + number * DAY + timedelta(minutes=minutes)))
    shutil.rmtree(lake.adapter_dir(SEGMENT, "owner-22"))
    found = looked(lake, config, START + 4 * DAY)
    assert found.decision.action == "hold" and "lyo rollback" in found.summary
    plan = steps.plan_rollback(lake, read_release(lake, SEGMENT))
    assert (plan.leaves, plan.to, plan.share) == ("owner-333", "owner-1", 1.0)
    after = steps.fall_back(lake, SEGMENT, act(START + 4 * DAY))
    assert (after.champion, after.states["owner-333"]) == ("owner-1", "fallen_back")
    assert [event.kind for event in read_history(lake, SEGMENT).events[-2:]] == ["fell_back", "rolled_back"]
    assert read_routing(lake).entries[SEGMENT].champion.version == "owner-1"  # pyright: ignore[reportOptionalMemberAccess]


def test_a_day_that_cannot_be_read_holds_the_step_and_the_other_days_still_send_back(
    lake: Lake, config: Config
) -> None:
    ready(lake)
    released(lake, config)
    days_of(lake, GOOD, range(1, 5))
    Path(lake.interactions((START + 2 * DAY).date())).write_bytes(b"PAR1")
    held = looked(lake, config, START + 5 * DAY)
    assert held.decision.action == "hold" and "interactions of 2026-11-04" in held.summary
    days_of(lake, Effect(errors=0.5), range(5, 7))
    assert looked(lake, config, START + 7 * DAY).fell_back


def test_when_no_answer_arrives_any_more_the_step_waits_for_the_next_one(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    days_of(lake, GOOD, range(1, 4))
    assert looked(lake, config, START + 4 * DAY).decision.action == "up"
    held = looked(lake, config, START + 8 * DAY)
    assert (held.decision.action, held.collected.observation.last_day) == ("hold", (START + 3 * DAY).date())
    assert "the newest is of 2026-11-05" in held.summary
    days_of(lake, GOOD, range(8, 9))
    assert looked(lake, config, START + 9 * DAY).decision.action == "up"


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_a_damaged_day_before_the_release_blinds_no_guardrail_and_is_read_once_it_is_whole(
    lake: Lake, config: Config, damage: bytes | None
) -> None:
    ready(lake)
    traffic = Traffic(SEGMENT, users=600, per_day=2_000)
    for days in (1, 2):
        interactions(lake, traffic.day((START - days * DAY).date(), lambda user: (None, None), questions=600))
    path = Path(lake.interactions((START - DAY).date()))
    whole = path.read_bytes()
    if damage is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(damage)
    released(lake, config)
    days_of(lake, GOOD, range(1, 2))

    def known() -> int:
        seen = looked(lake, config, START + 2 * DAY).collected.observation
        return int(seen.candidate.pre_period_n.sum() + seen.current.pre_period_n.sum())

    one_day = known()
    assert one_day > 50
    if damage is None:
        path.rmdir()
    path.write_bytes(whole)
    assert known() > one_day
    path.write_bytes(b"PAR1")
    days_of(lake, HARMFUL, range(2, 4))
    assert looked(lake, config, START + 4 * DAY).fell_back


@pytest.mark.parametrize(("column", "value"), [("rating", "nan"), ("rating", "inf"), ("response_time_ms", "nan")])
def test_a_figure_that_is_none_does_not_hide_the_others_of_its_arm(
    lake: Lake, config: Config, column: str, value: str
) -> None:
    ready(lake)
    released(lake, config)
    days_of(lake, Effect(rating=-1.5, slower=4.0), range(1, 3))
    path = lake.interactions((START + DAY).date())
    rows = pl.DataFrame(pl.from_arrow(lake.read_table(path)))
    broken = pl.when(pl.int_range(pl.len()) % 50 == 0).then(float(value)).otherwise(pl.col(column))
    changed = rows.with_columns(broken.cast(rows.schema[column]).alias(column))
    lake.write_table(changed.to_arrow().cast(lake.read_table(path).schema), path)
    found = looked(lake, config, START + 3 * DAY)
    fired = {finding.rule for finding in found.decision.reasons if finding.outcome == "fire"}
    assert {"brake.rating_drop", "brake.response_time"} <= fired


# -- what people do ------------------------------------------------------------------------------------------------
def test_a_person_steps_back_pauses_resumes_and_retires(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    with pytest.raises(IllegalEventError, match="pause it, retire it or roll it back"):
        steps.step_back(lake, SEGMENT, config.rollout, act())
    steps.step_up(lake, SEGMENT, config.rollout, act(START + DAY))
    assert steps.step_back(lake, SEGMENT, config.rollout, act(START + 2 * DAY)).stage_began_at == START + 2 * DAY
    assert steps.pause(lake, SEGMENT, act(START + 2 * DAY)).paused
    assert not steps.resume(lake, SEGMENT, act(START + 3 * DAY)).paused
    assert steps.retire(lake, SEGMENT, act(START + 3 * DAY)).states["owner-1"] == "retired"
    assert read_routing(lake).entries == {}
    with pytest.raises(NothingDueError, match="Possible: release"):
        steps.pause(lake, SEGMENT, act(START + 3 * DAY))
    with pytest.raises(ReasonMissingError, match="--reason"):
        act(reason=" ")


def test_a_rollback_brings_back_the_newest_champion_that_is_whole(lake: Lake, config: Config) -> None:
    for number, version in enumerate(("owner-1", "owner-22", "owner-333")):
        ready(lake, version)
        now = START + number * DAY
        released(lake, config, now=now)
        for minutes in (1, 2, 3):
            steps.step_up(lake, SEGMENT, config.rollout, act(now + timedelta(minutes=minutes)))
    (Path(lake.adapter_dir(SEGMENT, "owner-22")) / "adapter_model.safetensors").write_bytes(b"bitrot")
    plan = steps.plan_rollback(lake, read_release(lake, SEGMENT))
    assert (plan.leaves, plan.to, plan.share) == ("owner-333", "owner-1", 1.0)
    assert "owner-22: " in plan.skipped[0] and "differs" in plan.skipped[0]
    after = steps.roll_back(lake, SEGMENT, act(START + 5 * DAY), plan)
    assert after.champion == "owner-1"
    assert read_history(lake, SEGMENT).events[-1].figures["skipped"] == list(plan.skipped)
    again = steps.plan_rollback(lake, after)
    assert (again.to, again.leaves) == ("", "owner-1")
    with pytest.raises(MovedOnError):
        steps.roll_back(lake, SEGMENT, act(START + 5 * DAY, expected=plan.sequence), again)
    nothing = steps.roll_back(lake, SEGMENT, act(START + 5 * DAY), again)
    with pytest.raises(NothingDueError, match="nothing to roll back"):
        steps.plan_rollback(lake, nothing)


def test_a_candidate_leaves_first_when_rolled_back(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    plan = steps.plan_rollback(lake, read_release(lake, SEGMENT))
    assert (plan.leaves, plan.to, plan.share) == ("owner-1", "", 0.1)
    assert steps.roll_back(lake, SEGMENT, act()).states["owner-1"] == "fallen_back"


# -- the picture ---------------------------------------------------------------------------------------------------
def test_the_picture_is_small_and_shows_the_shares(lake: Lake, config: Config) -> None:
    ready(lake)
    released(lake, config)
    steps.step_up(lake, SEGMENT, config.rollout, act(START + 3 * DAY))
    steps.fall_back(lake, SEGMENT, act(START + 5 * DAY))
    events = read_history(lake, SEGMENT).events
    points = share_by_time(events, START + 6 * DAY)
    assert [((at - START).days, share) for at, share in points] == [(0, 0.1), (3, 0.25), (5, 0.0), (6, 0.0)]
    for shown in (events, events[:2], ()):
        png = stages_plot(shown, config.rollout.stages, segment=SEGMENT, now=START + 6 * DAY)
        assert png.startswith(b"\x89PNG") and len(png) < MAXIMUM_BYTES
