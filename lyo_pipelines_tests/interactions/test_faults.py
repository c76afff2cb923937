"""Killed at any moment or out of disk, nothing is half there, and the next run finishes the work."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.machine import FullDiskError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    START,
    build,
    facts,
    jsonl,
    lake_at,
    land,
    rating,
    rejected,
    row,
)

FILES = {
    "a.jsonl": [*(row(n) for n in range(30)), b"broken", row(40), row(40, occurred_at="2026-10-30T00:00:00Z")],
    "b.jsonl": [row(n, answer="other") for n in range(20, 35)] + [row(1, occurred_at="2026-09-30T00:00:00Z")],
    "f.jsonl": [rating(f"i{n}", 1 + n % 5, START + timedelta(days=4)) for n in range(0, 34, 2)],
}


class FaultyLake(Lake):
    """A lake whose n-th write finds the disk full."""

    def arm(self, writes: int) -> FaultyLake:
        object.__setattr__(self, "left", writes)
        return self

    def _rename(self, temporary: str, path: str) -> None:
        left = self.__dict__["left"]
        object.__setattr__(self, "left", left - 1)
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        super()._rename(temporary, path)


def put(inbox: Path) -> None:
    for name, rows in FILES.items():
        jsonl(inbox / name, rows)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    path = tmp_path_factory.mktemp("wanted")
    lake = lake_at(path)
    put(path / "inbox")
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    return facts(build(lake)), len(rejected(lake))


def test_a_full_disk_at_any_write_leaves_whole_files_and_the_next_run_finishes(tmp_path, wanted):
    point = finished = 0
    while not finished:
        root = tmp_path / str(point)
        put(root / "inbox")
        lake = FaultyLake(str(root)).arm(point)
        try:
            land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
            for day in stale_days(lake):
                build_day(lake, day)
            finished = point
        except FullDiskError:
            pass
        whole = Lake(str(root))
        leftover = list(root.rglob(".tmp-*"))
        assert leftover == []
        for path in (root / "lake").rglob("*.parquet"):
            whole.read_table(str(path))
        land_inbox(whole, PSEUDONYMS, CONFIG, NOW)
        assert (facts(build(whole)), len(rejected(whole))) == wanted
        assert not whole.exists(whole.path("staging")) or whole.names(whole.path("staging")) == []
        point += 2
    assert point > 30


def test_a_full_disk_says_what_to_do(tmp_path):
    lake = FaultyLake(str(tmp_path)).arm(0)
    with pytest.raises(FullDiskError, match="Free some space and run it again"):
        land_file(lake, str(jsonl(tmp_path / "a.jsonl", FILES["a.jsonl"])), pseudonyms=PSEUDONYMS, config=CONFIG)


def test_another_failure_of_the_disk_is_not_blamed_on_the_input(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "a.jsonl", FILES["a.jsonl"])
    (tmp_path / "data" / "lake").mkdir()
    (tmp_path / "data" / "lake" / "staging").write_text("a file where a folder belongs")
    (tmp_path / "data" / "lake" / "landing").write_text("and another")
    with pytest.raises(OSError, match="landing"):
        land_file(lake, str(path), pseudonyms=PSEUDONYMS, config=CONFIG)


KILLED = """
import sys
from datetime import UTC, datetime
from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, NOW, PSEUDONYMS
lake = Lake(sys.argv[1])
print("ready", flush=True)
land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
for day in stale_days(lake):
    build_day(lake, day)
print("done", flush=True)
"""


def test_kill_nine_while_landing_and_building_loses_nothing(tmp_path, wanted):
    root = tmp_path / "data"
    put(root / "inbox")
    here = Path(__file__).parents[2]
    for wait in (0.0, 0.01, 0.03, 0.06, 0.1, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(root)],
            stdout=subprocess.PIPE,
            cwd=here,
            env=os.environ | {"PYTHONPATH": str(here)},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    lake = Lake(str(root))
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert (facts(build(lake)), len(rejected(lake))) == wanted


def test_workers_end_with_a_killed_parent(tmp_path):
    path = jsonl(tmp_path / "data" / "inbox" / "a.jsonl", [row(n, occurred_at=START.isoformat()) for n in range(5_000)])
    here = Path(__file__).parents[2]
    code = KILLED.replace(
        "CONFIG, NOW)", "CONFIG.model_copy(update={'parallel_from_bytes': 0, 'block_bytes': 4096}), NOW)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(here)},
    )
    workers: list[psutil.Process] = []
    while len(workers) < 2 and process.poll() is None:
        workers = [
            child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())
        ]
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=120)
    assert alive == []
    lake = Lake(str(tmp_path / "data"))
    assert land(lake, path).accepted == 5_000


def test_a_killed_landing_counts_for_nothing_until_it_is_finished(tmp_path):
    lake = FaultyLake(str(tmp_path / "data")).arm(10_000)
    path = jsonl(tmp_path / "a.jsonl", FILES["a.jsonl"])
    land(lake, path)
    entry = lake.path("files")
    (ledger,) = [name for name in lake.names(entry) if name.endswith(".json")]
    lake.fs.rm(f"{entry}/{ledger}")  # as if killed just before it was written: what has landed is remembered after it
    lake.fs.rm(lake.path("landed"), recursive=True)
    assert stale_days(lake) == []
    assert land(lake, path).already_landed is False
    assert build(lake).num_rows == 31


def test_a_file_that_changes_while_it_is_read_is_not_landed(tmp_path, monkeypatch):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "data" / "inbox" / "a.jsonl", FILES["a.jsonl"])
    from lyo_pipelines.interactions.conversion import blocks

    original = blocks.Reading.converted

    def growing(self):
        yield from original(self)
        with path.open("ab") as handle:
            handle.write(b"\n")

    monkeypatch.setattr(blocks.Reading, "converted", growing)
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert "changed while it was read" in (report.unreadable or "")
    assert path.exists()
    monkeypatch.undo()
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert report.accepted == 32


def test_what_a_killed_landing_left_is_gone_when_the_file_is_read_otherwise(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [{"q": "q", "t": "2026-10-01", "u": "2026-10-05"}])
    text = "fields: {{question: q, occurred_at: {}}}\nconstants: {{task: t, language: en}}"
    for point in range(12):
        lake = FaultyLake(str(tmp_path / str(point))).arm(point)
        with contextlib.suppress(OSError):
            land(lake, path, mapping=parse_mapping(text.format("t").encode(), "m"))
        whole = Lake(lake.root)
        land(whole, path, mapping=parse_mapping(text.format("u").encode(), "m"))
        assert [at.day for at in build(whole)["occurred_at"].to_pylist()] == [5]
