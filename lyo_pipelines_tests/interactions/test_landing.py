"""A file is landed once, whole, by event date, and every row of it is accounted for."""

from __future__ import annotations

import gzip
import json

import pyarrow.parquet as pq
import pytest

from lyo_pipelines.interactions.days.build import build_day, built_from, day_inputs, stale_days
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    as_csv,
    as_parquet,
    build,
    day_of,
    facts,
    jsonl,
    lake_at,
    land,
    raw,
    rejected,
    row,
)

ROWS = [row(n) for n in range(40)]


def test_rows_land_by_event_date_and_become_raw_interactions(tmp_path):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "a.jsonl", ROWS))
    assert (report.read, report.accepted, report.rejected, report.format) == (40, 40, 0, "canonical")
    assert report.days == tuple(sorted({day_of(n) for n in range(40)}))
    table = build(lake)
    assert table.num_rows == 40
    for day in report.days:
        times = lake.read_table(lake.interactions(day))["occurred_at"].to_pylist()
        assert {time.date() for time in times} == {day}


@pytest.mark.parametrize("write", [as_csv, as_parquet], ids=["csv", "parquet"])
def test_every_container_gives_the_same_interactions(tmp_path, write):
    one, other = lake_at(tmp_path / "one"), lake_at(tmp_path / "other")
    land(one, jsonl(tmp_path / "a.jsonl", ROWS))
    report = land(other, write(tmp_path / f"a.{'csv' if write is as_csv else 'parquet'}", ROWS))
    assert report.accepted == 40
    assert facts(build(one)) == facts(build(other))


def test_a_gzipped_file_reads_like_the_plain_one(tmp_path):
    plain = jsonl(tmp_path / "a.jsonl", ROWS)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    lake = lake_at(tmp_path / "data")
    assert land(lake, packed).accepted == 40
    packed.write_bytes(packed.read_bytes()[:-20])
    assert "cannot be read to its end" in (land(lake, packed).unreadable or "")


def test_a_large_file_goes_through_several_processes_with_the_same_result(tmp_path):
    rows = [*ROWS, b"{broken", row(1, question=" "), row(2, turn=1.5)]
    path = jsonl(tmp_path / "a.jsonl", rows * 20)
    one, other = lake_at(tmp_path / "one"), lake_at(tmp_path / "other")
    small = {"block_bytes": 4096}
    land(one, path, config=CONFIG.model_copy(update=small))
    report = land(other, path, config=CONFIG.model_copy(update={**small, "parallel_from_bytes": 0, "workers": 2}))
    assert report.rejected_by_reason == {"broken_json": 20, "missing_question": 20}
    assert report.notes == {"bad_turn: the value is left out": 20}
    assert facts(build(one)) == facts(build(other))
    assert [line["line"] for line in rejected(one)] == [line["line"] for line in rejected(other)]


def test_the_same_content_twice_changes_nothing_also_under_another_name(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [*ROWS, b"nonsense"]))
    before = build(lake)
    files = sorted(str(path) for path in (tmp_path / "data").rglob("*"))
    again = land(lake, jsonl(tmp_path / "b.jsonl", [*ROWS, b"nonsense"]))
    assert again.already_landed
    assert (again.read, again.accepted, again.rejected, again.days) == (41, 40, 1, ())
    assert build(lake).equals(before)
    assert sorted(str(path) for path in (tmp_path / "data").rglob("*")) == files


def test_an_interaction_in_two_files_appears_once_whatever_their_order(tmp_path):
    first = jsonl(tmp_path / "a.jsonl", [row(n, answer=None) for n in range(8)])
    second = jsonl(tmp_path / "b.jsonl", [row(n) for n in range(4, 12)])
    results = []
    for name, order in (("x", (first, second)), ("y", (second, first))):
        lake = lake_at(tmp_path / name)
        for path in order:
            land(lake, path)
            build(lake)
        results.append(build(lake))
    assert results[0].equals(results[1])
    assert results[0].num_rows == 12
    answers = dict(zip(results[0]["interaction_id"].to_pylist(), results[0]["answer"].to_pylist(), strict=True))
    assert answers["i5"] == "It is 10."  # the copy with an answer is kept
    assert answers["i3"] is None


def test_an_interaction_under_two_dates_keeps_the_earliest(tmp_path):
    early = jsonl(tmp_path / "a.jsonl", [row(0), row(1), row(30)])
    late = jsonl(tmp_path / "b.jsonl", [row(0, occurred_at="2026-10-05T00:00:00Z"), row(50)])
    twice = jsonl(tmp_path / "c.jsonl", [row(60), row(60, occurred_at="2026-10-20T00:00:00Z")])
    results = []
    for name, order in (("x", (early, late, twice)), ("y", (twice, late, early))):
        lake = lake_at(tmp_path / name)
        reports = [land(lake, path) for path in order]
        results.append(build(lake))
    assert results[0].equals(results[1])
    assert results[0]["interaction_id"].to_pylist() == ["i0", "i1", "i30", "i50", "i60"]
    assert results[0]["occurred_at"].to_pylist()[0].day == 1
    assert day_of(0) in reports[-1].days


def test_a_row_without_an_id_gets_one_from_its_content(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [{k: v for k, v in row(n).items() if k != "interaction_id"} for n in (1, 1, 2)]
    land(lake, jsonl(tmp_path / "a.jsonl", rows))
    table = build(lake)
    assert table.num_rows == 2  # the same twice is the same interaction
    assert all(value.startswith("x_") for value in table["interaction_id"].to_pylist())


def test_each_bad_row_is_kept_with_line_reason_and_text(tmp_path):
    lake = lake_at(tmp_path / "data")
    bad = {
        2: (b"{not json", "broken_json"),
        3: (b'{"question": "\xff\xfe"}', "broken_utf8"),
        4: (b"[1, 2]", "not_an_object"),
        5: (row(1, question=" "), "missing_question"),
        6: (row(1, occurred_at="yesterday"), "bad_occurred_at"),
        7: (row(1, occurred_at="1850-01-01"), "occurred_at_out_of_range"),
        8: (row(1, occurred_at="2031-01-01"), "occurred_at_out_of_range"),
        9: (row(1, language=None), "missing_language"),
        10: (row(1, question={"a": 1}), "bad_question"),
        11: (b'{"question": "half \\ud800", "occurred_at": 1, "task": "t"}', "broken_unicode"),
        12: (row(1, history="hello"), "bad_history"),
        13: (row(1, adapter_version={"v": 1}), "bad_adapter_version"),
        14: (b"[" * 3000, "broken_json"),
    }
    report = land(lake, jsonl(tmp_path / "a.jsonl", [row(0), *(line for line, _ in bad.values()), b"", b"  ", row(2)]))
    assert (report.read, report.accepted) == (15, 2)  # blank lines are no rows
    kept = rejected(lake)
    assert [(item["line"], item["reason"]) for item in kept] == [(line, reason) for line, (_, reason) in bad.items()]
    assert {item["file"] for item in kept} == {"a.jsonl"}
    assert json.loads(kept[3]["raw"])["subject"] == "math"
    assert kept[0]["raw"] is None
    assert kept[0]["raw_bytes"] == len(b"{not json")


def test_values_that_mean_not_known_are_no_error(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [
        row(0, rating=float("nan"), answer=None, user_id=None, subject="", thumbs=0),
        row(1, rating="4", grade=7, turn="2", user_id=17, response_time_ms="12.5"),
        row(2, grade=8.0, history='[{"role": "user", "content": "hi"}]', metadata='{"a": 1}', language="hi-Latn"),
        row(3, metadata="plain words", answer="a\u0000b", history=[]),
    ]
    assert land(lake, jsonl(tmp_path / "a.jsonl", rows)).accepted == 4
    first, second, third, fourth = build(lake).to_pylist()
    assert (first["rating"], first["user_pseudonym"], first["subject"], first["thumbs"]) == (None, None, None, None)
    assert (second["rating"], second["grade"], second["turn"]) == (4.0, "7", 2)
    assert (third["grade"], third["history"][0]["content"], third["metadata"]) == ("8", "hi", '{"a":1}')
    assert third["language"] == "hi_latn"
    assert json.loads(fourth["metadata"]) == {"value": PSEUDONYMS.value("plain words")}


def test_an_overlong_row_is_rejected_and_its_neighbours_are_read(tmp_path):
    lake = lake_at(tmp_path / "data")
    long = row(1, answer="x" * 5000)
    config = CONFIG.model_copy(update={"max_row_bytes": 2048, "block_bytes": 1024})
    report = land(lake, jsonl(tmp_path / "a.jsonl", [row(0), long, row(2), long]), config=config)
    assert report.rejected_by_reason == {"row_too_long": 2}
    assert [item["line"] for item in rejected(lake)] == [2, 4]


def test_a_misspelt_field_is_said(tmp_path):
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "a.jsonl", [row(0, ratings=4)]))
    assert report.ignored_fields == ("ratings",)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b"\n \n", "empty"),
        ("a.jsonl", b"[{}, {}]", "its format cannot be told"),
        ("a.jsonl", '{"a": 1}'.encode("utf-16-le"), "UTF-16-LE without a byte order mark"),
        ("a.jsonl", b"\xff\xfe{", "its byte order mark says UTF-16-LE, and its bytes are not"),
        ("a.csv", b"\x00\x00\xfe\xffquestion", "its byte order mark says UTF-32-BE, and its bytes are not"),
        ("a.parquet", b"PAR1 and nothing more", "damaged"),
        ("a.parquet", b"something else", "does not begin like one"),
        ("a.jsonl", b"\x00\x01\x02 garbage", "no row"),
        ("a.bin", b"\x00\x01\x02 garbage", "neither"),
        ("a.csv", b"a,a\n1,2\n", "repeated column"),
        ("a.jsonl", b'{"ts": 1, "who": "x"}\n', "mapping"),
        ("a.csv", b"ts,who\n1,2\n", "mapping"),
    ],
)
def test_a_file_that_is_not_readable_says_why_and_leaves_nothing(tmp_path, name, content, why):
    lake = lake_at(tmp_path / "data")
    (tmp_path / name).write_bytes(content)
    report = land(lake, tmp_path / name)
    assert why in (report.unreadable or "")
    assert (report.read, report.days) == (0, ())
    assert not lake.exists(lake.path("landing"))
    assert lake.names(lake.path("files")) == []


def test_a_missing_file_or_a_folder_is_said(tmp_path):
    lake = lake_at(tmp_path / "data")
    assert "cannot be opened" in (land(lake, tmp_path / "nowhere.jsonl").unreadable or "")
    assert "no file" in (land(lake, tmp_path).unreadable or "")
    assert "unknown format" in (land(lake, jsonl(tmp_path / "a.jsonl", ROWS), format="xml").unreadable or "")
    assert "needs a mapping" in (land(lake, jsonl(tmp_path / "a.jsonl", ROWS), format="flat").unreadable or "")


def test_a_given_format_is_obeyed(tmp_path):
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "a.jsonl", [{"x": 1}]), format="canonical")
    assert report.rejected_by_reason == {"missing_occurred_at": 1}


def test_building_a_day_again_gives_the_same_bytes_and_says_what_it_was_built_from(tmp_path):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "a.jsonl", [*ROWS, row(0)]))
    assert stale_days(lake) == list(report.days)
    day = report.days[0]
    built = build_day(lake, day)
    assert (built.rows, built.landed, built.repeated) == (12, 13, 1)
    assert built.segments == {"tutoring.en.math": 12}
    assert built.inputs == day_inputs(lake, day) == built_from(lake, lake.interactions(day))
    before = (tmp_path / "data/lake/interactions" / f"date={day}" / "part.parquet").read_bytes()
    assert build_day(lake, day) == built
    assert (tmp_path / "data/lake/interactions" / f"date={day}" / "part.parquet").read_bytes() == before
    assert day not in stale_days(lake)
    assert built_from(lake, lake.path("nowhere")) is None


def test_a_day_with_nothing_has_an_empty_file(tmp_path):
    lake = lake_at(tmp_path / "data")
    assert build_day(lake, NOW.date()).rows == 0
    assert raw(lake).num_rows == 0


def test_many_days_need_few_open_files_and_little_memory(tmp_path):
    rows = [row(n, occurred_at=f"2026-0{1 + n % 9}-{1 + n % 27:02d}T00:00:00Z") for n in range(400)]
    config = CONFIG.model_copy(update={"buffer_bytes": 4096, "max_open_days": 3, "block_bytes": 8192})
    lake = lake_at(tmp_path / "data")
    assert land(lake, jsonl(tmp_path / "a.jsonl", rows), config=config).accepted == 400
    assert facts(build(lake)) == facts(_built(tmp_path / "other", rows))


def _built(path, rows):
    lake = lake_at(path)
    land(lake, jsonl(path / "a.jsonl", rows))
    return build(lake)


def test_a_turn_that_nobody_states_is_the_order_in_the_conversation(tmp_path):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, turn=None) for n in (3, 0, 2, 1)] + [row(5, turn=None), row(6, turn=9)]
    land(lake, jsonl(tmp_path / "a.jsonl", [*rows, row(0, turn=None), row(8, turn=None, conversation_id=None)]))
    table = build(lake)
    turns = dict(zip(table["interaction_id"].to_pylist(), table["turn"].to_pylist(), strict=True))
    assert turns == {"i0": 0, "i1": 1, "i2": 2, "i3": 3, "i5": None, "i6": 9, "i8": None}


def test_the_output_has_the_contract_schema(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", ROWS))
    build(lake)
    from lyo_pipelines.interactions.contract import INTERACTION

    for day in lake.days("interactions"):
        assert pq.read_schema(lake.interactions(day)).equals(INTERACTION)


def test_a_task_of_signs_only_names_no_segment(tmp_path):
    lake = lake_at(tmp_path / "data")
    (day,) = land(lake, jsonl(tmp_path / "a.jsonl", [row(0, task="—"), row(1)])).days
    assert build_day(lake, day).segments == {"(none)": 1, "tutoring.en.math": 1}


def test_a_long_row_inside_a_block_is_rejected_like_one_across_blocks(tmp_path):
    config = CONFIG.model_copy(update={"max_row_bytes": 2048})
    report = land(
        lake_at(tmp_path / "data"), jsonl(tmp_path / "a.jsonl", [row(0), row(1, answer="x" * 5000)]), config=config
    )
    assert (report.accepted, report.rejected_by_reason) == (1, {"row_too_long": 1})


def test_a_csv_with_semicolons_blank_lines_and_a_header_of_its_own_is_read(tmp_path):
    text = "question;occurred_at;task;language\n\nq;2026-10-01;t;en\n\n"
    (tmp_path / "a.csv").write_text(text)
    assert land(lake_at(tmp_path / "data"), tmp_path / "a.csv").accepted == 1
    (tmp_path / "b.csv").write_text('"never closed\n')
    assert land(lake_at(tmp_path / "data"), tmp_path / "b.csv", format="canonical").read == 0


def test_parquet_with_repeated_columns_is_unreadable(tmp_path):
    import pyarrow as pa

    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "a.parquet")
    assert "repeated column" in (land(lake_at(tmp_path / "data"), tmp_path / "a.parquet").unreadable or "")
