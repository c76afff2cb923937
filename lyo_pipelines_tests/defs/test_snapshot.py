"""The definitions as others know them: a change in a snapshot is a change of contract. `pytest --snapshot-update` accepts it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from lyo_pipelines.defs.build import build_defs


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_defs().get_repository_def()


@pytest.fixture(scope="module")
def nodes() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in build_defs().resolve_all_asset_specs()}


def _partitions(found: dg.PartitionsDefinition | None) -> str:
    """The name of dynamic partitions, else their type."""
    return getattr(found, "name", None) or (type(found).__name__ if found else "none")


def _freshness(spec: dg.AssetSpec) -> str:
    """When the data is warned about and when it fails, in hours."""
    policy: Any = spec.freshness_policy
    windows = [policy.warn_window, policy.fail_window] if policy else []
    hours = [f"{window.to_timedelta() / timedelta(hours=1):g} h" for window in windows]
    return " and ".join(hours) or "none"


def test_assets(nodes: dict[str, dg.AssetSpec], snapshot: SnapshotAssertion) -> None:
    assert {
        key: {
            "group": spec.group_name,
            "owners": ", ".join(sorted(spec.owners)),
            "kinds": ", ".join(sorted(spec.kinds)),
            "partitions": _partitions(spec.partitions_def),
            "deps": ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps)),
            "freshness": _freshness(spec),
        }
        for key, spec in sorted(nodes.items())
    } == snapshot


def test_checks(repository: dg.RepositoryDefinition, snapshot: SnapshotAssertion) -> None:
    graph = repository.asset_graph
    checks = {key.to_user_string(): graph.get_check_spec(key) for key in graph.asset_check_keys}
    assert {
        name: ", ".join(
            ["blocking" if spec.blocking else "not blocking", f"partitions: {_partitions(spec.partitions_def)}"]
        )
        for name, spec in sorted(checks.items())
    } == snapshot


def test_jobs(repository: dg.RepositoryDefinition, snapshot: SnapshotAssertion) -> None:
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assert {
        job.name: {
            "assets": _assets(job),
            "steps": ", ".join(sorted(job.graph.node_dict)),
            "executor": job.executor_def.name,
            "partitions": _partitions(job.partitions_def),
        }
        for job in sorted(jobs, key=lambda job: job.name)
    } == snapshot


def _targets(sensor: dg.SensorDefinition, repository: dg.RepositoryDefinition) -> str:
    """The jobs of a sensor, or the assets that it names itself."""
    names = sorted(target.job_name for target in sensor.targets)
    if any(name.startswith("__anonymous") for name in names):
        return f"assets: {_assets(repository.get_job(names[0]))}"
    return ", ".join(names) or "none"


def _assets(job: dg.JobDefinition) -> str:
    return ", ".join(sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)) or "none"


def test_sensors(repository: dg.RepositoryDefinition, snapshot: SnapshotAssertion) -> None:
    assert {
        sensor.name: {
            "targets": _targets(sensor, repository),
            "default_status": sensor.default_status.value,
            "minimum_interval_seconds": sensor.minimum_interval_seconds,
        }
        for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
    } == snapshot


def test_schedules(repository: dg.RepositoryDefinition, snapshot: SnapshotAssertion) -> None:
    found: dict[str, Any] = {
        schedule.name: {"cron": schedule.cron_schedule, "default_status": schedule.default_status.value}
        for schedule in sorted(repository.schedule_defs, key=lambda schedule: schedule.name)
    }
    assert found == snapshot


def test_every_asset_says_what_it_is(nodes: dict[str, dg.AssetSpec]) -> None:
    for key, spec in nodes.items():
        assert spec.description and len(spec.description) > 60, key
        assert spec.kinds, key
        if key not in ("inbox", "tables"):
            assert spec.code_version, key


def test_tables_show_their_columns(nodes: dict[str, dg.AssetSpec]) -> None:
    for key in (
        "raw_interactions",
        "filtered_examples",
        "document_chunks",
        "segment_health",
        "train_split",
        "validation_split",
        "test_split",
    ):
        assert nodes[key].metadata["columns"].columns, key


def test_leakage_stops_everything_downstream() -> None:
    checks = {spec.name: spec for definition in build_defs().asset_checks or [] for spec in definition.check_specs}
    for name in ("no_shared_group", "no_shared_question", "no_near_duplicate_question", "no_benchmark_overlap"):
        assert checks[name].blocking, name
