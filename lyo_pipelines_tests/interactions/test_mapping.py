"""A mapping turns any flat file into interactions, and a wrong one says which key and what is expected."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines.interactions.errors import MappingError
from lyo_pipelines.interactions.fields.mapping import load_mapping, lookup, parse_mapping
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    as_csv,
    as_parquet,
    build,
    jsonl,
    lake_at,
    land,
    rejected,
)

FLAT = [
    {
        "ts": 1791664357012 + 1000 * n,
        "who": f"student-{n}@example.org",
        "chat": "c1",
        "n": n,
        "student_said": f"question {n}",
        "tutor_said": "answer",
        "stars": 4.0 if n else None,
        "class": "7",
        "course": "Mathematics",
        "lang": "English",
        "ms": 809,
    }
    for n in range(3)
]


def mapping(text: str):
    return parse_mapping(text.encode(), "m.yaml")


def test_the_example_reads_the_file_it_speaks_of(tmp_path):
    example = load_mapping(PROJECT_ROOT / "data" / "mappings" / "example.yaml")
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "interactions_flat.jsonl", FLAT), mapping=example)
    assert (report.format, report.accepted) == ("flat", 3)
    first, second, _ = sorted(build(lake).to_pylist(), key=lambda item: item["turn"])
    assert first["occurred_at"] == datetime(2026, 10, 10, 20, 32, 37, 12000, UTC)
    assert (first["question"], first["answer"], first["rating"], second["rating"]) == (
        "question 0",
        "answer",
        None,
        4.0,
    )
    assert (first["subject"], first["language"], first["task"], first["grade"]) == ("math", "en", "tutoring", "7")
    assert first["response_time_ms"] == 809.0


@pytest.mark.parametrize("write", [as_csv, as_parquet], ids=["csv", "parquet"])
def test_a_mapping_serves_csv_and_parquet(tmp_path, write):
    example = load_mapping(PROJECT_ROOT / "data" / "mappings" / "example.yaml")
    lake = lake_at(tmp_path / "data")
    report = land(lake, write(tmp_path / f"x.{'csv' if write is as_csv else 'parquet'}", FLAT), mapping=example)
    assert report.accepted == 3
    assert set(build(lake)["rating"].to_pylist()) == {None, 4.0}


def test_times_units_values_paths_and_json_inside_text(tmp_path):
    wanted = mapping(
        """
        fields:
          occurred_at: {from: meta.when, time: "%d.%m.%Y %H:%M", timezone: Asia/Kolkata}
          question: body.0.text
          answer: {from: reply, default: nothing}
          language: {from: lang, values: {"1": hi, "true": en}, otherwise: reject}
          subject: {from: course, values: {Maths: math}, otherwise: "null"}
          response_time_ms: {from: seconds, unit: s}
          rating: {from: stars, values: {"0": null}}
        constants: {task: tutoring, team: blue}
        metadata: {origin: meta.from}
        """
    )
    meta = json.dumps({"when": "01.10.2026 05:30", "from": "app"})
    base = {"meta": meta, "body": [{"text": "q"}], "lang": 1, "course": "Maths", "seconds": 1.5, "stars": 3}
    rows = [
        base,
        base | {"lang": True, "course": "Art", "stars": 0, "reply": "r"},
        base | {"lang": "fr"},
        base | {"meta": "{}"},
    ]
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "x.jsonl", rows), mapping=wanted)
    assert report.rejected_by_reason == {"unmapped_language": 1, "missing_occurred_at": 1}
    hindi, english = sorted(build(lake).to_pylist(), key=lambda item: item["language"], reverse=True)
    assert hindi["occurred_at"] == datetime(2026, 10, 1, 0, 0, tzinfo=UTC)
    assert (hindi["question"], hindi["answer"], hindi["language"], hindi["subject"]) == ("q", "nothing", "hi", "math")
    assert (hindi["response_time_ms"], hindi["rating"], hindi["team"]) == (1500.0, 3.0, "blue")
    assert (english["subject"], english["rating"], english["answer"]) == (None, None, "r")
    assert json.loads(hindi["metadata"]) == {"origin": "app"}


@pytest.mark.parametrize(
    ("time", "value"),
    [
        ("epoch_s", 1790845200),
        ("epoch_ms", 1790845200000),
        ("epoch_us", "1790845200000000"),
        ("iso", "2026-10-01T08:20:00+00:00"),
    ],
)
def test_epochs_and_iso_times_mean_the_same_moment(tmp_path, time, value):
    wanted = mapping(
        f"fields: {{occurred_at: {{from: t, time: {time}}}, question: q}}\nconstants: {{task: a, language: en}}"
    )
    lake = lake_at(tmp_path / "data")
    assert land(lake, jsonl(tmp_path / "x.jsonl", [{"t": value, "q": "q"}]), mapping=wanted).accepted == 1
    expected = datetime(2026, 10, 1, 8, 20, tzinfo=UTC) if time == "iso" else datetime.fromtimestamp(1790845200, UTC)
    assert build(lake)["occurred_at"].to_pylist() == [expected]


def test_feedback_can_be_mapped_too(tmp_path):
    wanted = mapping(
        "rows: feedback\nfields: {interaction_id: id, rating: stars, feedback_at: {from: t, time: epoch_s}}"
    )
    report = land(
        lake_at(tmp_path / "data"),
        jsonl(tmp_path / "x.jsonl", [{"id": "a", "stars": 4, "t": 1790845200}]),
        mapping=wanted,
    )
    assert (report.feedback_read, report.accepted) == (1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fields: {occured_at: ts}", ["fields.occured_at", "did you mean occurred_at"]),
        ("fields: {zzz: ts}", ["fields.zzz", "one of interaction_id"]),
        ("fields: {occurred_at: {from: ts, time: epoch}}", ["occurred_at", "epoch_ms"]),
        ("fields: {occurred_at: {from: ts, time: '%Q'}}", ["occurred_at.time", "strptime"]),
        ("fields: {occurred_at: {from: ts, time: '%d %d'}}", ["occurred_at.time", "each part once"]),
        ("fields: {occurred_at: {from: ts, timezone: Mars/Base}}", ["timezone", "Asia/Kolkata"]),
        ("fields: {question: {from: q, time: iso}}", ["fields.question.time", "occurred_at and feedback_at"]),
        ("fields: {rating: {from: q, unit: s}}", ["fields.rating.unit", "_ms"]),
        ("fields: {rating: {from: q, unite: s}}", ["unite"]),
        ("fields: {rating: {}}", ["fields.rating"]),
        ("field: {}", ["field"]),
        ("constants: {taks: x}\nfields: {}", ["constants.taks", "did you mean task"]),
        ("fields: 3", ["fields"]),
        ("- a list", ["expected keys"]),
        ("{broken", ["no readable YAML"]),
    ],
)
def test_a_wrong_mapping_names_file_key_and_what_is_expected(text, said):
    with pytest.raises(MappingError) as error:
        mapping(text)
    message = str(error.value)
    assert message.startswith("m.yaml: ")
    assert all(part in message for part in said), message


def test_a_mapping_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "nowhere.yaml")


def test_paths_go_through_objects_lists_and_text():
    source = {"a.b": 1, "a": {"c": '{"d": [5, {"e": 6}]}'}}
    assert lookup(source, "a.b") == 1
    assert lookup(source, "a.c.d.1.e") == 6
    assert lookup(source, "a.c.d.7") is None
    assert lookup(source, "a.x.y") is None


def shared(tmp_path: Path, text: str, name: str = "m.yaml") -> None:
    folder = tmp_path / "data" / "mappings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


MINE = "fields: {occurred_at: ts, question: student_said, user_id: who}\nconstants: {task: tutoring, language: en}\n"


def test_a_shared_mapping_is_found_by_its_glob_and_a_sibling_comes_first(tmp_path):
    lake = lake_at(tmp_path / "data")
    shared(tmp_path, f'match: "log*.jsonl"  # ours\n{MINE}')
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "log1.jsonl", FLAT)
    jsonl(inbox / "other.jsonl", [line | {"who": "other"} for line in FLAT[:2]])
    (inbox / "other.jsonl.mapping.yaml").write_text(MINE.replace("tutoring", "search"))
    reports = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    assert [(r.name, r.format, r.accepted) for r in reports] == [("log1.jsonl", "flat", 3), ("other.jsonl", "flat", 2)]
    assert set(build(lake)["task"].to_pylist()) == {"tutoring", "search"}


def test_a_changed_mapping_brings_the_file_up_again_and_replaces_what_it_gave(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "log.jsonl", FLAT)
    sibling = inbox / "log.jsonl.mapping.yaml"
    sibling.write_text(MINE.replace("student_said", "tutor_sayd"))
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].rejected_by_reason == {"missing_question": 3}
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW) == []
    sibling.write_text(MINE)
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0].accepted == 3
    assert build(lake)["task"].to_pylist() == ["tutoring"] * 3
    assert rejected(lake) == []
    sibling.write_text(MINE.replace("tutoring", "search").replace("question:", "conversation_id: chat, question:"))
    report = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0]
    assert len(report.days) == 1
    assert build(lake)["task"].to_pylist() == ["search"] * 3


def test_a_wrong_mapping_sets_the_file_aside_with_the_reason(tmp_path):
    lake = lake_at(tmp_path / "data")
    inbox = tmp_path / "data" / "inbox"
    jsonl(inbox / "log.jsonl", FLAT)
    (inbox / "log.jsonl.mapping.yaml").write_text("fields: {occured_at: ts}")
    report = land_inbox(lake, PSEUDONYMS, CONFIG, NOW)[0]
    assert "did you mean occurred_at" in (report.unreadable or "")
    aside = inbox / "set_aside"
    assert {path.name for path in aside.iterdir()} == {"log.jsonl", "log.jsonl.mapping.yaml", "log.jsonl.reason.txt"}
    assert "did you mean occurred_at" in (aside / "log.jsonl.reason.txt").read_text()
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW) == []


def test_a_mapping_beside_a_known_format_is_refused(tmp_path):
    report = land(
        lake_at(tmp_path / "data"), jsonl(tmp_path / "x.jsonl", FLAT), mapping=mapping(MINE), format="canonical"
    )
    assert "leave one of them out" in (report.unreadable or "")


def test_a_row_left_out_for_another_date_comes_back_when_that_date_was_a_mistake(tmp_path):
    lake = lake_at(tmp_path / "data")
    text = MINE.replace("occurred_at: ts", "interaction_id: n, occurred_at: TIME")
    first = jsonl(
        tmp_path / "a.jsonl", [{"n": 1, "ts": "2026-10-01", "real": "2026-10-09", "student_said": "q", "who": None}]
    )
    second = jsonl(tmp_path / "b.jsonl", [{"n": 1, "ts": "2026-10-05", "student_said": "q", "who": "x"}])
    land(lake, first, mapping=mapping(text.replace("TIME", "ts")))
    land(lake, second, mapping=mapping(text.replace("TIME", "ts")))
    assert [at.day for at in build(lake)["occurred_at"].to_pylist()] == [1]
    land(lake, first, mapping=mapping(text.replace("TIME", "real")))
    assert [at.day for at in build(lake)["occurred_at"].to_pylist()] == [5]


@pytest.mark.parametrize(
    ("day", "clock", "time", "at"),
    [
        ("03/10/2026", "7:05 PM", '"%d/%m/%Y %I:%M %p"', "2026-10-03T19:05:00+00:00"),
        ("2026-10-03", "19:05:09", "iso", "2026-10-03T19:05:09+00:00"),
        ("2026-10-03 00:00:00", "19:05", "iso", "2026-10-03T19:05:00+00:00"),
        ("2026-10-03", None, "iso", "2026-10-03T00:00:00+00:00"),
    ],
)
def test_a_date_meets_the_time_of_day_beside_it(tmp_path, day, clock, time, at):
    field = f"{{from: day, clock: at, time: {time}}}"
    text = f"fields: {{question: q, occurred_at: {field}}}\nconstants: {{task: tutoring, language: en}}\n"
    lake = lake_at(tmp_path / "data")
    rows = [{"q": "Why is ice lighter than water?", "day": day, "at": clock}]
    land(lake, jsonl(tmp_path / "a.jsonl", rows), mapping=parse_mapping(text.encode(), "a"))
    assert [moment.isoformat() for moment in build(lake).column("occurred_at").to_pylist()] == [at]


def test_an_epoch_has_no_time_of_day_beside_it():
    with pytest.raises(MappingError, match="have a time of day beside them"):
        parse_mapping(b"fields: {question: q, occurred_at: {from: a, clock: b, time: epoch_s}}", "a")
