"""What is kept of metadata and rejected rows: what somebody listed, and of all else that it was there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.scrub import Scrubber, dump_json
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    PSEUDONYMS,
    build,
    everything_written,
    jsonl,
    lake_at,
    land,
    rejected,
    row,
)

MINIMISER = Minimiser(PSEUDONYMS, Scrubber(PSEUDONYMS, CONFIG.identifier_keys), CONFIG.metadata_keys)
NAME, MAIL, MOBILE = "Sunita Devi Patil", "sunita.patil@school.example", "99001 12233"


def test_listed_keys_keep_their_text_and_others_an_equal_digest():
    kept = MINIMISER.metadata({"app": "web", "App-Version": "2.1", "hobby": "chess", "other": {"hobby": "chess"}})
    assert (kept["app"], kept["App-Version"]) == ("web", "2.1")
    assert kept["hobby"] == kept["other"]["hobby"]
    assert kept["hobby"].startswith("v_")


@pytest.mark.parametrize("value", [3, 0.25, True, None, "2026-11-20", "2026-11-20T10:00:00Z", "17", "-2.5", ""])
def test_numbers_dates_and_yes_or_no_stay(value):
    assert MINIMISER.metadata({"anything": value}) == {"anything": value}


@pytest.mark.parametrize(
    "value", [9900112233, "99001 12233", "9900112233", 9900112233.0, 4820137, "10.20.30.40", MAIL, NAME]
)
def test_long_numbers_addresses_and_words_do_not(value):
    assert str(value) not in dump_json(MINIMISER.metadata({"anything": value, "deep": [{"er": [value]}]}))


def test_a_listed_text_loses_addresses_long_numbers_and_the_rows_user():
    text = MINIMISER.metadata({"app": f"web for sunita-17 ({MAIL}, {MOBILE}, 10.20.30.40) of 2026-11-20"}, "sunita-17")[
        "app"
    ]
    assert not any(one in text for one in ("sunita", MAIL, MOBILE, "10.20.30.40"))
    assert text.startswith("web for u_") and text.endswith("of 2026-11-20")


@pytest.mark.parametrize("key", [MAIL, "9900112233", "sunita-17", "![x](https://far.example/p.png)", "a" * 80])
def test_a_key_that_is_data_is_none(key):
    assert key not in dump_json(MINIMISER.metadata({key: 1, "user": {key: 1}}, "Sunita-17"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([NAME, MAIL, MOBILE, "9900112233"]))
def test_nobody_is_left_at_any_depth_and_nothing_changes_the_second_time(value, who):
    planted = {"a": [value, {"b": who, "user": [who], who: value}], "inside": json.dumps({"c": who})}
    once = MINIMISER.metadata(planted)
    assert who not in dump_json(once)
    assert json.loads(dump_json(MINIMISER.metadata(once))) == json.loads(dump_json(once))
    assert who not in dump_json(MINIMISER.rejected(planted))


def test_a_rejected_row_keeps_its_fields_and_the_lengths_of_its_texts(tmp_path):
    lake = lake_at(tmp_path / "data")
    told = {"question": f"I am {NAME}, {MOBILE}", "metadata": {"hobby": "chess"}, "rating": "nine", "subject": "math"}
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1, occurred_at="never", **told)]))
    kept = json.loads(rejected(lake)[0]["raw"])
    assert kept["question"] == f"<text of {len(str(told['question']))} characters>"
    assert (kept["subject"], kept["task"], kept["turn"]) == ("math", "tutoring", 1)
    assert not any(one in everything_written(lake) for one in (NAME, MOBILE, "chess", "nine"))


def test_a_rejected_row_is_cut(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1, occurred_at="never", **{f"field{n}": n for n in range(1_000)})]))
    assert len(rejected(lake)[0]["raw"]) == CONFIG.max_rejected_characters


def test_a_name_that_the_metadata_knows_is_replaced_in_the_texts_before_it_goes(tmp_path):
    lake = lake_at(tmp_path / "data")
    answer = "Well done, Sunita! Sunita Devi PATIL has two apples. A sunita rose, and Patil stands."
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1, answer=answer, metadata={"full_name": NAME})]))
    kept = build(lake).to_pylist()[0]
    assert kept["answer"] == "Well done, <PERSON>! <PERSON> has two apples. A sunita rose, and Patil stands."
    assert "Sunita" not in kept["metadata"]


def test_a_facet_that_is_somebody_is_left_out_and_told(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [row(1, subject="ask 9900112233"), row(2, team=MAIL), row(3, subject="physics 2026-27")]
    report = land(lake, jsonl(tmp_path / "a.jsonl", rows))
    table = build(lake).sort_by("source_line")
    assert table["subject"].to_pylist() == [None, "math", "physics 2026-27"]
    assert table["team"].to_pylist() == [None] * 3
    assert sum(count for note, count in report.notes.items() if "left out" in note) == 2


@pytest.mark.parametrize("name", ["export_sunita-17.jsonl", "of SUNITA-17 (2).jsonl", "99001 12233.jsonl"])
def test_a_file_is_not_remembered_by_the_name_of_its_user(tmp_path, name):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, user_id="sunita-17") for n in range(3)] + [row(n, occurred_at="never") for n in range(2_100)]
    report = land(lake, jsonl(tmp_path / name, rows))
    written = everything_written(lake).lower()
    assert not any(one in written for one in ("sunita", "99001 12233"))
    assert {one["file"] for one in rejected(lake)} == {report.name}


def test_other_files_keep_their_names_and_no_page_shows_them(tmp_path):
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "tutor_2026-11.jsonl", [row(1)]))
    assert report.name == "tutor_2026-11.jsonl"
    assert report.public_name == f"file-{report.file_hash[:12]}.jsonl"
