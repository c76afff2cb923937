"""A dry run says what landing would do, and writes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines.interactions.formats.mapping_gaps import gaps_of, open_gaps
from lyo_pipelines.interactions.preview import preview_file as module
from lyo_pipelines.interactions.preview.preview_file import FilePreview, preview_file
from lyo_pipelines.interactions.preview.provenance import sources_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    as_csv,
    as_parquet,
    build,
    dated,
    facts,
    jsonl,
    lake_at,
    land,
    rating,
    row,
)
from lyo_pipelines_tests.interactions.test_ready_mappings import CHAT, SPEND, as_array

OWN = """fields:
  occurred_at: {from: ts, time: epoch_ms}
  user_id: who
  question: said
  answer: replied
  rating: starz
  subject:
    from: course
    values: {Maths: math, Physics: physics}
constants: {task: tutoring, language: en}
metadata: {app: application}
"""


def own(number: int, **changes: Any) -> dict[str, Any]:
    texts = {"said": f"Why is {number} a fine number?", "replied": "It has good divisors."}
    return (
        {"ts": 1790928000000 + number, "who": f"p{number}@example.org", "course": "Biology", "stars": 4}
        | texts
        | changes
    )


def look(lake: Lake, path: Path, **options: Any) -> FilePreview:
    return preview_file(lake, str(path), **({"pseudonyms": PSEUDONYMS, "config": CONFIG, "now": NOW} | options))


def contents(folder: Path) -> dict[str, str]:
    found = sorted(folder.rglob("*"))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in found}


def with_mapping(path: Path, text: str) -> Path:
    path.with_name(path.name + ".mapping.yaml").write_text(text, encoding="utf-8")
    return path


FILES = {
    "good.jsonl": lambda path: jsonl(path, [row(n, rating=1 + n % 5) for n in range(40)]),
    "table.csv": lambda path: as_csv(
        path, [row(n) for n in range(5)] + [row(6, question=""), row(7, occurred_at="soon")]
    ),
    "columns.parquet": lambda path: as_parquet(path, [row(n) for n in range(20)]),
    "broken.jsonl": lambda path: jsonl(path, [row(1), b'{"a": ', row(2, language="")]),
    "spend.jsonl": lambda path: jsonl(path, [SPEND, SPEND | {"call_type": "aembedding"}]),
    "chats.json": lambda path: as_array(path, [CHAT]),
    "off_scale.jsonl": lambda path: jsonl(path, [row(n, rating=(2, 9)[n % 2]) for n in range(9)]),
    "feedback.jsonl": lambda path: jsonl(path, [rating("i1", 4), rating("i2", 2)]),
    "feedback_off_scale.jsonl": lambda path: jsonl(
        path, [rating("i1", 4), rating("i2", 8), rating("i3", 2, complaint_text="too short")]
    ),
    "own.jsonl": lambda path: with_mapping(jsonl(path, [own(n) for n in range(6)]), OWN),
    "unknown.jsonl": lambda path: jsonl(path, [{"a": 1}]),
    "wrong.jsonl": lambda path: with_mapping(jsonl(path, [own(1)]), OWN.replace("question:", "qestion:")),
    "noise.bin": lambda path: dated(path) if path.write_bytes(bytes(range(256)) * 9) else path,
    "empty.jsonl": lambda path: jsonl(path, []),
}


@pytest.mark.parametrize("name", FILES)
def test_a_dry_run_says_what_landing_does_and_writes_nothing(tmp_path, name):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "earlier.jsonl", [row(n) for n in range(90, 95)]))
    path = FILES[name](tmp_path / name)
    before = contents(tmp_path)
    seen = look(lake, path, show=50)
    assert contents(tmp_path) == before
    report = land(lake, path)
    told = (seen.format, seen.found, seen.read, seen.accepted, seen.rejected_by_reason, seen.unreadable)
    assert told == (
        *(report.format, report.found, report.read, report.accepted, report.rejected_by_reason, report.unreadable),
    )
    assert {**seen.notes, **dict.fromkeys(seen.gaps, report.accepted)} == report.notes
    assert seen.whole and not seen.fault


def test_a_dry_run_makes_no_lake(tmp_path):
    path = jsonl(tmp_path / "rows.jsonl", [row(1)])
    assert look(Lake(str(tmp_path / "nowhere")), path).accepted == 1
    assert not (tmp_path / "nowhere").exists()


def test_rows_are_shown_as_they_will_be(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "rows.jsonl", [row(n, rating=4, interaction_id=None) for n in range(3)])
    shown = look(lake, path, show=2).rows
    land(lake, path)
    landed = {item["interaction_id"]: item for item in facts(build(lake))}
    assert len(shown) == 2
    for item in shown:
        assert {name: item[name] for name in landed[item["interaction_id"]]} == landed[item["interaction_id"]]


def test_a_file_that_was_read_before_in_the_same_way_is_told(tmp_path):
    lake, path = lake_at(tmp_path / "data"), jsonl(tmp_path / "rows.jsonl", [row(1)])
    assert not look(lake, path).again
    land(lake, path)
    assert look(lake, path).again


def test_of_a_huge_file_the_beginning_is_looked_at_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_HASHED_BYTES", 1000)
    config = CONFIG.model_copy(update={"block_bytes": 10_000, "parallel_from_bytes": 1})
    path = jsonl(tmp_path / "rows.jsonl", [row(n) for n in range(600)])
    with path.open("ab") as handle:
        handle.write(b"x" * 100)  # what is wrong with the end is not known
    seen = look(lake_at(tmp_path / "data"), dated(path), config=config, rows=50)
    assert not seen.whole
    assert 50 <= seen.read < 120
    assert seen.read == seen.accepted


def test_ratings_and_languages_and_times_are_counted(tmp_path):
    rows = [row(n, rating=(1, 4.4, 5)[n % 3], language=("hi", "en")[n % 2]) for n in range(12)]
    tally = look(lake_at(tmp_path / "data"), jsonl(tmp_path / "rows.jsonl", rows)).tally
    assert tally.ratings == {1: 4, 4: 4, 5: 4}
    assert tally.counts["language"] == {"hi": 6, "en": 6}
    assert tally.first is not None and tally.last is not None
    assert (tally.first.isoformat(), tally.last.isoformat()) == (
        "2026-10-01T09:00:00+00:00",
        "2026-10-01T21:03:00+00:00",
    )


def test_ratings_that_will_not_be_read_are_not_shown(tmp_path):
    path = FILES["off_scale.jsonl"](tmp_path / "rows.jsonl")
    seen = look(lake_at(tmp_path / "data"), path)
    assert not seen.tally.ratings
    assert all(item["rating"] is None for item in seen.rows)
    assert {source.field: source.filled for source in seen.fields}["rating"] == 0


def test_each_field_is_shown_with_where_it_comes_from(tmp_path):
    path = FILES["own.jsonl"](tmp_path / "rows.jsonl")
    seen = {source.field: source for source in look(lake_at(tmp_path / "data"), path).fields}
    assert (seen["question"].source, seen["question"].filled) == ("`said`", 6)
    assert (seen["occurred_at"].source, seen["user_id"].filled) == ("`ts`; epoch_ms", 6)
    assert (seen["rating"].source, seen["rating"].filled) == ("`starz`: nothing is there", 0)
    assert (seen["language"].source, seen["metadata"].source) == ("constant of the mapping", "`app`")


def test_fields_of_a_known_format_are_found_by_their_values(tmp_path):
    chat = [{"role": "user", "content": "Why is glass clear?"}, {"role": "assistant", "content": "Light passes."}]
    rows = [{"messages": chat, "lang": "en", "created": 1790928000, "id": f"c{n}"} for n in range(3)]
    seen = {
        source.field: source.source
        for source in look(lake_at(tmp_path / "data"), jsonl(tmp_path / "r.jsonl", rows)).fields
    }
    assert seen["question"] == "`messages[].content`"
    assert (seen["language"], seen["interaction_id"]) == ("`lang`", "`id`")
    assert seen["occurred_at"] == "`created`"


def test_the_place_of_a_value_is_the_one_that_most_rows_have():
    pairs = [
        ({"a": "x", "b": {"c": ["y", f"{n}"]}}, {"question": f"{n}", "answer": "x", "turn": None}) for n in range(4)
    ]
    assert sources_of(pairs, ("question", "answer", "turn", "grade")) == {"question": "b.c[]", "answer": "a"}


def test_a_missing_column_is_told_with_its_line_and_what_may_be_meant(tmp_path):
    lake, path = lake_at(tmp_path / "data"), FILES["own.jsonl"](tmp_path / "rows.jsonl")
    said = list(land(lake, path).notes)
    assert said == [
        "mapping, line 6: fields.rating: `starz` is in none of the first 6 rows; did you mean `stars`?",
        "mapping, line 9: fields.subject: no value of `course` in the first 6 rows is one of its `values`: each is kept as it is",
        "mapping, line 11: metadata.app: `application` is in none of the first 6 rows",
    ]
    assert list(look(lake, path).gaps) == said


def gaps(text: str, rows: list[dict[str, Any]], filled: dict[str, int] | None = None) -> list[str]:
    return open_gaps(gaps_of(parse_mapping(text.encode(), "m.yaml"), rows), filled or {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fields: {question: said, answer: replied}", []),
        ("fields: {question: {first: [nothing, said]}}", []),
        (
            "fields: {question: {first: [one, two]}}",
            ["line 1: fields.question: `one` and `two` are in none of the first 2 rows"],
        ),
        ("fields: {question: said}\nonly: {kind: chat}", ["line 2: only.kind: `kind` is in none of the first 2 rows"]),
        (
            "fields:\n  question: said\n  response_time_ms: {from: ts, until: tz}",
            ["line 3: fields.response_time_ms: `tz` is in none of the first 2 rows"],
        ),
        (
            "fields:\n  question: said\n  thumbs:\n    from: stars\n    only: {cuorse: x}",
            ["line 5: fields.thumbs: `cuorse` is in none of the first 2 rows; did you mean `course`?"],
        ),
        (
            "answers_of: chat\nfields: {question: pair.question}",
            ["line 1: answers_of: `chat` is in none of the first 2 rows"],
        ),
        (
            "fields:\n  question: said\n  subject: {from: course, values: {x: y}, otherwise: reject}",
            [
                "line 3: fields.subject: no value of `course` in the first 2 rows is one of its `values`: "
                "each is rejected with its row"
            ],
        ),
        ("fields: {question: said, subject: {from: course, values: {Biology: bio}}}", []),
    ],
)
def test_what_a_mapping_asks_for_in_vain_is_told(text, said):
    assert gaps(text, [own(1), own(2)]) == [f"mapping, {sentence}" for sentence in said]


def test_nested_names_are_looked_for_where_they_are_missing():
    rows = [{"q": "x", "meta": json.dumps({"Subject": "math"})}]
    assert gaps("fields: {question: q, subject: meta.subjct}", rows) == [
        "mapping, line 1: fields.subject: `meta.subjct` is in none of the first row; did you mean `meta.Subject`?"
    ]


def test_a_column_that_comes_in_a_later_row_is_no_gap():
    text = "fields: {question: said, rating: mark}"
    assert gaps(text, [own(1)]) != []
    assert gaps(text, [own(1)], {"rating": 1}) == []


def test_an_empty_column_is_there():
    assert gaps("fields: {question: said, rating: mark}", [own(1, mark=None), own(2, mark="")]) == []


def test_a_fault_of_ours_is_confined_to_its_file(tmp_path, monkeypatch):
    def broken(*_args: Any, **_options: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(module, "field_sources", broken)
    seen = look(lake_at(tmp_path / "data"), jsonl(tmp_path / "rows.jsonl", [row(1)]))
    assert seen.unreadable is not None and "ZeroDivisionError" in seen.unreadable
    assert "ours" in seen.fault
