"""What landed is compared before a day is built: damage names its file, the day keeps what it had, other days go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.days.build import build_day, damaged_days, stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.store.key_index import day_keys
from lyo_pipelines.interactions.store.ledger import entry_path, landed_files
from lyo_pipelines.storage.damage import DamagedLandingError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    build,
    facts,
    jsonl,
    lake_at,
    land,
    rating,
    raw,
    row,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two days with feedback on the first."""
    lake = lake_at(tmp_path)
    land(lake, jsonl(tmp_path / "inbox" / "rows.jsonl", [row(n) for n in range(24)]))
    land(lake, jsonl(tmp_path / "inbox" / "ratings.jsonl", [rating(f"i{n}", 4) for n in range(8)]))
    build(lake)
    return lake


def files(lake: Lake, stage: str) -> list[Path]:
    return sorted(Path(lake.path(stage)).rglob("*.parquet"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("stage", ["landing", "feedback", "feedback_for"])
@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9]), flip])
def test_a_damaged_part_is_named_with_its_inbox_file_and_the_day_stays_as_it_was(lake, stage, how):
    before, part = facts(raw(lake)), files(lake, stage)[0]
    how(part)
    found = verify_lake(lake, deep=True, now=NOW).damage
    assert [one.path for one in found] == [str(part)]
    assert "rows.jsonl" in found[0].hint or "ratings.jsonl" in found[0].hint
    if stage != "feedback":  # a day is built from what was routed to it
        day = lake.days("interactions")[0]
        with pytest.raises(DamagedLandingError) as raised:
            build_day(lake, day)
        assert str(part) in raised.value.message
        assert "lyo ingest" in raised.value.hint
        assert list(damaged_days(lake, lake.days("interactions"))) == [day]
    assert facts(raw(lake)) == before


def test_landing_the_file_again_mends_it(lake, tmp_path):
    before = facts(raw(lake))
    for part in files(lake, "landing"):
        flip(part)
    report = land(lake, tmp_path / "inbox" / "rows.jsonl")
    assert (report.already_landed, report.accepted) == (False, 24)
    assert facts(build(lake)) == before
    assert verify_lake(lake, deep=True, now=NOW).damage == []
    assert land(lake, tmp_path / "inbox" / "rows.jsonl").already_landed


def test_a_vanished_ledger_entry_is_named_and_the_day_does_not_shrink(lake, tmp_path):
    before, hashes = facts(raw(lake)), list(landed_files(lake))
    for file_hash in hashes:
        lake.fs.rm(entry_path(lake, file_hash))
    with pytest.raises(DamagedLandingError, match=r"files/.*\.json is gone"):
        build_day(lake, lake.days("interactions")[0])
    assert {one.path for one in verify_lake(lake, now=NOW).damage} == {entry_path(lake, one) for one in hashes}
    for name in ("rows.jsonl", "ratings.jsonl"):
        land(lake, tmp_path / "inbox" / name)
    assert facts(build(lake)) == before


@pytest.mark.parametrize("content", ["", '{"file_hash": "x"}', "half a li"])
def test_a_damaged_ledger_entry_is_made_anew_from_the_file(lake, tmp_path, content):
    for file_hash in landed_files(lake):
        Path(entry_path(lake, file_hash)).write_text(content)
    assert len(verify_lake(lake, now=NOW).damage) == 2
    assert land(lake, tmp_path / "inbox" / "rows.jsonl").accepted == 24
    assert len(verify_lake(lake, now=NOW).damage) == 1


def test_one_damaged_day_stops_no_other(lake, tmp_path):
    files(lake, "landing")[0].unlink()
    land(lake, jsonl(tmp_path / "inbox" / "more.jsonl", [row(n, interaction_id=f"more{n}") for n in range(24)]))
    stale = stale_days(lake)
    damaged = damaged_days(lake, stale)
    assert len(stale) == 2
    assert list(damaged) == stale[:1]
    for day in stale[1:]:
        build_day(lake, day)
    assert stale_days(lake) == stale[:1]
    assert len(raw(lake)) == 24 + 12


def test_a_damaged_day_of_interactions_is_stale_and_made_again(lake):
    before = facts(raw(lake))
    for day, content in zip(lake.days("interactions"), (b"PAR1 cut", b"x" * 400), strict=True):
        Path(lake.interactions(day)).write_bytes(content)
    assert stale_days(lake) == lake.days("interactions")
    assert facts(build(lake)) == before


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_bytes(b"PAR1"), flip])
def test_a_lost_key_index_is_made_again_and_late_feedback_still_arrives(lake, tmp_path, how):
    day = lake.days("interactions")[0]
    keys = day_keys(lake, "interactions", day)
    how(files(lake, f"keys/interactions/date={day}")[0])
    assert np.array_equal(day_keys(lake, "interactions", day), keys)
    how(files(lake, f"keys/interactions/date={day}")[0])
    report = land(lake, jsonl(tmp_path / "late.jsonl", [rating("i3", 1)]))
    assert report.feedback_applied == 1


def test_a_lake_from_before_is_counted_against_its_ledger(lake):
    lake.fs.rm(lake.path("landed"), recursive=True)
    assert verify_lake(lake, deep=True, now=NOW).damage == []
    part = files(lake, "landing")[0]
    part.unlink()
    assert [one.path for one in verify_lake(lake, now=NOW).damage] == [str(part)]


def test_an_intact_inbox_leaves_nothing_to_find(tmp_path):
    lake = lake_at(tmp_path)
    jsonl(tmp_path / "inbox" / "some.jsonl", [row(1), {"interaction_id": "no question"}, b"no json"])
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    found = verify_lake(lake, deep=True, now=NOW)
    assert found.damage == []
    assert found.checked["files of rejected rows"] == 1
    Path(lake.rejected(next(iter(landed_files(lake))))).unlink()
    assert "rejected" in verify_lake(lake, now=NOW).damage[0].path
