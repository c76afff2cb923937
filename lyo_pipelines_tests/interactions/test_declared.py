"""What is declared for a file by its name: its time zone, its scale, that it is a full export; and feedback that reached nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lyo_pipelines.interactions.days.unattached import said_of, unattached_feedback
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines.interactions.landing.inbox import scan_inbox
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    START,
    as_csv,
    as_parquet,
    build,
    jsonl,
    lake_at,
    land,
    rating,
    row,
)

DELHI = CONFIG.model_copy(update={"time_zones": {"delhi_*": "Asia/Kolkata"}})
FULL = CONFIG.model_copy(update={"full_exports": ("all_ratings_*",)})


def moments(lake, name="occurred_at"):
    return [None if at is None else at.isoformat() for at in build(lake)[name].to_pylist()]


@pytest.mark.parametrize("write", [jsonl, as_csv, as_parquet])
def test_a_time_without_an_offset_is_of_the_zone_that_is_declared_for_its_file(write, tmp_path):
    rows = [row(1, occurred_at="2026-10-05T00:10:00"), row(2, occurred_at="2026-10-05T00:10:00Z")]
    lake = lake_at(tmp_path / "data")
    land(lake, write(tmp_path / "delhi_1.x", rows), config=DELHI)
    assert moments(lake) == ["2026-10-04T18:40:00+00:00", "2026-10-05T00:10:00+00:00"]


def test_without_a_declaration_such_a_time_is_utc(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1, occurred_at="2026-10-05T00:10:00")]), config=DELHI)
    assert moments(lake) == ["2026-10-05T00:10:00+00:00"]


def test_a_zone_counts_for_feedback_for_formats_and_for_mapped_files_and_a_mapping_can_say_its_own(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1)]))
    land(lake, jsonl(tmp_path / "delhi_f.jsonl", [rating("i1", 4, feedback_at="2026-10-05T05:30:00")]), config=DELHI)
    assert moments(lake, "feedback_at") == ["2026-10-05T00:00:00+00:00"]
    shaped = CONFIG.model_copy(update={"time_zones": {"flat": "Asia/Tokyo"}})
    fields = "fields: {interaction_id: id, question: q, occurred_at: at}\nconstants: {task: tutoring, language: en}\n"
    for name, said, hour in (("tokyo", "", "00"), ("own", "timezone: Europe/London\n", "08")):
        mapped = lake_at(tmp_path / name)
        path = jsonl(tmp_path / f"{name}.jsonl", [{"id": "i9", "q": "Why?", "at": "2026-10-05 09:00"}])
        land(mapped, path, config=shaped, mapping=parse_mapping((fields + said).encode(), "m"))
        assert moments(mapped) == [f"2026-10-05T{hour}:00:00+00:00"]


def test_a_zone_that_is_none_is_refused_by_name():
    with pytest.raises(ValidationError, match="'Asia/Delhi' is no time zone"):
        type(CONFIG).model_validate(CONFIG.model_dump() | {"time_zones": {"*": "Asia/Delhi"}, "table_defaults": {}})


def test_a_file_whose_declaration_changed_is_read_anew_and_comes_up_in_the_inbox(tmp_path):
    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "data" / "inbox" / "app.jsonl", [row(1, rating=10), row(2, rating=4)])
    assert land(lake, path).notes and build(lake)["rating"].to_pylist() == [None, None]
    declared = CONFIG.model_copy(update={"rating_scales": {"app.*": (0, 10)}})
    tokens = {
        file.token for config in (CONFIG, declared) for file in scan_inbox(lake, config, settle_seconds=0, now=NOW)
    }
    assert len(tokens) == 2
    assert not land(lake, path, config=declared).already_landed
    assert build(lake)["rating"].to_pylist() == pytest.approx([5, 2.6])
    assert land(lake, path, config=declared).already_landed


def test_a_score_that_is_configured_later_is_read_when_the_file_is_landed_again(tmp_path):
    from lyo_pipelines_tests.interactions.test_formats import score

    lake = lake_at(tmp_path / "data")
    path = jsonl(tmp_path / "scores.jsonl", [score(name="stars", trace_id="t1", value=4)])
    assert land(lake, path).rejected == 1
    scores = CONFIG.langfuse.scores | {"stars": CONFIG.langfuse.scores["rating"]}
    config = CONFIG.model_copy(update={"langfuse": CONFIG.langfuse.model_copy(update={"scores": scores})})
    assert land(lake, path, config=config).accepted == 1


def ratings_of(lake):
    table = build(lake)
    return dict(zip(table["interaction_id"].to_pylist(), table["rating"].to_pylist(), strict=True))


def test_what_a_full_export_no_longer_holds_was_taken_back(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(n) for n in range(1, 5)]))
    land(lake, jsonl(tmp_path / "other.jsonl", [rating("i4", 2)]), config=FULL)
    land(lake, jsonl(tmp_path / "all_ratings_1.jsonl", [rating(f"i{n}", n) for n in (1, 2, 3)]), config=FULL)
    assert ratings_of(lake) == {"i1": 1, "i2": 2, "i3": 3, "i4": 2}
    later = land(lake, jsonl(tmp_path / "all_ratings_2.jsonl", [rating("i1", 1), rating("i3", 5)]), config=FULL)
    assert later.notes == {"rows of earlier full exports no longer count": 3}
    assert ratings_of(lake) == {"i1": 1, "i2": None, "i3": 5, "i4": 2}
    back = [rating(f"i{n}", n) for n in (2, 3)]
    land(lake, jsonl(tmp_path / "all_ratings_3.jsonl", back), config=FULL)
    assert ratings_of(lake) == {"i1": None, "i2": 2, "i3": 3, "i4": 2}


def test_an_empty_full_export_takes_nothing_back(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1)]))
    land(lake, jsonl(tmp_path / "all_ratings_1.jsonl", [rating("i1", 4)]), config=FULL)
    land(lake, jsonl(tmp_path / "all_ratings_2.jsonl", [rating("i1", "?")]), config=FULL)
    assert ratings_of(lake) == {"i1": 4}


@given(exports=st.lists(st.dictionaries(st.integers(1, 6), st.integers(1, 5), min_size=1), min_size=1, max_size=4))
def test_after_any_full_exports_the_last_alone_counts(exports, tmp_path_factory):
    path = tmp_path_factory.mktemp("full")
    lake = lake_at(path / "data")
    land(lake, jsonl(path / "a.jsonl", [row(n) for n in range(1, 7)]))
    for number, export in enumerate(exports):
        at = START + timedelta(days=9, minutes=number)
        rows = [rating(f"i{target}", value, at) for target, value in export.items()]
        land(lake, jsonl(path / f"all_ratings_{number}.jsonl", rows), config=FULL)
    assert ratings_of(lake) == {f"i{n}": exports[-1].get(n) for n in range(1, 7)}


def test_feedback_that_reached_nothing_is_named_until_its_interactions_land(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "f.jsonl", [rating(f"i{n}", 3) for n in range(1, 5)]))
    land(lake, jsonl(tmp_path / "g.jsonl", [rating("i1", 5)]))
    assert [(file.name, file.rows, file.waiting) for file in unattached_feedback(lake)] == [
        ("f.jsonl", 4, 4),
        ("g.jsonl", 1, 1),
    ]
    assert said_of(unattached_feedback(lake)).startswith(
        "5 rows of feedback reached no interaction yet: f.jsonl (4 of 4), g.jsonl (1 of 1)."
    )
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1), row(2)]))
    assert [(file.name, file.rows, file.waiting) for file in unattached_feedback(lake)] == [("f.jsonl", 4, 2)]
    land(lake, jsonl(tmp_path / "b.jsonl", [row(3), row(4)]))
    assert unattached_feedback(lake) == []
    assert said_of([]) == ""


def test_of_many_files_that_wait_the_largest_are_named_and_the_others_counted(tmp_path):
    lake = lake_at(tmp_path / "data")
    for number in range(1, 6):
        land(lake, jsonl(tmp_path / f"f{number}.jsonl", [rating(f"x{number}{n}", 3) for n in range(number)]))
    assert "f5.jsonl (5 of 5), f4.jsonl (4 of 4), f3.jsonl (3 of 3) and 2 more files" in said_of(
        unattached_feedback(lake)
    )
