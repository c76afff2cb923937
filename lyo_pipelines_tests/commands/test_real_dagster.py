"""A real Dagster, daemon and all: a dropped file becomes examples and a segment without anybody launching anything."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lyo_pipelines.client.graphql import Client, GraphQLError
from lyo_pipelines.client.server import find_server, start_server
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.defs.conftest import row


@pytest.mark.slow
def test_sensors_of_a_running_daemon_bring_a_file_to_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("LYO_DATA_DIR", tmp_path / "data"),
        ("DAGSTER_HOME", tmp_path / "home"),
        ("LYO_PSEUDONYM_KEY", "k" * 32),
    ):
        monkeypatch.setenv(name, str(value))
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    server = start_server(0)
    try:
        client = Client(server.url)
        assert find_server() is not None, "a second command joins the Dagster that runs"
        drop_rows(tmp_path / "data" / "inbox" / "log.jsonl", 130)
        deadline = time.monotonic() + 180
        while "tutoring.en.math" not in client.segments() and time.monotonic() < deadline:
            time.sleep(1)
        assert "tutoring.en.math" in client.segments()
        runs = client.runs()
        assert sorted(run.job for run in runs) == ["daily_data", "land_inbox"], "one run each, nothing twice"
        assert all(run.status == "SUCCESS" for run in runs)
        assert len(Lake(str(tmp_path / "data")).days("examples")) == 1
        with pytest.raises(GraphQLError, match="retrain"):
            client.launch("retrain", config={"ops": {"adapter": {"config": {"recipee": "owner"}}}}, tags={})
    finally:
        server.stop()
    assert find_server() is None


def drop_rows(path: Path, count: int) -> None:
    """Write canonical rows under a hidden name first, as a careful team would."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("".join(json.dumps(row(n)) + "\n" for n in range(1, count + 1)))
    temporary.replace(path)
