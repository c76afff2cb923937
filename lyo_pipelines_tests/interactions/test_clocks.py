"""A wrong clock loses no row, and what comes from the future is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from lyo_pipelines.interactions.landing.inbox import land_inbox, scan_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms, WeakPseudonymKeyError
from lyo_pipelines.interactions.store.key_fingerprint import OtherKeyError
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    dated,
    jsonl,
    lake_at,
    land,
    rating,
    row,
)


def test_rows_that_only_a_wrong_clock_refused_are_read_when_it_is_right(tmp_path):
    lake = lake_at(tmp_path)
    jsonl(tmp_path / "inbox" / "a.jsonl", [row(0), row(20), {"interaction_id": "no question"}])
    behind = NOW - timedelta(days=400)
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, behind)
    assert (report.accepted, report.rejected_by_reason["occurred_at_out_of_range"]) == (0, 2)
    assert "2 of the rows" in report.note
    assert land_inbox(lake, PSEUDONYMS, CONFIG, behind + timedelta(days=1)) == []
    assert len(scan_inbox(lake, CONFIG, settle_seconds=0, now=NOW)) == 1
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert (report.accepted, report.rejected) == (2, 1)
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW) == []


def test_a_row_is_read_again_as_soon_as_its_own_moment_is_there(tmp_path):
    lake = lake_at(tmp_path)
    soon = NOW + timedelta(days=5)
    jsonl(tmp_path / "inbox" / "a.jsonl", [row(0), row(1, occurred_at=soon.isoformat())])
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].accepted == 1
    before = soon - timedelta(hours=CONFIG.clock_skew_hours, seconds=1)
    assert scan_inbox(lake, CONFIG, settle_seconds=0, now=before) == []
    assert land_inbox(lake, PSEUDONYMS, CONFIG, before + timedelta(seconds=2))[0].accepted == 2


def test_an_earlier_first_day_in_the_configuration_brings_old_rows_up_again(tmp_path):
    lake = lake_at(tmp_path)
    jsonl(tmp_path / "inbox" / "a.jsonl", [row(0), row(1, occurred_at="1999-05-05T10:00:00Z")])
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].accepted == 1
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW) == []
    wider = CONFIG.model_copy(update={"earliest": date(1998, 1, 1)})
    assert land_inbox(lake, PSEUDONYMS, wider, NOW)[0].accepted == 2


def test_feedback_from_the_future_comes_back_too(tmp_path):
    lake = lake_at(tmp_path)
    jsonl(tmp_path / "inbox" / "f.jsonl", [rating("i1", 5, NOW + timedelta(days=3))])
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].accepted == 0
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW + timedelta(days=3))[0].accepted == 1


def test_a_file_from_the_future_is_read_and_told(tmp_path):
    lake = lake_at(tmp_path)
    dated(jsonl(tmp_path / "inbox" / "a.jsonl", [row(0)]), NOW + timedelta(days=300))
    assert len(scan_inbox(lake, CONFIG, settle_seconds=5, now=NOW)) == 1
    (report,) = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert report.accepted == 1
    assert "300 days ahead" in report.note


def test_another_key_than_the_lakes_lands_nothing(tmp_path):
    lake = lake_at(tmp_path)
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    jsonl(tmp_path / "inbox" / "b.jsonl", [row(1)])
    other = Pseudonyms("another key for the tests")
    with pytest.raises(OtherKeyError, match="not the key"):
        land_inbox(lake, other, CONFIG, NOW)
    with pytest.raises(OtherKeyError, match="rotate"):
        land_inbox(lake, Pseudonyms("a key for the tests\na newer key for the tests"), CONFIG, NOW)
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].accepted == 1


def test_a_lake_from_before_takes_the_key_of_its_next_landing(tmp_path):
    lake = lake_at(tmp_path)
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    lake.fs.rm(lake.path("key.json"))
    land(lake, jsonl(tmp_path / "b.jsonl", [row(1)]))
    with pytest.raises(OtherKeyError):
        land(lake, jsonl(tmp_path / "c.jsonl", [row(2)]), pseudonyms=Pseudonyms("another key for the tests"))


@pytest.mark.parametrize("key", ["k", "fifteen letters"])
def test_a_key_that_can_be_tried_out_is_refused(key):
    with pytest.raises(WeakPseudonymKeyError, match="16 or more") as raised:
        Pseudonyms(key)
    assert "fifteen" not in str(raised.value)
    assert "rotate" in raised.value.hint


def test_a_report_of_a_clock_keeps_what_was_noted_before(tmp_path):
    lake = lake_at(tmp_path)
    dated(jsonl(tmp_path / "inbox" / "a.jsonl", [row(0, occurred_at="2099-01-01T00:00:00Z")]), NOW + timedelta(hours=5))
    note = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].note
    assert "accepted times" in note
    assert "5 hours ahead" in note
    assert replace(land_inbox(lake, PSEUDONYMS, CONFIG, NOW + timedelta(days=30_000))[0], note="").accepted == 1
