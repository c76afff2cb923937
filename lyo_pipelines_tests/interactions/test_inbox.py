"""The inbox: new files are found once, bad ones are set aside, the others go on."""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.interactions.landing import confined, set_aside
from lyo_pipelines.interactions.landing.inbox import land_inbox, scan_inbox
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, NOW, PSEUDONYMS, build, jsonl, lake_at, rating, row


def found(lake, **options):
    return [file.name for file in scan_inbox(lake, CONFIG, **({"settle_seconds": 0, "now": NOW} | options))]


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


def test_a_file_from_a_clock_that_is_far_ahead_does_not_wait_for_ever(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "data" / "inbox" / "a.jsonl", [row(0)])
    for ahead, names in ((30, []), (3600, ["a.jsonl"])):
        os.utime(path, (NOW.timestamp() + ahead,) * 2)
        assert found(lake, settle_seconds=10) == names


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

    def taken_away(*args, **options):
        path.unlink(missing_ok=True)
        return land_file(*args, **options)

    monkeypatch.setattr(confined, "land_file", taken_away)
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert "cannot be opened" in (report.unreadable or "")
    assert not (tmp_path / "data" / "inbox" / "set_aside").exists()


def names_left(inbox: Path) -> list[str]:
    return sorted(path.name for path in inbox.iterdir() if path.name != "set_aside")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "x.jsonl.part",
            "x.partial",
            "x.jsonl.filepart",
            "x.csv.crdownload",
            "x.download",
            "x.jsonl~",
            ".x.jsonl.swp",
        ),
        *(
            "x.tmp",
            "x.lock",
            ".x.jsonl.Ab3dEf",
            "~$x.csv",
            "#x.jsonl#",
            "_SUCCESS",
            "_temporary/0/x.jsonl",
            "x.download/x.jsonl",
        ),
    ],
)
def test_what_is_still_being_written_waits(name, tmp_path):
    lake = lake_at(tmp_path / "data")
    jsonl(tmp_path / "data" / "inbox" / name, [row(0)])
    assert found(lake) == []


@pytest.mark.parametrize(
    "name", ["a::b.jsonl", "memory::x.jsonl", "s3:x.jsonl", "a#b%20c.jsonl", "a[1]*?.jsonl", "{a,b}.jsonl"]
)
def test_signs_of_a_url_in_a_name_are_only_a_name(name, tmp_path):
    lake = lake_at(tmp_path / "data")
    jsonl(tmp_path / "data" / "inbox" / name, [row(0)])
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert (report.name, report.accepted) == (name, 1)
    assert found(lake) == []


def test_a_name_that_is_no_utf8_lands_and_is_shown_escaped(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    good = jsonl(inbox / "good.jsonl", [row(0), b"broken"])
    os.rename(good, os.fsencode(inbox) + b"/\xff\xfe.jsonl")  # noqa: PTH104 - the name has no text
    Path(os.fsdecode(os.fsencode(inbox) + b"/\xfd.jsonl")).write_text("no log")
    reports = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert [(report.name, report.accepted, report.unreadable is None) for report in reports] == [
        ("\\xfd.jsonl", 0, False),
        ("\\xff\\xfe.jsonl", 1, True),
    ]
    assert found(lake) == []


def test_what_is_no_file_is_set_aside_once_and_blocks_nothing(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    (inbox / "link.jsonl").symlink_to("/nowhere/at/all")
    (inbox / "circle").symlink_to(".")
    (inbox / "self.jsonl").symlink_to("self.jsonl")
    os.mkfifo(inbox / "pipe.jsonl")
    jsonl(inbox / "folder.jsonl" / "in.jsonl", [row(1)])
    jsonl(inbox / "good.jsonl", [row(0)])
    reports = {report.name: report for report in land_inbox(lake, PSEUDONYMS, CONFIG, NOW)}
    assert {name for name, report in reports.items() if report.accepted} == {"good.jsonl", "in.jsonl"}
    assert "named pipe" in (reports["pipe.jsonl"].unreadable or "")
    assert "a link to /nowhere" in (reports["link.jsonl"].unreadable or "")
    assert "back to its own folder" in (reports["circle"].unreadable or "")
    assert found(lake) == []
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW) == []
    assert names_left(inbox) == ["folder.jsonl", "good.jsonl"]


def test_an_entry_that_cannot_be_moved_is_told_once_and_stays(tmp_path, monkeypatch):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "bad.jsonl", [{"who": 1}])
    jsonl(inbox / "good.jsonl", [row(0)])

    def refused(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(set_aside, "_move", refused)
    assert [report.accepted for report in land_inbox(lake, PSEUDONYMS, CONFIG, NOW)] == [0, 1]
    assert "Permission denied" in (inbox / "set_aside" / "bad.jsonl.reason.txt").read_text()
    assert found(lake) == []
    assert names_left(inbox) == ["bad.jsonl", "good.jsonl"]


def test_a_very_long_name_is_cut_in_set_aside_and_an_earlier_file_is_not_overwritten(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    for content in ("one", "two"):
        (inbox / ("a" * 240 + ".jsonl")).write_text(content)
        (inbox / "short.jsonl").write_text(content)
        land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    kept = [path for path in (inbox / "set_aside").iterdir() if not path.name.endswith(".reason.txt")]
    assert sorted(path.read_text() for path in kept) == ["one", "one", "two", "two"]
    assert names_left(inbox) == []


@pytest.mark.parametrize(
    "mapping",
    [
        "fields: {question: q}\nconstants: {occurred_at: 2026-13-45}",
        "fields: {question: q}\nconstants: &a {task: *a}",
        'fields: {question: q}\nconstants: {task: "\\ud800"}',
        "[" * 5_000,
        "\x00",
    ],
)
def test_a_mapping_that_is_broken_in_any_way_stops_only_its_own_file(mapping, tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "a.jsonl", [{"q": "?"}])
    (inbox / "a.jsonl.mapping.yaml").write_text(mapping)
    jsonl(inbox / "good.jsonl", [row(0)])
    bad, good = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert "a.jsonl.mapping.yaml: is no readable YAML" in (bad.unreadable or "")
    assert (bad.fault, good.accepted) == ("", 1)


def test_a_shared_mapping_that_cannot_be_opened_is_told_and_the_files_land(tmp_path):
    lake = lake_at(tmp_path / "data")
    (tmp_path / "data" / "mappings" / "shared.yaml").mkdir(parents=True)
    jsonl(tmp_path / "data" / "inbox" / "good.jsonl", [row(0)])
    told, good = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert (told.name, told.unreadable, good.accepted) == ("mappings/shared.yaml", "it is no file", 1)


@pytest.mark.parametrize("error", [AssertionError("a row is lost"), KeyError("x"), MemoryError(), RecursionError()])
def test_an_exception_that_nobody_foresaw_stays_with_its_file(error, tmp_path, monkeypatch):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "bad.jsonl", [row(0)])
    jsonl(inbox / "good.jsonl", [row(1)])

    def failing(lake, path, **options):
        if path.endswith("bad.jsonl"):
            raise error
        return land_file(lake, path, **options)

    monkeypatch.setattr(confined, "land_file", failing)
    bad, good = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert good.accepted == 1
    assert type(error).__name__ in (bad.unreadable or "")
    assert "Traceback" in bad.fault
    assert (inbox / "set_aside" / "bad.jsonl.reason.txt").exists()


def test_a_file_whose_reader_was_killed_stays_and_is_read_again(tmp_path, monkeypatch):
    lake = lake_at(tmp_path / "data")
    jsonl(tmp_path / "data" / "inbox" / "a.jsonl", [row(0)])

    def killed(*_args, **_options):
        raise BrokenExecutor

    with monkeypatch.context() as patched:
        patched.setattr(confined, "land_file", killed)
        (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert report.try_again
    assert [report.accepted for report in land_inbox(lake, PSEUDONYMS, CONFIG, NOW)] == [1]


def test_nothing_about_one_file_keeps_the_others_from_landing(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / os.fsdecode(b"a\xff.jsonl"), [row(0)])
    (inbox / os.fsdecode(b"a\xff.jsonl.mapping.yaml")).write_text("fields: [")
    (inbox / "b.jsonl").write_text("no row {\n")
    (inbox / "set_aside").write_text("a file where the folder should be")
    jsonl(inbox / "z.jsonl", [row(1)])
    odd, closed, good = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert odd.unreadable is not None and r"a\xff.jsonl.mapping.yaml" in odd.unreadable
    assert closed.unreadable is not None
    assert good.accepted == 1
    assert found(lake) == [], "what stays is told once"
    (inbox / "set_aside").unlink()
    (inbox / "set_aside" / "c.jsonl.reason.txt").mkdir(parents=True)
    (inbox / "c.jsonl").write_text("no row {\n")
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert "no row" in (inbox / "set_aside" / "c-2.jsonl").read_text()
