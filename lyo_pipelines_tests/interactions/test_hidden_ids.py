"""Ids of the source: nobody is in what the lake shows of them, and everything still finds its own."""

from __future__ import annotations

import random
import re
import uuid
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.interactions.days.build import build_day
from lyo_pipelines.interactions.hidden_ids import hide_ids, hide_ids_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import (
    PSEUDONYMS,
    build,
    day_of,
    everything_written,
    jsonl,
    lake_at,
    land,
    rating,
    raw,
    row,
)


def shown(value: str, column: str = "interaction_id", user: str | None = None) -> str:
    return hide_ids(pa.array([value]), column, PSEUDONYMS, [user])[0].as_py()


@pytest.mark.parametrize(
    "value",
    [
        "sunita", "sunita:2026-11-20:4", "5530187-2", "tel:919900112233", "9900112233", "talk-ab12", "sunita/3", "a@b.example",
        " 17 ", "=SUM(A1)", "+17", "-17", "17\n", "facadefacadefacade", "abcd-1", "1234567", "i0000000001", "x-12-34", "",
    ],
)  # fmt: skip
def test_an_id_that_somebody_could_stand_in_is_a_keyed_hash(value):
    if value:
        assert re.fullmatch(r"i_[0-9a-f]{20}", shown(value))
    assert all(
        re.fullmatch(r"[cq]_[0-9a-f]{20}", shown("k17", column)) for column in ("conversation_id", "question_id")
    )


COUNTED = ["c-017", "lp1", "chatcmpl-77", "row_12", "17", "i123456"]
DRAWN = [
    "0190e0c4-6a1c-7a33-8c1d-5b6f0a1e2d3c",
    "9f86d081884c7d65",
    "01J9ZQ4Y8V6X3T2R1P0N9M8K7H",
    "x_9f86d081884c7d659a2feaa0",
]


@pytest.mark.parametrize("value", [*COUNTED, *DRAWN, "chatcmpl-9f86d081884c7d659a2feaa0"])
def test_an_id_that_a_program_drew_or_counted_stays_readable(value):
    assert shown(value) == value


@pytest.mark.parametrize(
    ("value", "user"), [("ab12", "AB12"), ("c-417", "417"), ("lp1", "LP1"), ("9f86d081884c7d65", "9f86d081")]
)
def test_the_rows_own_user_is_in_no_id_however_short(value, user):
    assert shown(value, user=user) != value
    assert shown(value, user="somebody else") == value


@given(st.text(min_size=1), st.sampled_from(["interaction_id", "conversation_id", "question_id"]))
def test_hiding_is_stable_keeps_ids_apart_and_does_nothing_twice(value, column):
    once = shown(value, column)
    assert shown(once, column) == once
    assert shown(value + "x", column) != once
    assert shown(value, column) == once


def test_an_id_of_one_kind_is_not_to_be_recognised_in_another():
    assert len({shown("sunita", column)[2:] for column in ("interaction_id", "conversation_id", "question_id")}) == 3


def test_feedback_that_quotes_raw_ids_reaches_its_rows_before_and_after_them(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "early.jsonl", [rating("sunita-1", 2)]))
    rows = [row(n, interaction_id=f"sunita-{n}", conversation_id=f"sunita/{n}", user_id="sunita") for n in range(4)]
    land(lake, jsonl(tmp_path / "rows.jsonl", rows))
    late = land(
        lake, jsonl(tmp_path / "late.jsonl", [rating("sunita-2", 4), rating("", 5, conversation_id="sunita/3")])
    )
    assert late.feedback_applied == 2
    assert [one["rating"] for one in sorted(build(lake).to_pylist(), key=lambda one: one["source_line"])] == [
        None,
        2,
        4,
        5,
    ]
    assert "sunita" not in everything_written(lake)


def test_the_same_rows_from_another_file_are_the_same_interactions(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, interaction_id=f"sunita-{n}", conversation_id="sunita") for n in range(4)]
    land(lake, jsonl(tmp_path / "a.jsonl", rows))
    land(lake, jsonl(tmp_path / "grown.jsonl", [*rows, row(4, interaction_id="sunita-4", conversation_id="sunita")]))
    assert len(build(lake)) == 5
    assert len(set(raw(lake)["conversation_id"].to_pylist())) == 1


def test_an_id_on_two_contents_is_scoped_and_the_other_rows_keep_their_feedback(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "monday.jsonl", [row(0, interaction_id="lesson/1"), row(1, interaction_id="lesson/2")]))
    tuesday = [row(2, interaction_id="lesson/1"), row(3, interaction_id="lesson/3")]
    land(lake, jsonl(tmp_path / "tuesday.jsonl", tuesday))
    land(lake, jsonl(tmp_path / "said.jsonl", [rating("lesson/1", 1), rating("lesson/3", 4)]))
    told = {one["question"]: (one["interaction_id"], one["rating"]) for one in build(lake).to_pylist()}
    first, scoped = told[row(0)["question"]], told[row(2)["question"]]
    assert scoped[0].startswith(f"{first[0]}~")
    assert (first[1], scoped[1], told[row(3)["question"]][1]) == (None, None, 4)


def landed_with_raw_ids(folder: Path) -> Lake:
    """A lake whose one landed row has the ids of its source, as earlier versions wrote it."""
    lake = lake_at(folder / "data")
    land(lake, jsonl(folder / "old.jsonl", [row(0, question_id="en-fractions-7")]))
    path = next(iter((folder / "data/lake/landing").rglob("*.parquet")))
    table = lake.read_table(str(path))
    for name, value in (
        ("interaction_id", "lesson/0"),
        ("conversation_id", "lesson"),
        ("question_id", "en-fractions-7"),
    ):
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array([value]))
    lake.write_table(table.replace_schema_metadata(None), str(path))
    lake.fs.rm(lake.path("landed"), recursive=True)  # and noted no size
    return lake


def test_rows_that_landed_with_raw_ids_join_with_those_that_came_later(tmp_path):
    lake = landed_with_raw_ids(tmp_path)
    land(lake, jsonl(tmp_path / "new.jsonl", [row(1, conversation_id="lesson", question_id="en-fractions-7")]))
    build_day(lake, day_of(0), PSEUDONYMS)
    rows = raw(lake).to_pylist()
    assert len(rows) == 2
    for name in ("conversation_id", "question_id"):
        assert len({one[name] for one in rows}) == 1
    assert hide_ids_of(raw(lake), PSEUDONYMS) == raw(lake)


def test_days_that_whoever_learns_from_them_builds_hide_ids_of_earlier_landings_too(tmp_path):
    lake = landed_with_raw_ids(tmp_path)
    built = build_stale_days(lake, load_config(None).curation, wanted=lambda day: True, pseudonyms=PSEUDONYMS)
    assert built.days == [day_of(0)]
    assert raw(lake).num_rows == 1
    made = "".join(str(lake.read_table(path(day_of(0))).to_pylist()) for path in (lake.interactions, lake.examples))
    assert not re.search("lesson|en-fractions", made)


def test_ids_of_the_gateway_are_what_its_clients_quote():
    draw = random.Random(7)
    ids = [f"chatcmpl-{draw.getrandbits(96):024x}" for _ in range(2_000)]
    assert hide_ids(pa.array(ids), "interaction_id", PSEUDONYMS).to_pylist() == ids


def test_uuids_whose_digits_could_be_a_telephone_number_are_hashed():
    assert shown(str(uuid.UUID("00000000-0000-4000-8000-919900112233"))).startswith("i_")
