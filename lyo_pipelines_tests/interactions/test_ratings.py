"""Ratings mean what the log meant: scales, thumbs, models that judge, and ratings that are taken back."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.interactions import ScoreConfig
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.scales import Scale
from lyo_pipelines.interactions.fields.thumbs import BINARY, THUMBS_OF_ZERO, parse_thumb
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, START, build, jsonl, lake_at, land, rejected, row


def said(lake, *names):
    return {item["interaction_id"]: tuple(item[name] for name in names) for item in build(lake).to_pylist()}


def later(number, hours=1, **fields):
    return {
        "interaction_id": f"i{number}",
        "feedback_at": (START + timedelta(days=1, hours=hours)).isoformat(),
        **fields,
    }


@given(st.floats(-100, 100), st.floats(0.5, 100), st.floats(0, 1))
def test_a_declared_scale_keeps_its_ends_and_its_order(low, width, share):
    scale = Scale(low, low + width)
    worst, best, between = scale.rating(np.array([low, low + width, low + share * width]))
    assert (worst, best) == pytest.approx((1, 5))
    assert 1 - 1e-9 <= between <= 5 + 1e-9


def test_of_a_file_on_an_unknown_scale_no_rating_is_believed_and_it_says_so(tmp_path):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "a.jsonl", [row(n, rating=r) for n, r in enumerate([9, 4, 10, 2])]))
    assert (report.read, report.accepted) == (4, 4)
    assert {rating for (rating,) in said(lake, "rating").values()} == {None}
    assert any("scale" in note and "found 9, expected 1 to 5" in note for note in report.notes)


def test_a_scale_shows_also_where_only_the_last_block_is_off_it(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, rating=4) for n in range(60)] + [row(60, rating=7)]
    land(lake, jsonl(tmp_path / "a.jsonl", rows), config=CONFIG.model_copy(update={"block_bytes": 2048}))
    assert {rating for (rating,) in said(lake, "rating").values()} == {None}


@pytest.mark.parametrize("declared", ["a*.jsonl", "canonical"])
def test_a_scale_that_is_declared_by_file_or_format_is_converted(tmp_path, declared):
    lake = lake_at(tmp_path / "data")
    config = CONFIG.model_copy(update={"rating_scales": {declared: (0, 10)}})
    land(lake, jsonl(tmp_path / "app.jsonl", [row(n, rating=r) for n, r in enumerate([0, 5, 10])]), config=config)
    assert said(lake, "rating") == {"i0": (1,), "i1": (3,), "i2": (5,)}


def test_feedback_off_the_scale_is_rejected_with_what_was_found_and_what_else_it_says_is_kept(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(n) for n in range(3)]))
    rows = [later(0, rating=1), later(1, rating=-1), later(2, rating=1, complaint_text="too long")]
    report = land(lake, jsonl(tmp_path / "f.jsonl", rows))
    assert report.rejected_by_reason == {"rating_scale_unknown": 2}
    assert "found -1, expected 1 to 5" in rejected(lake)[-1]["detail"]
    assert said(lake, "rating", "complaint_text") == {"i0": (None, None), "i1": (None, None), "i2": (None, "too long")}


@pytest.mark.parametrize("value", [-1, "-1", "down", "thumbs_down", "Thumbs Down", "👎🏽", "dislike", False])
def test_a_thumb_down_is_down_however_it_is_written(value):
    assert parse_thumb(value) == -1
    assert parse_thumb(value, scale=BINARY) == -1


def test_zero_is_down_for_a_named_score_and_neither_in_our_own_column():
    assert parse_thumb(0, scale=BINARY) == -1
    assert parse_thumb(0) == 0
    with pytest.raises(RowError, match="thumbs_out_of_range"):
        parse_thumb(5, scale=BINARY)


def langfuse_score(name, value, **fields):
    at = (START + timedelta(days=1)).isoformat()
    return {"id": f"s-{name}", "observation_id": "i0", "name": name, "value": value, "timestamp": at, **fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "thumbs", "value": 0, "data_type": "NUMERIC"}, -1),
        ({"name": "thumbs", "value": 1, "data_type": "NUMERIC"}, 1),
        ({"name": "thumbs", "value": 0, "data_type": "BOOLEAN"}, -1),
        ({"name": "thumbs", "value": None, "string_value": "False", "data_type": "BOOLEAN"}, -1),
        ({"name": "thumbs", "value": 0, "string_value": "thumbs_up", "data_type": "CATEGORICAL"}, 1),
        ({"name": "thumbs", "value": 0, "string_value": "thumbs_down", "data_type": "CATEGORICAL"}, -1),
        ({"name": "thumbs", "value": -1, "data_type": "NUMERIC"}, -1),
    ],
)
def test_a_langfuse_thumb_is_never_lost_on_one_side(tmp_path, fields, expected):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    assert land(lake, jsonl(tmp_path / "s.jsonl", [langfuse_score(**fields)])).accepted == 1
    assert said(lake, "thumbs") == {"i0": (expected,)}


def test_the_number_of_a_category_is_no_rating_and_its_label_needs_a_declared_value(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    score = langfuse_score("rating", 1, string_value="5 - very good", data_type="CATEGORICAL")
    assert land(lake, jsonl(tmp_path / "s.jsonl", [score])).rejected_by_reason == {"bad_rating": 1}
    named = {"rating": ScoreConfig(field="rating", values={"5 - very good": 5})}
    config = CONFIG.model_copy(update={"langfuse": CONFIG.langfuse.model_copy(update={"scores": named})})
    assert land(lake, jsonl(tmp_path / "t.jsonl", [{**score, "id": "other"}]), config=config).accepted == 1
    assert said(lake, "rating") == {"i0": (5,)}


def test_a_score_with_a_scale_of_its_own_is_converted(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    named = {"stars": ScoreConfig(field="rating", scale=(1, 7))}
    config = CONFIG.model_copy(update={"langfuse": CONFIG.langfuse.model_copy(update={"scores": named})})
    land(lake, jsonl(tmp_path / "s.jsonl", [langfuse_score("stars", 4)]), config=config)
    assert said(lake, "rating") == {"i0": (3,)}


def test_a_models_score_is_no_users_rating(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [langfuse_score("rating", 5, source="EVAL"), langfuse_score("relevance", 0.5, source="EVAL")]
    report = land(lake, jsonl(tmp_path / "s.jsonl", rows))
    assert (report.accepted, report.rejected_by_reason) == (1, {"judged_by_a_model": 1})


@pytest.mark.parametrize(
    "taken_back",
    [
        {"rating": None},
        {"withdrawn": True},
        {"rating": 4, "deleted_at": "2026-10-12"},
        {"rating": 4, "operation": "DELETE"},
        {"rating": 4, "event": "feedback.deleted"},
        {"rating": 4, "isDeleted": 1},
    ],
)
def test_a_rating_that_is_taken_back_goes_and_a_newer_one_counts_again(tmp_path, taken_back):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    land(lake, jsonl(tmp_path / "1.jsonl", [later(0, 1, rating=4)]))
    assert said(lake, "rating") == {"i0": (4,)}
    assert land(lake, jsonl(tmp_path / "2.jsonl", [later(0, 2, **taken_back)])).accepted == 1
    assert said(lake, "rating") == {"i0": (None,)}
    land(lake, jsonl(tmp_path / "3.jsonl", [later(0, 3, rating=2)]))
    assert said(lake, "rating") == {"i0": (2,)}


@pytest.mark.parametrize(
    "kept", [{"deleted": False}, {"deleted_at": ""}, {"status": "submitted"}, {"event": "created"}]
)
def test_feedback_that_says_it_is_there_stays(tmp_path, kept):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    land(lake, jsonl(tmp_path / "1.jsonl", [later(0, 1, rating=4, **kept)]))
    assert said(lake, "rating") == {"i0": (4,)}


def test_a_thumb_of_zero_takes_back_the_thumb_and_leaves_the_rating(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]))
    land(lake, jsonl(tmp_path / "1.jsonl", [later(0, 1, rating=4, thumbs=-1)]))
    land(lake, jsonl(tmp_path / "2.jsonl", [later(0, 2, thumbs=0)]))
    assert said(lake, "rating", "thumbs") == {"i0": (4, None)}


@pytest.mark.parametrize(("values", "told"), [([1, 0, 0], True), ([1, 0, -1], False), ([0, None, 0], False)])
def test_noughts_beside_ups_alone_are_told_for_they_may_be_downs(tmp_path, values, told):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, thumbs=value) for n, value in enumerate(values)]
    assert (land(lake, jsonl(tmp_path / "a.jsonl", rows)).notes.get(THUMBS_OF_ZERO, 0) > 0) == told
    later_on = [later(n, 1, thumbs=value) for n, value in enumerate(values)]
    assert (land(lake, jsonl(tmp_path / "f.jsonl", later_on)).notes.get(THUMBS_OF_ZERO, 0) > 0) == told


def test_an_id_that_a_table_program_turned_into_a_float_is_found_again(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [{**row(0), "interaction_id": 1001}]))
    path = tmp_path / "f.csv"
    path.write_text(f"interaction_id,rating,feedback_at\n1001.0,4,{(START + timedelta(days=1)).isoformat()}\n")
    assert land(lake, path).feedback_applied == 1


def test_an_id_that_a_spreadsheet_rounded_names_nothing(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = tmp_path / "a.csv"
    lines = [f"1.23457E+17,2026-10-01T10:00:00Z,tutoring,en,What is {n} and 1?,It is {n + 1}." for n in range(3)]
    path.write_text("\n".join(["interaction_id,occurred_at,task,language,question,answer", *lines]))
    report = land(lake, path)
    assert report.notes == {"interaction_id: rounded by a spreadsheet, so it is none": 3}
    assert len(build(lake)) == 3


def test_an_odd_optional_value_costs_itself_and_not_its_row(tmp_path):
    lake = lake_at(tmp_path / "data")
    odd = row(
        0, response_time_ms="4,5", turn=float("nan"), retries=10**30, reasoning_mode="telepathy", subject=["math"]
    )
    report = land(lake, jsonl(tmp_path / "a.jsonl", [odd, row(1)]))
    assert (report.accepted, report.rejected) == (2, 0)
    assert report.notes == {
        f"{reason}: the value is left out": 1
        for reason in ("bad_response_time_ms", "retries_out_of_range", "bad_reasoning_mode", "bad_subject")
    }
