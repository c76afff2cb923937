"""A day of a real lake: interactions are curated, curation becomes health, and health is stale when either changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.health.contract import HEALTH, USERS
from lyo_pipelines.health.day import NotCuratedError, build_day, stale_days
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, config, row, table
from lyo_pipelines_tests.registry.event_factory import START, released, write

HINDI = "दोनों ओर से पाँच घटाइए, क्योंकि हमें केवल x चाहिए। फिर दोनों ओर तीन से भाग दीजिए, तब x सात है।"


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def put(lake: Lake, rows: list[dict], inputs: str, day=DAY) -> None:
    lake.write_table(table(*rows).replace_schema_metadata({INPUTS_KEY: inputs.encode()}), lake.interactions(day))


def rows() -> list[dict]:
    return [
        *(
            row(n, rating=5.0, topic="algebra", grade="7", user_pseudonym=f"u_{n}", response_time_ms=900)
            for n in range(6)
        ),
        row(6, rating=1.0, topic="algebra", grade="7", complaint_category="cultural"),
        row(7, error="timeout", answer=None),
        row(8, rating=5.0, answer=HINDI),
        row(9, rating=5.0, task="?"),
    ]


def build(lake: Lake, day=DAY):
    curate_day(lake, day, CONFIG)
    return build_day(lake, day, CONFIG)


def test_what_curation_found_is_counted_by_segment_topic_and_grade(lake):
    put(lake, rows(), "a")
    report = build(lake)
    table = lake.read_table(lake.health(DAY))
    assert table.schema.equals(HEALTH)
    assert lake.read_table(lake.health_users(DAY)).schema.equals(USERS)
    found = {(r["topic"], r["grade"]): r for r in table.to_pylist()}
    algebra, unknown = found["algebra", "7"], found["", ""]
    assert (algebra["n"], algebra["kept"], algebra["rated"], algebra["rating_sum"]) == (7, 6, 7, 31)
    assert (algebra["negative"], algebra["cultural"], algebra["timed"]) == (1, 1, 6)
    # an answer that an earlier rule removed was not examined for its language
    assert (algebra["examined"], algebra["mismatched"]) == (6, 0)
    assert (unknown["n"], unknown["kept"], unknown["errors"]) == (2, 0, 1)
    assert (unknown["examined"], unknown["mismatched"]) == (1, 1)
    # nine of ten: the task of one row is no name, and so no segment
    assert (report.interactions, report.segments, report.rows, report.negative, report.errors) == (9, 1, 2, 1, 1)


def test_a_day_that_is_not_curated_says_what_to_do(lake):
    with pytest.raises(NotCuratedError, match="materialize that day first"):
        build_day(lake, DAY, CONFIG)
    assert not lake.exists(lake.health(DAY))


def test_health_is_stale_until_built_and_again_after_new_feedback_or_other_rules(lake):
    put(lake, rows(), "a")
    curate_day(lake, DAY, CONFIG)
    assert stale_days(lake, CONFIG) == [DAY]
    build_day(lake, DAY, CONFIG)
    assert stale_days(lake, CONFIG) == []
    assert stale_days(lake, config(cultural_complaint_categories=("other",))) == [DAY]
    put(lake, [*rows(), row(10, rating=4.0)], "with feedback that came later")
    assert stale_days(lake, CONFIG) == []  # curation comes first
    build(lake)
    assert stale_days(lake, CONFIG) == []
    curate_day(lake, DAY, config(minimum_rating=4.5))
    assert stale_days(lake, CONFIG) == [DAY]


def test_building_a_day_again_changes_nothing(lake):
    put(lake, rows(), "a")
    first = build(lake)
    before = lake.read_table(lake.health(DAY))
    assert build(lake) == first
    assert lake.read_table(lake.health(DAY)).equals(before)


@pytest.mark.parametrize("left", [b"", b"PAR1 half a file"])
def test_a_broken_day_is_stale_and_so_mended_by_itself(lake, left):
    other = DAY + timedelta(days=1)
    for day in (DAY, other):
        put(lake, rows(), "a", day)
        build(lake, day)
    lake.fs.pipe_file(lake.health(DAY), left)
    assert stale_days(lake, CONFIG) == [DAY]
    build_day(lake, DAY, CONFIG)
    assert stale_days(lake, CONFIG) == []


def test_a_run_that_dies_between_the_two_files_leaves_the_day_stale(lake, monkeypatch):
    put(lake, rows(), "a")
    curate_day(lake, DAY, CONFIG)
    write = Lake.write_table

    def die_at_health(self, table, path):
        if path == self.health(DAY):
            raise OSError("No space left on device")
        write(self, table, path)

    monkeypatch.setattr(Lake, "write_table", die_at_health)
    with pytest.raises(OSError, match="No space"):
        build_day(lake, DAY, CONFIG)
    monkeypatch.undo()
    assert stale_days(lake, CONFIG) == [DAY]


def test_an_empty_day_is_built_and_fresh(lake):
    put(lake, [], "a")
    assert build(lake).interactions == 0
    assert stale_days(lake, CONFIG) == []


def test_answers_of_a_candidate_are_known_by_its_version_though_the_log_names_no_arm(lake):
    write(lake, *released("v2", day=(datetime(2026, 1, 5, 6, tzinfo=UTC) - START) / timedelta(days=1)))
    served = {n: "v2" if n < 3 else "v1" for n in range(6)}
    put(lake, [row(n, rating=5.0, adapter_version=version) for n, version in served.items()], "a")
    build(lake)
    told = pl.DataFrame(pl.from_arrow(lake.read_table(lake.health(DAY))))
    assert told.select(pl.col("n", "served", "rated").sum()).row(0) == (6, 3, 3)
