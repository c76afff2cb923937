"""Files in the inbox become interactions and examples, seen from Dagster: sensors, ranges of days, checks, late ratings."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

# private: what the UI shows as stale has no public name
from dagster._core.definitions.data_version import StaleStatus
from dagster._utils.test.data_versions import get_stale_status_resolver

from lyo_pipelines.curation.inputs import built_from as examples_built_from
from lyo_pipelines.defs.assets.interactions import raw_interactions
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import SEGMENTS, day_ranges
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.days import stale_days_sensor
from lyo_pipelines.defs.sensors.inbox import inbox_sensor
from lyo_pipelines.defs.sensors.segments import segments_sensor
from lyo_pipelines.health.day import built_from as health_built_from
from lyo_pipelines.interactions.days.build import day_inputs
from lyo_pipelines_tests.defs.conftest import drop, row, today


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, store: Store, cursor: str | None = None):
    """One evaluation of a sensor, as the daemon would call it."""
    return sensor(dg.build_sensor_context(instance=instance, cursor=cursor, resources={"store": store}))


def run(
    job: str, instance: dg.DagsterInstance, store: Store, request: dg.RunRequest | None = None
) -> dg.ExecuteInProcessResult:
    """Run what a sensor requested."""
    definition = build_defs(resources={"store": store}).resolve_job_def(job)
    return definition.execute_in_process(
        instance=instance, tags=dict(request.tags) if request else None, raise_on_error=False
    )


def data_through(instance: dg.DagsterInstance, store: Store) -> list[dg.RunRequest]:
    """Land the inbox and rebuild stale days through the sensors; return the requests of the days sensor."""
    request = tick(inbox_sensor, instance, store).run_requests[0]
    assert run("land_inbox", instance, store, request).success
    requests = tick(stale_days_sensor, instance, store).run_requests
    for request in requests:
        assert run("daily_data", instance, store, request).success
    return requests


def test_a_file_goes_through_the_sensors_into_examples(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(n, days_ago=1 + n % 3) for n in range(1, 31)])
    requests = data_through(instance, store)
    assert len(requests) == 1, "three neighbouring days are one run"
    for asset in ("raw_interactions", "filtered_examples"):
        assert len(instance.get_materialized_partitions(dg.AssetKey(asset))) == 3
    event = instance.get_latest_materialization_event(dg.AssetKey("filtered_examples"))
    assert event is not None and event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    assert next(iter(shown)) == "funnel", "what matters stands first, and the page of a day shows that day"
    assert {"kept", "dagster/row_count", "segments", "run_funnel"} <= set(shown)
    assert shown["kept"].value == "10 of 10 (100%)"
    assert isinstance(tick(inbox_sensor, instance, store), dg.SkipReason)
    assert isinstance(tick(stale_days_sensor, instance, store), dg.SkipReason)


def test_the_same_file_again_launches_nothing(instance: dg.DagsterInstance, store: Store) -> None:
    rows = [row(n) for n in range(1, 6)]
    drop(store, "log.jsonl", rows)
    data_through(instance, store)
    drop(store, "copy.jsonl", rows)
    request = tick(inbox_sensor, instance, store).run_requests[0]
    assert run("land_inbox", instance, store, request).success
    assert isinstance(tick(stale_days_sensor, instance, store), dg.SkipReason)


def test_a_late_rating_reopens_exactly_its_day(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(1, days_ago=9, rating=None), row(2, days_ago=2)])
    data_through(instance, store)
    drop(store, "late.jsonl", [{"interaction_id": "i1", "rating": 1, "feedback_at": today().isoformat()}])
    requests = data_through(instance, store)
    day = (today() - timedelta(days=9)).date().isoformat()
    assert [request.tags["dagster/asset_partition_range_start"] for request in requests] == [day]
    assert [request.tags["dagster/asset_partition_range_end"] for request in requests] == [day]


def test_a_file_that_is_still_being_copied_waits(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(1)], age_seconds=0)
    assert isinstance(tick(inbox_sensor, instance, store), dg.SkipReason)


def test_a_broken_file_is_set_aside_and_the_others_go_on(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "good.jsonl", [row(n) for n in range(1, 4)])
    broken = drop(store, "broken.parquet", [])
    broken.write_bytes(b"PAR1 this is no parquet file PAR1" * 10)
    request = tick(inbox_sensor, instance, store, None)
    if isinstance(request, dg.SkipReason):  # the broken file is younger than the settling time
        import os

        os.utime(broken, (1, 1))
        request = tick(inbox_sensor, instance, store, None)
    result = run("land_inbox", instance, store, request.run_requests[0])
    assert result.success
    checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert checks["rows_conserved"].passed
    assert not checks["files_readable"].passed
    assert not broken.exists()
    assert tick(stale_days_sensor, instance, store).run_requests


def test_feedback_that_reached_nothing_warns_until_its_interaction_lands(
    instance: dg.DagsterInstance, store: Store
) -> None:
    def landed() -> tuple[dg.AssetCheckEvaluation, dict]:
        request = tick(inbox_sensor, instance, store, None)
        result = run("land_inbox", instance, store, request.run_requests[0])
        assert result.success
        checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
        materialized = result.asset_materializations_for_node("landed_files")[0]
        return checks["feedback_attached"], materialized.metadata

    drop(store, "late.jsonl", [{"interaction_id": "i1", "rating": 1, "feedback_at": today().isoformat()}])
    check, _ = landed()
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert ".jsonl (1 of 1)" in (check.description or "")
    assert "late" not in str(check.metadata), "a file's name may be somebody's"
    drop(store, "log.jsonl", [row(1, response_time_ms="4,5 s")])
    check, metadata = landed()
    assert check.passed
    assert "response_time_ms" in str(metadata["worth_knowing"].value)


def test_without_a_key_nothing_is_read_and_the_run_says_what_to_do(
    instance: dg.DagsterInstance, store: Store, monkeypatch
) -> None:
    monkeypatch.delenv("LYO_PSEUDONYM_KEY", raising=False)
    drop(store, "log.jsonl", [row(1)])
    keyless = Store(data_dir=store.data_dir)
    result = run("land_inbox", instance, keyless)
    assert not result.success
    failure = next(e for e in result.all_events if e.is_step_failure)
    assert "LYO_PSEUDONYM_KEY" in str(failure.step_failure_data.error)


def test_segments_appear_once_they_reach_the_minimum(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(n) for n in range(1, 121)] + [row(n, subject="physics") for n in range(200, 260)])
    data_through(instance, store)
    result = tick(segments_sensor, instance, store)
    added = [key for request in result.dynamic_partitions_requests for key in request.partition_keys]
    assert added == ["tutoring.en.math"]
    instance.add_dynamic_partitions(SEGMENTS.name, added)
    assert isinstance(tick(segments_sensor, instance, store, cursor=result.cursor), dg.SkipReason)


def test_one_landing_run_at_a_time(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(1)])
    instance.create_run_for_job(build_defs().resolve_job_def("land_inbox"), status=dg.DagsterRunStatus.STARTED)
    skipped = tick(inbox_sensor, instance, store)
    assert isinstance(skipped, dg.SkipReason) and "in flight" in skipped.skip_message


def test_a_failing_cause_is_tried_three_times_and_then_held_aloud(instance: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(1)])
    job = build_defs().resolve_job_def("land_inbox")
    keys = set()
    for _ in range(3):
        request = tick(inbox_sensor, instance, store).run_requests[0]
        keys.add(request.run_key)
        instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE)
    assert len(keys) == 3
    held = tick(inbox_sensor, instance, store)
    assert isinstance(held, dg.SkipReason) and "failed 3 times" in held.skip_message


def test_ranges_bridge_short_gaps_only() -> None:
    day = today().date()
    days = [day, day + timedelta(days=2), day + timedelta(days=30)]
    assert day_ranges(days) == [(days[0], days[1]), (days[2], days[2])]
    assert day_ranges([]) == []


DAILY = ("raw_interactions", "filtered_examples", "segment_health")


def versions(instance: dg.DagsterInstance, asset: str) -> dict[str, str]:
    """The newest data version of each day of an asset."""
    found: dict[str, str] = {}
    for record in instance.fetch_materializations(dg.AssetKey(asset), limit=100).records:
        event = record.asset_materialization
        assert event is not None and event.tags is not None
        found.setdefault(str(event.partition), event.tags["dagster/data_version"])
    return found


def test_a_day_reports_the_signature_that_the_sensors_compare(on_sqlite: dg.DagsterInstance, store: Store) -> None:
    drop(store, "log.jsonl", [row(1), row(2)])
    data_through(on_sqlite, store)
    lake, yesterday = store.lake(), (today() - timedelta(days=1)).date()
    assert versions(on_sqlite, "raw_interactions") == {str(yesterday): day_inputs(lake, yesterday)}
    assert versions(on_sqlite, "filtered_examples") == {str(yesterday): str(examples_built_from(lake, yesterday))}
    assert versions(on_sqlite, "segment_health") == {str(yesterday): str(health_built_from(lake, yesterday))}


def test_a_late_rating_gives_its_day_new_versions_and_leaves_the_other_days_theirs(
    on_sqlite: dg.DagsterInstance, store: Store
) -> None:
    drop(store, "log.jsonl", [row(1, days_ago=9, rating=None), row(2, days_ago=2), row(3, days_ago=1)])
    data_through(on_sqlite, store)
    before = {asset: versions(on_sqlite, asset) for asset in DAILY}
    drop(store, "late.jsonl", [{"interaction_id": "i1", "rating": 1, "feedback_at": today().isoformat()}])
    data_through(on_sqlite, store)
    late = (today() - timedelta(days=9)).date().isoformat()
    for asset in DAILY:
        after = versions(on_sqlite, asset)
        assert {day for day in after if after[day] != before[asset][day]} == {late}, asset


def stale_in_the_ui(instance: dg.DagsterInstance) -> set[tuple[str, str]]:
    """The days of the daily assets that Dagster calls stale."""
    definitions = [
        definition for definition in build_defs().assets or [] if isinstance(definition, dg.AssetsDefinition)
    ]
    resolver = get_stale_status_resolver(instance, definitions)
    days = {(asset, day) for asset in DAILY for day in instance.get_materialized_partitions(dg.AssetKey(asset))}
    return {(asset, day) for asset, day in days if resolver.get_status(dg.AssetKey(asset), day) == StaleStatus.STALE}


def test_the_ui_calls_the_examples_of_a_day_stale_once_its_interactions_changed(
    on_sqlite: dg.DagsterInstance, store: Store
) -> None:
    drop(store, "log.jsonl", [row(1, days_ago=9, rating=None), row(2, days_ago=2), row(3, days_ago=1)])
    data_through(on_sqlite, store)
    assert stale_in_the_ui(on_sqlite) == set()
    drop(store, "late.jsonl", [{"interaction_id": "i1", "rating": 1, "feedback_at": today().isoformat()}])
    assert run("land_inbox", on_sqlite, store, tick(inbox_sensor, on_sqlite, store).run_requests[0]).success
    late = (today() - timedelta(days=9)).date().isoformat()
    resources = {"store": store}
    assert dg.materialize([raw_interactions], partition_key=late, instance=on_sqlite, resources=resources).success
    assert stale_in_the_ui(on_sqlite) == {("filtered_examples", late)}
    assert run("daily_data", on_sqlite, store, tick(stale_days_sensor, on_sqlite, store).run_requests[0]).success
    assert stale_in_the_ui(on_sqlite) == set()
