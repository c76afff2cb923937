"""A lake in an S3 bucket from `lyo ingest` to a report: sensors, curated days, splits and a tiny training, all under Dagster."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.dataset.versions import latest_version
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.days import stale_days_sensor
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.storage.local_copies import WHOLE
from lyo_pipelines.training.versions import latest_adapter
from lyo_pipelines_tests.commands.test_cli import lyo
from lyo_pipelines_tests.defs.conftest import row
from lyo_pipelines_tests.defs.test_data_assets import run, tick
from lyo_pipelines_tests.defs.test_retrain import SEGMENT, retrain
from lyo_pipelines_tests.object_storage import ObjectServer
from lyo_pipelines_tests.training.tiny import make_model

CONFIG = """
dataset: {minimum_groups: 3}
curation: {segment_minimum_interactions: 10}
evaluation: {max_items: 4, max_new_tokens: 4, latency_items: 1, resamples: 1000}
"""
DAYS = 2


@pytest.mark.slow
def test_a_bucket_takes_rows_from_the_command_to_a_report_under_dagster(
    object_server: ObjectServer, on_sqlite: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYO_LOCAL_DIR", str(tmp_path / "local"))
    (tmp_path / "config.yaml").write_text(CONFIG)
    store = Store(data_dir=object_server.new_root(), config_path=str(tmp_path / "config.yaml"))
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(row(n, days_ago=1 + n % DAYS)) + "\n" for n in range(1, 81)) + "no row\n")

    environment = {**os.environ, "LYO_DATA_DIR": store.data_dir, "LYO_CONFIG": store.config_path, "COLUMNS": "200"}
    done = lyo(environment, "ingest", str(log), "--no-build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [cell.strip() for cell in next(c for c in done.stdout.splitlines() if "log" in c and "│" in c).split("│")[3:6]] == [
        "81", "80", "1",
    ], done.stdout  # fmt: skip

    for request in tick(stale_days_sensor, on_sqlite, store).run_requests:
        assert run("daily_data", on_sqlite, store, request).success
    assert len(on_sqlite.get_materialized_partitions(dg.AssetKey("filtered_examples"))) == DAYS
    assert isinstance(tick(stale_days_sensor, on_sqlite, store), dg.SkipReason)

    world = on_sqlite, store, make_model(tmp_path / "base")
    result = retrain(world)
    assert result.success, [event.message for event in result.all_events if event.is_failure]
    lake = store.lake()
    version, adapter = latest_version(lake, SEGMENT), latest_adapter(lake, SEGMENT)
    assert version is not None and adapter.dataset_fingerprint == version.fingerprint
    report = lake.read_json(f"{lake.report_dir(SEGMENT, adapter.version)}/report.json")
    assert report["dataset_fingerprint"] == version.fingerprint
    for folder in (lake.adapter_dir(SEGMENT, adapter.version), lake.report_dir(SEGMENT, adapter.version)):
        told = lake.read_json(f"{folder}/{WHOLE}")
        assert all(lake.exists(f"{folder}/{name}") for name in told)

    monkeypatch.setenv("LYO_LOCAL_DIR", str(tmp_path / "elsewhere"))
    assert latest_adapter(lake, SEGMENT).version == adapter.version, "another machine fetches it"
    assert not verify_lake(lake, deep=True, now=clock.current_time()).findings
    assert not [name for name in lake.fs.find(lake.path("")) if ".tmp-" in name or "/staging/" in name]
