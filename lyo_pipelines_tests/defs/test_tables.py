"""A table seen from Dagster: the sensor launches the landing run when it holds something new, and says why when it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.inbox import inbox_sensor
from lyo_pipelines.defs.sensors.tables import tables_sensor
from lyo_pipelines_tests.commands.test_cli import lyo
from lyo_pipelines_tests.defs.conftest import drop, row, today
from lyo_pipelines_tests.defs.test_data_assets import run, tick
from lyo_pipelines_tests.interactions.table_server import DSN_ENV, Served, log_table, served_database
from lyo_pipelines_tests.postgres import PostgresServer


@pytest.fixture
def instance(on_sqlite: dg.DagsterInstance) -> dg.DagsterInstance:
    return on_sqlite


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with figures of its own."""
    configure(tmp_path)
    return Store(data_dir=str(tmp_path / "data"), config_path=str(tmp_path / "config.yaml"))


@pytest.fixture
def served(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A configured table with three rows."""
    with served_database(postgres) as found:
        found.create()
        insert(found, 1, 3)
        monkeypatch.setenv(DSN_ENV, found.env[DSN_ENV])
        configure(tmp_path, log_table().model_dump(mode="json"))
        yield found


def configure(folder: Path, *tables: dict[str, object]) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump({"interactions": {"tables": list(tables)}}))


def insert(served: Served, first: int, last: int) -> None:
    day = (today() - timedelta(days=1)).isoformat()
    rows = "select n, %s, %s from generate_series(%s, %s) n"
    served.run(f"insert into tutor_log (id, happened_at, changed_at) {rows}", (day, day, first, last))


def test_new_rows_launch_one_run_and_what_was_read_launches_none(
    instance: dg.DagsterInstance, store: Store, served: Served
) -> None:
    for last in (3, 5):
        insert(served, 4, last) if last > 3 else None
        request = tick(tables_sensor, instance, store).run_requests[0]
        result = run("land_inbox", instance, store, request)
        assert result.success
        (event,) = result.get_asset_materialization_events()
        assert event.materialization.metadata["dagster/row_count"].value == (3 if last == 3 else 2)
        skipped = tick(tables_sensor, instance, store)
        assert isinstance(skipped, dg.SkipReason) and "nothing new" in skipped.skip_message


def test_without_a_table_the_sensor_says_so(instance: dg.DagsterInstance, store: Store) -> None:
    skipped = tick(tables_sensor, instance, store)
    assert isinstance(skipped, dg.SkipReason) and "no table is configured" in skipped.skip_message


def test_a_table_that_cannot_be_reached_is_named_and_holds_up_no_other(
    instance: dg.DagsterInstance, store: Store, served: Served, tmp_path: Path
) -> None:
    away = log_table(name="away", dsn_env="AWAY_DSN").model_dump(mode="json")
    configure(tmp_path, away, log_table().model_dump(mode="json"))
    request = tick(tables_sensor, instance, store).run_requests[0]
    drop(store, "log.jsonl", [row(1), row(2)])
    result = run("land_inbox", instance, store, request)
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "AWAY_DSN is not set" in str(failure.step_failure_data.error)
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["dagster/row_count"].value == 5
    assert {check.check_name: check.passed for check in result.get_asset_check_evaluations()} == {
        "rows_conserved": True,
        "files_readable": False,
        "feedback_attached": True,
    }
    assert isinstance(tick(inbox_sensor, instance, store), dg.SkipReason)
    skipped = tick(tables_sensor, instance, store)
    assert isinstance(skipped, dg.SkipReason) and "AWAY_DSN is not set" in skipped.skip_message


def test_a_landing_run_in_flight_is_waited_for(instance: dg.DagsterInstance, store: Store, served: Served) -> None:
    from lyo_pipelines.defs.build import build_defs

    instance.create_run_for_job(build_defs().resolve_job_def("land_inbox"), status=dg.DagsterRunStatus.STARTED)
    skipped = tick(tables_sensor, instance, store)
    assert isinstance(skipped, dg.SkipReason) and "wait for the land_inbox run" in skipped.skip_message


def test_the_command_reads_a_table_and_names_those_there_are(served: Served, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **served.env,
        "LYO_DATA_DIR": str(tmp_path / "data"),
        "LYO_CONFIG": str(tmp_path / "config.yaml"),
        "LYO_PSEUDONYM_KEY": "k" * 32,
        "COLUMNS": "200",
    }
    done = lyo(environment, "ingest", "--table", "tutor_log", "--no-build")
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if "table tutor_log" in line)
    assert [cell.strip() for cell in line.split("│")[2:6]] == ["canonical", "3", "3", "0"]
    assert "1 days wait" in done.stdout
    assert "nothing new" in lyo(environment, "ingest", "--table", "tutor_log", "--no-build").stdout
    again = lyo(environment, "ingest", "--table", "tutor_log", "--again", "--no-build").stdout
    assert [cell.strip() for cell in again.split("│")[2:6]] == ["canonical", "3", "3", "0"]
    unknown = lyo(environment, "ingest", "--table", "log")
    assert unknown.returncode == 1
    assert "(tutor_log)" in unknown.stderr
    assert lyo(environment, "ingest").returncode == 2
