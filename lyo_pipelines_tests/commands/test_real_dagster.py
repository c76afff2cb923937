"""A real Dagster, daemon and all: a dropped file becomes examples and a segment without anybody launching anything."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lyo_pipelines.client.graphql import Client, GraphQLError
from lyo_pipelines.client.home import find_storage
from lyo_pipelines.client.server import find_server, start_server
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.defs.conftest import row
from lyo_pipelines_tests.postgres import PASSWORD, PostgresServer


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The inbox of an installation of its own, on SQLite unless a test says otherwise."""
    monkeypatch.delenv("LYO_PG_HOST", raising=False)
    for name, value in (
        ("LYO_DATA_DIR", tmp_path / "data"),
        ("DAGSTER_HOME", tmp_path / "home"),
        ("LYO_PSEUDONYM_KEY", "k" * 32),
    ):
        monkeypatch.setenv(name, str(value))
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    return tmp_path / "data" / "inbox"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sensors_of_a_running_daemon_bring_a_file_to_a_segment(inbox: Path, tmp_path: Path) -> None:
    server = start_server(0)
    try:
        client = Client(server.url)
        assert find_server() is not None, "a second command joins the Dagster that runs"
        drop_rows(inbox / "log.jsonl", 130)
        deadline = time.monotonic() + 600
        while "tutoring.en.math" not in client.segments() and time.monotonic() < deadline:
            time.sleep(1)
        assert "tutoring.en.math" in client.segments()
        while any(run.active for run in client.runs()) and time.monotonic() < deadline:
            time.sleep(1)  # the segment is there before the run that found it has ended
        runs = client.runs()
        assert sorted(run.job for run in runs) == ["daily_data", "land_inbox"], "one run each, nothing twice"
        assert all(run.status == "SUCCESS" for run in runs)
        assert len(Lake(str(tmp_path / "data")).days("examples")) == 1
        with pytest.raises(GraphQLError, match="retrain"):
            client.launch("retrain", config={"ops": {"adapter": {"config": {"recipee": "owner"}}}}, tags={})
    finally:
        server.stop()
    assert find_server() is None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_on_postgresql_a_dropped_file_becomes_examples(
    inbox: Path, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_rows(inbox / "log.jsonl", 5)
    with postgres.database(empty=True) as database:
        for name, value in postgres.environment(database).items():
            monkeypatch.setenv(name, value)
        server = start_server(0)
        try:
            client = Client(server.url)
            deadline = time.monotonic() + 600
            done: list[str] = []
            while done != ["daily_data", "land_inbox"] and time.monotonic() < deadline:
                time.sleep(0.5)
                done = sorted(run.job for run in client.runs() if run.status == "SUCCESS")
            assert done == ["daily_data", "land_inbox"]
            storage = find_storage(tmp_path / "home")
            assert (storage.kind, storage.runs()) == ("PostgreSQL", 2), "one run each, nothing twice"
            assert len(Lake(str(tmp_path / "data")).days("examples")) == 1
            assert not (tmp_path / "home" / "history").exists(), "nothing of it is in SQLite"
        finally:
            server.stop()
        assert PASSWORD not in server.log.read_text()


def drop_rows(path: Path, count: int) -> None:
    """Write canonical rows under a hidden name first, as a careful team would."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("".join(json.dumps(row(n)) + "\n" for n in range(1, count + 1)))
    temporary.replace(path)
