"""A lake in an S3 bucket, from landing to raw_interactions: the same rows as on a disk, and killed at any moment none is lost."""

from __future__ import annotations

import random

import pytest

from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.landing.inbox import land_inbox, scan_inbox
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.killed_landings import require_whole, run_with_kills, write_files
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    build,
    jsonl,
    lake_at,
    land,
    rating,
    row,
)


@pytest.fixture
def lake(object_server):
    return Lake(object_server.new_root())


def test_a_bucket_holds_what_a_disk_holds(lake, tmp_path):
    files = [
        jsonl(tmp_path / "a.jsonl", [*(row(n) for n in range(8)), {"no": "row"}]),
        jsonl(tmp_path / "b.jsonl", [rating("i3", 4), rating("i0", 2)]),
        jsonl(tmp_path / "c.jsonl", [row(n, answer="Another answer.") for n in range(2)]),
    ]
    local = lake_at(tmp_path / "local")
    for file in files:
        ours, there = land(lake, file), land(local, file)
        assert (ours.read, ours.accepted, ours.rejected, ours.notes) == (
            there.read, there.accepted, there.rejected, there.notes,
        )  # fmt: skip
    assert land(lake, files[0]).already_landed
    assert build(lake).equals(build(local))
    found = verify_lake(lake, deep=True, now=NOW)
    assert not found.damage
    assert dict(found.checked) == dict(verify_lake(local, deep=True, now=NOW).checked)
    part = next(path for path in lake.fs.find(lake.path("landing")))
    lake.fs.rm(part)
    assert any("is gone" in str(finding) for finding in verify_lake(lake, now=NOW).damage)


def test_the_inbox_may_lie_in_the_bucket(lake, tmp_path, object_server):
    good, bad = jsonl(tmp_path / "good.jsonl", [row(n) for n in range(3)]), tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 and no more")
    for file in (good, bad):
        lake.fs.upload(str(file), lake.side("inbox", file.name))
    later = NOW.replace(year=NOW.year + 50)  # the server's clock is today's
    reports = {report.name: report for report in land_inbox(lake, PSEUDONYMS, CONFIG, later)}
    assert reports["good.jsonl"].accepted == 3
    assert lake.names(lake.side("inbox")) == ["good.jsonl", "set_aside"]
    assert lake.names(lake.side("inbox", "set_aside")) == ["bad.parquet", "bad.parquet.reason.txt"]
    assert scan_inbox(lake, CONFIG, settle_seconds=0, now=later) == []


def test_killed_at_random_moments_no_row_is_lost_or_there_twice(lake, tmp_path, object_server):
    files = write_files(tmp_path, files=2, rows=10)
    environment = {**object_server.environment, "LYO_LOCAL_DIR": str(tmp_path / "local"), "LYO_LEASE_SECONDS": "2"}
    hit, _ = run_with_kills(lake.root, files, kills=3, longest=2.0, rng=random.Random(5), environment=environment)
    assert hit
    require_whole(lake, files=2, rows=10)
