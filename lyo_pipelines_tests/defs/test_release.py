"""Releases on a real Dagster instance: the asset begins them, the sensor sends back at once and launches steps up, once each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import PARTITION, SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.rollout import rollout_sensor_for
from lyo_pipelines.registry.log import read_history, read_release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.release import Act
from lyo_pipelines.rollout.routing import read_routing, routing_path
from lyo_pipelines.rollout.start import adapter_of, start_release
from lyo_pipelines.sample.traffic import GOOD, Effect, Traffic
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.versions import latest_adapter
from lyo_pipelines_tests.defs.conftest import Clock
from lyo_pipelines_tests.defs.daemon import daemon
from lyo_pipelines_tests.evaluation.sample_reports import adapter as real_adapter
from lyo_pipelines_tests.evaluation.sample_reports import tiny_base
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, write
from lyo_pipelines_tests.registry.event_factory import promoted as all_the_way
from lyo_pipelines_tests.rollout.adapter_factory import GATES, adapter, interactions, ready, report, routed

NOW = datetime.fromisoformat("2026-11-16T06:00:00+00:00")
DAY = timedelta(days=1)
FAILING = Effect(errors=0.5)


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    config = tmp_path / "config.yaml"
    config.write_text(GATES)
    return Store(data_dir=str(tmp_path / "data"), config_path=str(config))


@pytest.fixture
def lake(store: Store) -> Lake:
    return store.lake()


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    """The definitions' clock, at the moment that the made-up days lead up to."""
    clock.now = NOW
    return clock


def materialize(instance: dg.DagsterInstance, store: Store, segment: str = SEGMENT) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions(SEGMENTS.name, [segment])
    job = build_defs(resources={"store": store}).resolve_job_def("release_adapter")
    config = {"ops": {"release": {"config": {"reason": "to try it", "person": "asha"}}}}
    return job.execute_in_process(
        instance=instance, partition_key=segment, run_config=config, raise_on_error=False
    )  # fmt: skip


def tick(instance: dg.DagsterInstance, store: Store, cursor: str | None = None) -> dg.SensorResult:
    found: Any = rollout_sensor_for()(
        dg.build_sensor_context(instance=instance, cursor=cursor, resources={"store": store})
    )
    return found


def told(result: dg.SensorResult) -> list[str]:
    """The events that a tick showed."""
    seen = [event for event in result.asset_events if isinstance(event, dg.AssetObservation)]
    return [str(event.metadata["event"].value) for event in seen if "event" in event.metadata]


def obstructions_told(result: dg.SensorResult) -> list[dg.AssetCheckEvaluation]:
    """What a tick said of states that hold a segment, or no longer do."""
    checks = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    return [check for check in checks if check.check_name == "unobstructed"]


def begun(lake: Lake, at: datetime, version: str = "owner-2", make: Callable[..., None] = ready) -> None:
    """A candidate in canary since `at`, beside a champion."""
    make(lake, "owner-1")
    champion = adapter_of(latest_adapter(lake, SEGMENT))
    write(lake, *(replace(one, adapter=champion) for one in all_the_way("owner-1", day=-60)))
    make(lake, version)
    config = load_config(Path(lake.root).parent / "config.yaml")
    start_release(lake, SEGMENT, config.evaluation, config.rollout, who=PERSON, reason="to try it", now=at)


def test_materializing_release_begins_it_and_shows_gates_stages_and_history(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    ready(lake)
    result = materialize(instance, store)
    assert result.success
    (event,) = [one for one in result.all_events if one.is_step_materialization]
    shown = event.step_materialization_data.materialization.metadata
    assert "serves 10% of users" in str(shown["says"].value)
    assert "data:image/png;base64" in str(shown["stages"].value)
    assert len(str(shown["stages"].value)) < 40_000
    assert "improves" in str(shown["gates"].value)
    assert "asha" in str(shown["history"].value) and "to try it" in str(shown["history"].value)
    assert {check.check_name: check.passed for check in result.get_asset_check_evaluations()} == {
        "guardrails": True,
        "unobstructed": True,
        "files_as_registered": True,
        "untainted": True,
    }
    assert read_routing(lake).entries[SEGMENT].stage == 1


def test_a_rejected_adapter_is_said_with_its_gate_and_reaches_nobody(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    adapter(lake)
    report(lake, verdict="worse")
    result = materialize(instance, store)
    assert result.success, "a gate that holds is no failure of the run"
    (event,) = [one for one in result.all_events if one.is_step_materialization]
    assert "is rejected: improves" in str(event.step_materialization_data.materialization.metadata["says"].value)
    assert read_routing(lake).entries == {}


def test_a_segment_without_a_report_fails_with_what_to_do(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    adapter(lake)
    result = materialize(instance, store)
    (failed,) = [one for one in result.all_events if one.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    assert data is not None and "Materialize eval_report" in str(data.description)


def test_a_harmful_candidate_is_sent_back_within_the_tick_and_told_with_its_evidence(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock
) -> None:
    begun(lake, NOW - DAY)
    interactions(lake, Traffic(SEGMENT).day(NOW.date() - DAY, routed(lake), FAILING, questions=3_000))
    result = tick(instance, store)
    assert not result.run_requests
    assert read_release(lake, SEGMENT).champion == "owner-1"
    assert read_routing(lake).entries[SEGMENT].candidate is None
    assert told(result)[-1] == "fell back"
    last = [event for event in result.asset_events if isinstance(event, dg.AssetObservation)][-1]
    assert last.partition == SEGMENT
    assert "errors" in str(last.metadata["findings"].value)
    metrics = str(last.metadata["success_metrics"].value)
    assert all(name in metrics for name in ("rating", "response time", "cultural complaints", "retries"))
    assert "candidate" in str(last.metadata["arms"].value)
    assert "data:image/png;base64" in str(last.metadata["stages"].value)
    (check,) = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    assert (check.check_name, check.passed, check.partition) == ("guardrails", False, SEGMENT)

    again = tick(instance, store, result.cursor)
    assert (told(again), list(again.asset_events)) == ([], [])
    assert "no release in canary" in str(again.skip_reason)
    lost = tick(instance, store, None)
    assert told(lost)[-1] == "fell back", "a lost cursor tells again and does nothing again"
    assert [event.kind for event in read_history(lake, SEGMENT).events].count("fell_back") == 1


def test_a_real_daemon_keeps_what_the_tick_told_and_the_failed_check_of_the_segment(
    on_sqlite: dg.DagsterInstance, store: Store, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("DATA_DIR", store.data_dir), ("CONFIG", store.config_path)):
        monkeypatch.setenv(f"LYO_{name}", value)
    begun(lake, NOW - 2 * DAY)
    interactions(lake, Traffic(SEGMENT).day(NOW.date() - DAY, routed(lake), FAILING, questions=3_000))
    with daemon(on_sqlite, "ROLLOUT") as served:
        assert served.tick() == []
        wanted = dg.AssetRecordsFilter(dg.AssetKey("release"), asset_partitions=[SEGMENT])
        seen = on_sqlite.fetch_observations(wanted, limit=100).records
        shown = [record.asset_observation for record in seen]
        newest = next(one for one in shown if one and "event" in one.metadata)
        assert newest.metadata["event"].value == "fell back"
        assert served.tick() == []
        assert len(on_sqlite.fetch_observations(wanted, limit=100).records) == len(seen), "nothing is told twice"
    key = dg.AssetCheckKey(dg.AssetKey("release"), "guardrails")
    (record,) = on_sqlite.event_log_storage.get_asset_check_execution_history(key, limit=10)
    found = record.event.dagster_event.asset_check_evaluation_data if record.event else None
    assert found is not None and (found.passed, found.partition) == (False, SEGMENT)


def test_a_quiet_tick_says_that_nothing_is_new(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock
) -> None:
    assert "no release in canary" in str(tick(instance, store).skip_reason)
    begun(lake, NOW - DAY)
    interactions(lake, Traffic(SEGMENT).day(NOW.date() - DAY, routed(lake), questions=300))
    first = tick(instance, store)
    assert "Expected to be known" in str(first.skip_reason) or "at the present rate" in str(first.skip_reason)
    decisions = [event for event in first.asset_events if "decision" in getattr(event, "metadata", {})]
    assert [str(event.metadata["decision"].value) for event in decisions] == ["hold"]
    second = tick(instance, store, first.cursor)
    assert (list(second.asset_events), "nothing new about 1 releases" in str(second.skip_reason)) == ([], True)


def test_what_a_person_did_is_told_by_the_next_tick(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock
) -> None:
    begun(lake, NOW - DAY)
    first = tick(instance, store)
    steps.pause(lake, SEGMENT, Act(PERSON, "exam week", NOW))
    Path(routing_path(lake)).unlink()
    second = tick(instance, store, first.cursor)
    assert told(second) == ["paused"]
    assert read_routing(lake).entries[SEGMENT].stage == 1, "a routing file that is gone is written anew"


def test_a_step_that_is_due_is_one_run_that_rehearses_with_the_real_model(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock, tmp_path: Path, monkeypatch
) -> None:
    base = tiny_base(tmp_path / "base")
    source = real_adapter(tmp_path / "source", base, base)
    begun(lake, NOW - 4 * DAY, make=_real(base, source))
    traffic = Traffic(SEGMENT, users=600)
    for back in range(4, 0, -1):
        interactions(lake, traffic.day(NOW.date() - back * DAY, routed(lake), GOOD, questions=2_000))
    result = tick(instance, store)
    (request,) = list(result.run_requests or [])
    assert (request.job_name, request.partition_key) == ("step_up", SEGMENT)
    assert [list(one.partition_keys) for one in result.dynamic_partitions_requests or []] == [[SEGMENT]]
    (same,) = list(tick(instance, store, result.cursor).run_requests or [])
    assert same.run_key == request.run_key, "Dagster makes one run of both"

    instance.add_dynamic_partitions(SEGMENTS.name, [SEGMENT])
    job = build_defs(resources={"store": store}).resolve_job_def("step_up")
    run = job.execute_in_process(instance=instance, partition_key=SEGMENT, tags=request.tags)
    assert run.success
    release = read_release(lake, SEGMENT)
    assert (release.stage, release.share) == (2, 0.25)
    rehearsal = read_history(lake, SEGMENT).events[-1].figures["rehearsal"]
    assert (rehearsal["target"], rehearsal["files"]) == ("owner-1", 3)
    shown = instance.fetch_materializations(dg.AssetKey("release"), limit=1).records[0].asset_materialization
    assert shown is not None and "owner-1: " in str(shown.metadata["rehearsed_fallback"].value)
    assert not list(tick(instance, store, result.cursor).run_requests or []), "the next stage has to be served first"

    again = job.execute_in_process(instance=instance, partition_key=SEGMENT)
    assert again.success and read_release(lake, SEGMENT).stage == 2, "a run that comes late takes no step"


def _real(base: Path, source: Path) -> Callable[..., None]:
    """`ready` with weights that can be loaded."""

    def made(lake: Lake, version: str = "owner-1", segment: str = SEGMENT) -> None:
        adapter(lake, version, segment, base=str(base), source=source)
        report(lake, version, segment)

    return made


def due(lake: Lake) -> None:
    """A release whose next step is due; its adapters are bytes that no model can load."""
    begun(lake, NOW - 4 * DAY)
    traffic = Traffic(SEGMENT, users=600)
    for back in range(4, 0, -1):
        interactions(lake, traffic.day(NOW.date() - back * DAY, routed(lake), GOOD, questions=2_000))


def test_a_fallback_that_is_damaged_holds_the_release_and_says_what_to_do(
    instance: dg.DagsterInstance, store: Store, lake: Lake
) -> None:
    due(lake)
    weights = Path(lake.adapter_dir(SEGMENT, "owner-1")) / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(b"bitrot")
    result = tick(instance, store)
    assert not result.run_requests
    (found,) = obstructions_told(result)
    assert (found.passed, found.partition) == (False, SEGMENT)
    assert "adapter_model.safetensors differs" in str(found.description) and "lyo rollback" in str(found.description)
    weights.write_bytes(whole)
    mended = tick(instance, store, result.cursor)
    assert [check.passed for check in obstructions_told(mended)] == [True]
    assert len(list(mended.run_requests or [])) == 1


def test_a_fallback_that_cannot_be_loaded_fails_the_run_and_is_tried_again_ever_more_rarely(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock
) -> None:
    due(lake)
    (request,) = list(tick(instance, store).run_requests or [])
    instance.add_dynamic_partitions(SEGMENTS.name, [SEGMENT])
    job = build_defs(resources={"store": store}).resolve_job_def("step_up")
    for _ in range(3):
        run = job.execute_in_process(instance=instance, partition_key=SEGMENT, tags=request.tags, raise_on_error=False)
        assert not run.success
    (failed,) = [one for one in run.all_events if one.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    assert data is not None and "owner-1 cannot serve" in str(data.description)
    assert read_release(lake, SEGMENT).stage == 1
    blocked = tick(instance, store)
    assert not blocked.run_requests
    (found,) = obstructions_told(blocked)
    for said in (str(found.description), str(blocked.skip_reason)):
        assert "3 runs of step_up failed" in said and "re-execute" in said and "2026-11-16 07:00 UTC" in said
    clock.now += timedelta(minutes=59)
    assert not tick(instance, store, blocked.cursor).run_requests
    clock.now += timedelta(minutes=2)
    (again,) = list(tick(instance, store, blocked.cursor).run_requests or [])
    assert str(again.run_key).endswith(":attempt4")


def test_a_release_that_cannot_be_read_does_not_keep_another_from_falling_back(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock
) -> None:
    begun(lake, NOW - DAY)
    interactions(lake, Traffic(SEGMENT).day(NOW.date() - DAY, routed(lake), FAILING, questions=3_000))
    broken = Path(lake.path("registry", "tutoring.hi.math", "00000001.json"))
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    result = tick(instance, store)
    assert read_release(lake, SEGMENT).champion == "owner-1" and not read_release(lake, SEGMENT).in_canary
    (found,) = obstructions_told(result)
    assert (found.partition, found.passed) == ("tutoring.hi.math", False)
    assert "00000001.json" in str(found.description)
    again = tick(instance, store, result.cursor)
    assert obstructions_told(again) == [], "what is known is not told at every tick"
    assert "00000001.json" in str(again.skip_reason), "but silence never looks like all is well"
    broken.unlink()
    (over,) = obstructions_told(tick(instance, store, again.cursor))
    assert (over.partition, over.passed) == ("tutoring.hi.math", True)


def test_a_new_report_releases_by_itself_only_where_the_configuration_says_so(
    instance: dg.DagsterInstance, store: Store, lake: Lake, clock: Clock
) -> None:
    ready(lake)
    assert not tick(instance, store).run_requests
    Path(store.config_path).write_text(f"{GATES}release: {{automatic: true}}\n")
    (request,) = list(tick(instance, store).run_requests or [])
    assert (request.job_name, request.partition_key) == ("release_adapter", SEGMENT)
    assert PARTITION not in request.tags
    assert materialize(instance, store).success
    assert not tick(instance, store).run_requests


@pytest.mark.parametrize(("value", "status"), [("on", "RUNNING"), ("off", "STOPPED")])
def test_the_setting_of_the_triggers_says_whether_the_sensor_runs(
    value: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYO_TRIGGERS", value)
    assert rollout_sensor_for().default_status.value == status
