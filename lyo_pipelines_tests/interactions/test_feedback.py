"""Feedback finds its interaction whichever comes first, re-opens exactly its day, and the newest wins."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    START,
    build,
    day_of,
    facts,
    jsonl,
    lake_at,
    land,
    rating,
    rejected,
    row,
)

ROWS = [row(n) for n in range(40)]


def rated(table):
    return {r["interaction_id"]: r["rating"] for r in table.to_pylist() if r["rating"] is not None}


def test_late_feedback_reopens_exactly_its_day(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", ROWS))
    build(lake)
    report = land(lake, jsonl(tmp_path / "f.jsonl", [rating("i17", 4), rating("i18", 2)]))
    assert report.format == "feedback"
    assert (report.feedback_read, report.feedback_applied, report.feedback_pending) == (2, 2, 0)
    assert report.days == tuple(stale_days(lake)) == (day_of(17),)
    assert build_day(lake, day_of(17)).with_feedback == 2
    assert rated(build(lake)) == {"i17": 4.0, "i18": 2.0}


def test_feedback_before_its_interaction_waits_and_is_applied_when_it_comes(tmp_path):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "f.jsonl", [rating("i3", 5), rating("nobody", 1)]))
    assert (report.feedback_applied, report.feedback_pending, report.days) == (0, 2, ())
    assert stale_days(lake) == []
    land(lake, jsonl(tmp_path / "a.jsonl", ROWS))
    assert rated(build(lake)) == {"i3": 5.0}


def test_feedback_by_conversation_or_trace_reaches_all_its_turns_on_all_days(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, conversation_id="long", trace_id=f"t{n // 4}") for n in (0, 1, 12, 13)]
    land(lake, jsonl(tmp_path / "a.jsonl", rows))
    build(lake)
    at = (START + timedelta(days=9)).isoformat()
    feedback = [
        {"conversation_id": "long", "rating": 2, "feedback_at": at},
        {"trace_id": "t3", "thumbs": -1, "complaint_category": "wrong", "feedback_at": at},
    ]
    report = land(lake, jsonl(tmp_path / "f.jsonl", feedback))
    assert report.days == (day_of(0), day_of(12))
    table = build(lake)
    assert rated(table) == dict.fromkeys(("i0", "i1", "i12", "i13"), 2.0)
    thumbs = {r["interaction_id"]: (r["thumbs"], r["complaint_category"]) for r in table.to_pylist()}
    assert thumbs["i13"] == (-1, "wrong")
    assert thumbs["i0"] == (None, None)
    # a turn that comes later belongs to the conversation too
    land(lake, jsonl(tmp_path / "b.jsonl", [row(14, conversation_id="long")]))
    assert rated(build(lake))["i14"] == 2.0


def test_the_newest_feedback_wins_field_by_field(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0, rating=1, feedback_at=(START + timedelta(days=2)).isoformat())]))
    old, newer, newest = (START + timedelta(days=d) for d in (1, 3, 4))
    rows = [rating("i0", 5, newer), rating("i0", 2, old), rating("i0", None, newest, complaint_text="hm")]
    land(lake, jsonl(tmp_path / "f.jsonl", rows))
    result = build(lake).to_pylist()[0]
    assert (result["rating"], result["complaint_text"]) == (5.0, "hm")
    assert result["feedback_at"] == newest


def test_older_feedback_does_not_undo_what_came_with_the_row(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0, rating=1, feedback_at=(START + timedelta(days=5)).isoformat())]))
    land(lake, jsonl(tmp_path / "f.jsonl", [rating("i0", 4, START + timedelta(days=2), thumbs=1)]))
    result = build(lake).to_pylist()[0]
    assert (result["rating"], result["thumbs"]) == (1.0, 1)
    assert result["feedback_at"] == START + timedelta(days=5)


def test_at_the_same_moment_the_more_specific_feedback_wins(tmp_path):
    lake = lake_at(tmp_path / "data")
    at = START + timedelta(days=1)
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0), row(1)]))
    by_conversation = {"conversation_id": "c0", "rating": 1, "feedback_at": at.isoformat()}
    land(lake, jsonl(tmp_path / "f.jsonl", [rating("i0", 5, at), by_conversation]))
    assert rated(build(lake)) == {"i0": 5.0, "i1": 1.0}


def test_bad_feedback_is_rejected_with_its_reason(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [
        rating("", 4),
        {"interaction_id": "i0", "rating": 4},
        {"interaction_id": "i0", "feedback_at": START.isoformat()},
        rating("i0", "four"),
        rating("i0", 4),
    ]
    report = land(lake, jsonl(tmp_path / "f.jsonl", rows))
    assert (report.read, report.accepted) == (5, 1)
    assert [item["reason"] for item in rejected(lake)] == [
        "missing_target",
        "missing_feedback_at",
        "empty_feedback",
        "bad_rating",
    ]


def test_feedback_outside_its_reach_stays_pending(tmp_path):
    lake = lake_at(tmp_path / "data")
    config = CONFIG.model_copy(update={"reach_days": 5})
    land(lake, jsonl(tmp_path / "a.jsonl", ROWS), config=config)
    late = land(lake, jsonl(tmp_path / "f.jsonl", [rating("i0", 5, START + timedelta(days=30))]), config=config)
    early = land(lake, jsonl(tmp_path / "g.jsonl", [rating("i39", 5, START - timedelta(days=2))]), config=config)
    assert (late.feedback_pending, early.feedback_pending) == (1, 1)
    assert rated(build(lake)) == {}


def test_more_feedback_from_a_file_is_routed_when_another_copy_of_its_interactions_comes(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "f.jsonl", [rating("i0", 5), rating("i1", 4), rating("i2", 3)]))
    for n in range(3):
        land(lake, jsonl(tmp_path / f"{n}.jsonl", [row(n)]))
        build(lake)
    assert rated(build(lake)) == {"i0": 5.0, "i1": 4.0, "i2": 3.0}
    folder = lake.path("feedback_for", f"date={day_of(0)}")
    assert len(lake.names(folder)) == 1


def test_feedback_read_anew_by_another_mapping_replaces_what_it_said(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", ROWS))
    path = jsonl(tmp_path / "f.jsonl", [{"id": "i0", "a": 5, "b": 2, "t": (START + timedelta(days=1)).isoformat()}])
    text = "rows: feedback\nfields: {{interaction_id: id, rating: {}, feedback_at: t}}"
    for field, value in (("a", 5.0), ("b", 2.0)):
        report = land(lake, path, mapping=parse_mapping(text.format(field).encode(), "m"))
        assert report.days == (day_of(0),)
        assert rated(build(lake)) == {"i0": value}


FILES = {
    "a": [row(n) for n in range(0, 20)],
    "b": [row(n, answer="Another answer.", rating=3) for n in range(12, 30)]
    + [row(2, occurred_at="2026-10-09T00:00:00Z")],
    "f": [rating(f"i{n}", 1 + n % 5, START + timedelta(days=3, minutes=n)) for n in range(0, 30, 3)],
    "g": [rating(f"i{n}", 5 - n % 5, START + timedelta(days=3, minutes=12)) for n in range(0, 40, 4)]
    + [{"conversation_id": "c3", "thumbs": -1, "feedback_at": START.isoformat()}],
}


@pytest.fixture(scope="module")
def in_order(tmp_path_factory):
    path = tmp_path_factory.mktemp("in_order")
    lake = lake_at(path / "data")
    for name, rows in FILES.items():
        land(lake, jsonl(path / f"{name}.jsonl", rows))
    return facts(build(lake))


@settings(max_examples=draws(12))
@given(order=st.permutations(sorted(FILES)), builds=st.lists(st.booleans(), min_size=4, max_size=4))
def test_the_order_of_files_does_not_matter(order, builds, in_order, tmp_path_factory):
    path = tmp_path_factory.mktemp("order")
    lake = lake_at(path / "data")
    for name, build_now in zip(order, builds, strict=True):
        land(lake, jsonl(path / f"{name}.jsonl", FILES[name]))
        if build_now:
            build(lake)
    assert facts(build(lake)) == in_order
