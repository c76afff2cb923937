"""Killed at any write, disconnected, or with a server that restarts: a table is read on where its reading ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lyo_pipelines.interactions.tables.server import Source
from lyo_pipelines_tests.interactions.landing_lake import build, lake_at
from lyo_pipelines_tests.interactions.table_server import Served, log_table, served_database
from lyo_pipelines_tests.postgres import PostgresServer

FILL = (
    "insert into tutor_log (id, happened_at, changed_at) select n, timestamptz '2026-10-01' + n * interval '7 minutes', "
    "timestamptz '2026-10-01' + (n / 3) * interval '1 minute' from generate_series({}, {}) n"
)
KILLED = """
import json, os, signal, sys
from lyo_pipelines.interactions.tables.pull import pull_table
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.table_server import log_table
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, NOW, PSEUDONYMS

root, point = sys.argv[1], int(sys.argv[2])
done = 0

class Deadly(Lake):
    def _rename(self, temporary, path):
        global done
        done += 1
        if done == 2 * point:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._rename(temporary, path)
        if done == 2 * point + 1:
            os.kill(os.getpid(), signal.SIGKILL)

print("ready", flush=True)
report = pull_table(
    Deadly(root), log_table(batch_rows=40), pseudonyms=PSEUDONYMS, config=CONFIG, now=NOW, env=json.loads(sys.argv[3])
)
print("done", report.unreadable, flush=True)
"""


@pytest.fixture
def served(postgres: PostgresServer) -> Iterator[Served]:
    with served_database(postgres) as found:
        found.create()
        yield found


def reading(served: Served, root: Path, point: int) -> subprocess.Popen[bytes]:
    """A process that reads the table and kills itself at a write, or never."""
    here = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(root), str(point), json.dumps(served.env)],
        stdout=subprocess.PIPE,
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(here)},
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def ids(root: Path) -> list[int]:
    """Which rows are in raw_interactions, each as often as it is there."""
    return sorted(int(name.partition(":")[2]) for name in build(lake_at(root))["interaction_id"].to_pylist())


def test_kill_nine_at_many_writes_loses_no_row_and_doubles_none(served: Served, tmp_path: Path) -> None:
    killed, last = 0, 200
    served.run(FILL.format(1, last))
    for point in (1, 2, 3, 4, 5, 6, 7, 9, 11):
        process = reading(served, tmp_path, point)
        killed += process.wait(60) == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()
        served.run(FILL.format(last + 1, last + 50))
        served.run("update tutor_log set rating = %s, changed_at = now() where id = %s", (1 + point % 5, point))
        last += 50
    assert killed >= 8
    served.pull(lake_at(tmp_path))
    assert ids(tmp_path) == list(range(1, last + 1))
    rated = [row for row in build(lake_at(tmp_path)).to_pylist() if row["rating"] is not None]
    assert {int(row["interaction_id"][10:]): row["rating"] for row in rated} == {
        point: 1 + point % 5 for point in (1, 2, 3, 4, 5, 6, 7, 9, 11)
    }
    assert served.pull(lake_at(tmp_path)).read == 0


def test_kill_nine_at_any_moment_loses_no_row_and_doubles_none(served: Served, tmp_path: Path) -> None:
    served.run(FILL.format(1, 5_000))
    for wait in (0.05, 0.3, 0.6):
        process = reading(served, tmp_path, 10_000)
        time.sleep(wait)
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    served.pull(lake_at(tmp_path))
    assert ids(tmp_path) == list(range(1, 5_001))


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int, strike: Callable[[], None]) -> None:
    """Strike once, after a number of chunks."""
    original, left = Source.chunks, [after]

    def chunks(self: Source, *args, **options):
        for chunk in original(self, *args, **options):
            yield chunk
            left[0] -= 1
            if left[0] == 0:
                strike()

    monkeypatch.setattr(Source, "chunks", chunks)


@pytest.mark.parametrize(("after", "batch_rows", "landed"), [(1, 50, 50), (7, 50, 350), (1, 150, 0), (3, 150, 400)])
def test_a_lost_connection_keeps_what_was_landed_and_says_so(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, batch_rows: int, landed: int
) -> None:
    served.run(FILL.format(1, 500))
    interrupted(monkeypatch, after, lambda: served.server.disconnect(served.name))
    table = log_table(batch_rows=batch_rows)
    report = served.pull(lake_at(tmp_path), table)
    assert "run again to go on" in (report.unreadable or "")
    assert report.read == landed
    assert len(ids(tmp_path)) == report.read
    assert served.pull(lake_at(tmp_path), table).read == 500 - report.read
    assert ids(tmp_path) == list(range(1, 501))


def test_a_server_that_restarts_in_the_middle_costs_one_reading(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.run(FILL.format(1, 500))

    def restart() -> None:
        served.server.stop()
        served.server.start()

    interrupted(monkeypatch, 5, restart)
    report = served.pull(lake_at(tmp_path), log_table(batch_rows=50))
    assert report.unreadable is not None
    assert served.pull(lake_at(tmp_path)).unreadable is None
    assert ids(tmp_path) == list(range(1, 501))


def test_taking_back_that_was_killed_is_finished_first(served: Served, tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    served.run(FILL.format(1, 100))
    served.pull(lake, log_table(batch_rows=20))
    state = Path(lake.table_state("tutor_log", "state.json"))
    state.write_text('{"taking_back": 6}')  # as if killed after some batches were taken back
    for name in sorted(Path(lake.path("files")).glob("t*1.json")):
        name.unlink()
    assert served.pull(lake).read == 100
    assert ids(tmp_path) == list(range(1, 101))


def test_two_readings_at_once_wait_for_each_other(served: Served, tmp_path: Path) -> None:
    served.run(FILL.format(1, 300))
    reports = []
    readers = [
        threading.Thread(target=lambda: reports.append(served.pull(lake_at(tmp_path), log_table(batch_rows=30))))
        for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(120)
    assert sorted(report.read for report in reports) == [0, 300]
    assert ids(tmp_path) == list(range(1, 301))
