"""The four triggers on a real Dagster instance: they launch once for good reasons, say why, and lose nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from lyo_pipelines.config.settings import SettingsError
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import PARTITION
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import CAUSE, TRIGGER, WHY
from lyo_pipelines.defs.sensors.triggers import trigger_sensor, trigger_sensors
from lyo_pipelines.health.read import HealthUnreadableError
from lyo_pipelines.retraining.claims import read_claims
from lyo_pipelines.retraining.curriculum import CurriculumError
from lyo_pipelines.retraining.findings import KINDS, Kind
from lyo_pipelines.retraining.ledger import read_decisions
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.defs.health_days import write_history, yesterday

MATH, PHYSICS = "tutoring.en.math", "tutoring.en.physics"
Result = dg.SensorResult | dg.SkipReason


def tick(kind: Kind, instance: dg.DagsterInstance, store: Store, cursor: str | None = None) -> dg.SensorResult:
    """One evaluation of a trigger; a skip is a result without requests."""
    found: Any = trigger_sensor(kind)(
        dg.build_sensor_context(instance=instance, cursor=cursor, resources={"store": store})
    )
    return dg.SensorResult(skip_reason=found) if isinstance(found, dg.SkipReason) else found


def requests(result: dg.SensorResult) -> list[dg.RunRequest]:
    return list(result.run_requests or [])


def launch(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """The run that the daemon makes of a request, in the state in which it now is."""
    tags = {**request.tags, PARTITION: str(request.partition_key)}
    return instance.create_run_for_job(build_defs().resolve_job_def("retrain"), tags=tags, status=status)


def age_claims(lake: Lake, by: timedelta) -> None:
    """Let all claims have been made earlier."""
    folder = Path(lake.path("decisions", "launches"))
    for path in folder.glob("*.json"):
        told = json.loads(path.read_text())
        claim = next(claim for claim in read_claims(lake) if claim.name == path.stem)
        path.write_text(json.dumps({**told, "at": (claim.at - by).isoformat()}))


@pytest.fixture(autouse=True)
def clock() -> None:
    """The definitions' clock runs: a tick weighs its own moment against those that Dagster's storage stamps."""


@pytest.fixture
def lake(store: Store) -> Lake:
    """A segment that has enough examples and was never trained, and one that is far from it."""
    found = store.lake()
    write_history(found, MATH)
    write_history(found, PHYSICS, n=20)
    return found


def test_a_damaged_file_of_one_segment_is_told_once_and_keeps_no_other_from_being_trained(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    for segment in (MATH, PHYSICS):
        Path(lake.adapter_dir(segment)).mkdir(parents=True)
    pointer = Path(lake.adapter_dir(PHYSICS)) / "latest.json"
    pointer.write_bytes(b"\x00\xff")
    first = tick("volume", instance, store)
    assert [str(request.partition_key) for request in requests(first)] == [MATH]
    checks = [one for one in first.asset_events if isinstance(one, dg.AssetCheckEvaluation)]
    assert [(one.check_name, one.passed) for one in checks] == [("files_readable", False)]
    assert PHYSICS in str(checks[0].description) and "latest.json" in str(checks[0].description)
    second = tick("volume", instance, store, first.cursor)
    assert not [one for one in second.asset_events if isinstance(one, dg.AssetCheckEvaluation)]
    pointer.unlink()
    mended = tick("volume", instance, store, second.cursor)
    assert [one.passed for one in mended.asset_events if isinstance(one, dg.AssetCheckEvaluation)] == [True]


def test_a_segment_that_reaches_the_minimum_is_launched_and_says_why(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    result = tick("volume", instance, store)
    (request,) = requests(result)
    assert request.partition_key == MATH
    assert request.tags[TRIGGER] == "volume"
    assert "1,350 curated examples" in request.tags[WHY]
    assert request.run_config["ops"]["adapter"]["config"]["recipe"] == "owner"
    assert [list(r.partition_keys) for r in result.dynamic_partitions_requests or []] == [[MATH]], (
        "a new segment is added"
    )
    told = read_decisions(lake, MATH)[0]
    assert (told["outcome"], told["examples"], told["cause_hash"]) == ("fire", 1350, request.tags[CAUSE])
    assert read_decisions(lake, PHYSICS)[0]["outcome"] == "hold"


def test_every_decision_is_an_observation_with_its_evidence(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    events = {event.partition: event for event in tick("volume", instance, store).asset_events}
    assert set(events) == {MATH, PHYSICS, None}, "each segment, and an overview"
    assert "600 of 1,000" in str(events[PHYSICS].metadata["why"].value)
    assert MATH in str(events[None].metadata["decisions"].value)
    again = {event.partition for event in tick("quality", instance, store).asset_events}
    assert PHYSICS not in again, "what is known already is not told again"


def test_nothing_is_launched_again_while_the_run_is_in_flight_nor_after_it(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    result = tick("volume", instance, store)
    run = launch(instance, requests(result)[0], dg.DagsterRunStatus.STARTED)
    assert not requests(tick("volume", instance, store, result.cursor))
    assert "launched for this" in read_decisions(lake, MATH)[0]["says"]
    instance.handle_new_event(_success(run))
    age_claims(lake, timedelta(days=2))
    again = tick("volume", instance, store)
    assert not requests(again)
    settled = tick("volume", instance, store, again.cursor)
    assert "nothing changed" in str(settled.skip_reason), "and then a tick costs nothing"


def test_a_launch_of_which_no_run_is_seen_is_made_again_with_the_same_key_by_the_same_sensor(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    """The daemon died between the tick and its run."""
    first = requests(tick("volume", instance, store))[0]
    assert not requests(tick("volume", instance, store)), "it may still be on its way"
    age_claims(lake, timedelta(seconds=121))
    (second,) = requests(tick("volume", instance, store))
    assert second.run_key == first.run_key, "Dagster makes one run of both"
    assert [claim.generation for claim in read_claims(lake)] == [1]


def test_a_failed_launch_is_tried_three_times_and_then_waits_for_a_person(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    keys = []
    for _ in range(3):
        (request,) = requests(tick("volume", instance, store))
        keys.append(request.run_key)
        launch(instance, request, dg.DagsterRunStatus.FAILURE)
    assert [key.rpartition(":")[2] for key in keys] == ["attempt1", "attempt2", "attempt3"]
    assert len({key.rpartition(":")[0] for key in keys}) == 1, "one cause"
    assert not requests(tick("volume", instance, store))
    assert "failed in a row" in str(read_decisions(lake, MATH)[0]["held_by"])


def test_a_run_that_a_person_stops_is_not_launched_again_one_that_goes_down_with_its_server_is(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    run = launch(instance, requests(tick("volume", instance, store))[0], dg.DagsterRunStatus.CANCELED)
    (again,) = requests(tick("volume", instance, store))
    assert str(again.run_key).endswith("attempt2")
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_CANCELING.value, job_name=run.job_name, message="")
    instance.report_dagster_event(event, run.run_id)
    age_claims(lake, timedelta(days=2))
    canceled = dg.DagsterEvent(event_type_value="PIPELINE_CANCELED", job_name=run.job_name, message="")
    instance.report_dagster_event(canceled, run.run_id)
    assert not requests(tick("volume", instance, store))


def test_several_causes_are_one_launch_that_names_them_all(instance: dg.DagsterInstance, store: Store) -> None:
    write_history(store.lake(), MATH, days=84, n=16, lately=3.0)
    (request,) = requests(tick("volume", instance, store))
    assert request.tags[TRIGGER] == "quality,performance,volume"
    assert "mean rating" in request.tags[WHY]
    launch(instance, request, dg.DagsterRunStatus.STARTED)
    assert not requests(tick("quality", instance, store))


def test_a_trigger_leaves_alone_what_is_not_its_kind(instance: dg.DagsterInstance, store: Store, lake: Lake) -> None:
    for kind in KINDS:
        if kind != "volume":
            assert not requests(tick(kind, instance, store))


def test_all_sensors_at_once_and_a_second_daemon_launch_one_run(instance: dg.DagsterInstance, store: Store) -> None:
    write_history(store.lake(), MATH, days=84, n=16, lately=3.0)
    kinds: list[Kind] = ["volume", "quality"] * 4
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda kind: tick(kind, instance, store), kinds))
    assert sum(len(requests(result)) for result in results) == 1
    outcomes = [row["outcome"] for row in read_decisions(store.lake(), MATH)]
    assert outcomes.count("fire") == 1, "and the ledger has one line of it"


def test_a_training_that_a_person_started_holds_the_triggers(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    job = build_defs().resolve_job_def("retrain")
    instance.create_run_for_job(job, tags={PARTITION: MATH}, status=dg.DagsterRunStatus.STARTED)
    assert not requests(tick("volume", instance, store))
    assert "in flight" in str(read_decisions(lake, MATH)[0]["held_by"])


def test_the_weekly_budget_holds_what_does_not_fit(instance: dg.DagsterInstance, store: Store, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"retraining": {"launch": {"weekly_budget": 2}}}))
    for subject in ("math", "physics", "chemistry"):
        write_history(store.lake(), f"tutoring.en.{subject}")
    tight = Store(data_dir=store.data_dir, config_path=str(config))
    launched = [request.partition_key for request in requests(tick("volume", instance, tight))]
    assert launched == ["tutoring.en.chemistry", "tutoring.en.math"]
    assert "weekly budget of 2" in str(read_decisions(tight.lake(), PHYSICS)[0]["held_by"])


def test_one_broken_day_is_told_and_all_broken_days_fail_the_tick(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    paths = [Path(lake.health(yesterday() - timedelta(days=back))) for back in range(30)]
    paths[3].write_bytes(b"no parquet")
    assert len(requests(tick("volume", instance, store))) == 1
    for path in paths:
        path.write_bytes(b"no parquet")
    with pytest.raises(HealthUnreadableError, match="Materialize segment_health"):
        tick("volume", instance, store)


def test_a_broken_curriculum_fails_the_tick_and_names_the_key(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    Path(store.data_dir, "curriculum.local.yaml").write_text("subjects: {math: {languages: [xx]}}")
    with pytest.raises(CurriculumError, match=r"names the language 'xx'"):
        tick("business", instance, store)


def test_before_there_is_any_data_a_tick_says_so(instance: dg.DagsterInstance, store: Store) -> None:
    assert "no day of segment_health" in str(tick("volume", instance, store).skip_reason)


@pytest.mark.parametrize(("value", "status"), [("on", "RUNNING"), ("off", "STOPPED"), (None, "STOPPED")])
def test_one_setting_says_whether_triggers_run(value: str | None, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LYO_TRIGGERS", raising=False)
    if value is not None:
        monkeypatch.setenv("LYO_TRIGGERS", value)
    assert trigger_sensor("volume").default_status.value == status
    assert [sensor.name for sensor in trigger_sensors] == [f"{kind}_sensor" for kind in KINDS]


def test_a_typing_error_in_the_setting_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYO_TRIGGERS", "onn")
    with pytest.raises(SettingsError, match=r"LYO_TRIGGERS: .*'on' or 'off'"):
        trigger_sensor("volume")


def _success(run: dg.DagsterRun) -> Any:
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name, message="")
    return dg.EventLogEntry(
        error_info=None,
        level=20,
        user_message="",
        run_id=run.run_id,
        timestamp=0.0,
        job_name=run.job_name,
        dagster_event=event,
    )
