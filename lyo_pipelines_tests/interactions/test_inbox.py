"""The inbox: new files are found once, bad ones are set aside, the others go on."""

from __future__ import annotations

import os
from datetime import timedelta

from lyo_pipelines.interactions.landing.inbox import land_inbox, scan_inbox
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, NOW, PSEUDONYMS, build, jsonl, lake_at, rating, row


def found(lake, **options):
    return [file.name for file in scan_inbox(lake, **({"settle_seconds": 0, "now": NOW} | options))]


def test_new_files_are_found_at_any_depth_and_known_ones_are_not(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "b.jsonl", [row(0)])
    jsonl(inbox / "team" / "a.jsonl", [row(1)])
    for name in (
        ".hidden",
        ".gitkeep",
        "x.jsonl.tmp",
        "README.md",
        "y.jsonl.mapping.yaml",
        ".dir/z.jsonl",
        "half.part",
    ):
        jsonl(inbox / name, [row(2)])
    assert found(lake) == ["b.jsonl", "team/a.jsonl"]
    reports = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert [report.accepted for report in reports] == [1, 1]
    assert found(lake) == []
    assert (inbox / "b.jsonl").exists()


def test_a_file_that_changed_is_found_again_and_lands_what_is_new(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "data" / "inbox" / "log.jsonl", [row(0)])
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    jsonl(path, [row(0), row(1)])
    assert found(lake) == ["log.jsonl"]
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert build(lake)["interaction_id"].to_pylist() == ["i0", "i1"]


def test_a_file_that_may_still_grow_waits(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "data" / "inbox" / "a.jsonl", [row(0)])
    os.utime(path, (NOW.timestamp() - 5,) * 2)
    assert found(lake, settle_seconds=10) == []
    assert found(lake, settle_seconds=10, now=NOW + timedelta(seconds=6)) == ["a.jsonl"]


def test_no_inbox_holds_nothing(tmp_path):
    lake = lake_at(tmp_path / "data")
    (tmp_path / "data" / "inbox").rmdir()
    assert found(lake) == []


def test_an_unreadable_file_is_set_aside_with_its_reason_and_the_others_go_on(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    (inbox / "a.parquet").write_bytes(b"PAR1 garbage")
    jsonl(inbox / "deep" / "b.jsonl", [{"who": 1}])
    jsonl(inbox / "c.jsonl", [row(0)])
    reports = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert [(report.name, report.unreadable is None) for report in reports] == [
        ("a.parquet", False),
        ("c.jsonl", True),
        ("b.jsonl", False),
    ]
    assert "damaged" in (inbox / "set_aside" / "a.parquet.reason.txt").read_text()
    assert "mapping" in (inbox / "set_aside" / "deep" / "b.jsonl.reason.txt").read_text()
    assert (inbox / "set_aside" / "a.parquet").exists()
    assert found(lake) == []


def test_feedback_and_interactions_may_arrive_together_in_any_order(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "a-feedback.jsonl", [rating("i0", 5)])
    jsonl(inbox / "b.jsonl", [row(0)])
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert build(lake)["rating"].to_pylist() == [5.0]


def test_a_lake_on_a_remote_filesystem_works_the_same(tmp_path):
    import json

    lake = Lake(f"memory://{tmp_path}")
    lake.write_text("\n".join(json.dumps(row(n)) for n in range(6)), lake.side("inbox", "a.jsonl"))
    lake.write_text(json.dumps(rating("i3", 4)), lake.side("inbox", "f.jsonl"))
    lake.write_text("garbage", lake.side("inbox", "x.parquet"))
    reports = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert [(report.accepted, report.unreadable is None) for report in reports] == [(6, True), (1, True), (0, False)]
    assert build(lake)["rating"].to_pylist() == [None, None, None, 4.0, None, None]
    assert found(lake) == []
    assert lake.names(lake.side("inbox", "set_aside")) == ["x.parquet", "x.parquet.reason.txt"]


def test_a_file_that_vanishes_before_it_is_read_is_no_trouble(tmp_path, monkeypatch):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "data" / "inbox" / "a.jsonl", [row(0)])
    from lyo_pipelines.interactions.landing import inbox

    def taken_away(*args, **options):
        path.unlink(missing_ok=True)
        return land_file(*args, **options)

    monkeypatch.setattr(inbox, "land_file", taken_away)
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert "cannot be opened" in (report.unreadable or "")
    assert not (tmp_path / "data" / "inbox" / "set_aside").exists()
