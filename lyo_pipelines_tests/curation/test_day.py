from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyo_pipelines.curation.contract import EXAMPLE, FUNNEL, INPUTS_KEY, QUALITY, REMOVED, MissingDayError
from lyo_pipelines.curation.day import curate_day, stale_days
from lyo_pipelines.curation.days import curate_days
from lyo_pipelines.curation.segments import examples_signature, segment_counts
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, config, row, table


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def put(lake: Lake, rows: list[dict], inputs: str | None = None, day: date = DAY) -> None:
    made = table(*rows)
    lake.write_table(
        made.replace_schema_metadata({INPUTS_KEY: inputs.encode()}) if inputs else made, lake.interactions(day)
    )


def mixed(count: int) -> list[dict]:
    return [
        row(
            n,
            rating=(None, 5.0, 4.0, 2.0)[n % 4],
            retries=int(n % 5 == 0),
            language=("en", "hi")[n % 7 == 0],
            question=f"My name is Asha Rao. What is {n} + 1?",
        )
        for n in range(count)
    ]


def test_days_side_by_side_give_what_they_give_one_by_one_and_come_in_order(tmp_path):
    days = [DAY + timedelta(days=n) for n in range(5)]
    alone, together = Lake(str(tmp_path / "alone")), Lake(str(tmp_path / "together"))
    for lake in (alone, together):
        for n, day in enumerate(days):
            put(lake, mixed(10 + 20 * n), day=day)
    settings = config(batch_rows=60, workers=2)  # the last two days have more than one batch
    reports = [curate_day(alone, day, settings) for day in days]
    assert list(curate_days(together, days, settings)) == list(zip(days, reports, strict=True))
    for day in days:
        for name in ("part", "removed", "disliked"):
            assert together.read_table(together.examples(day, name)) == alone.read_table(alone.examples(day, name))


def test_a_day_that_is_missing_is_said_and_what_comes_before_it_is_kept(lake):
    put(lake, mixed(10))
    with pytest.raises(MissingDayError):
        list(curate_days(lake, [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)], CONFIG))
    assert lake.exists(lake.examples(DAY))


def test_a_day_becomes_four_files_of_the_contract(lake):
    put(lake, mixed(40))
    report = curate_day(lake, DAY, CONFIG)
    files = {name: lake.read_table(lake.examples(DAY, name)) for name in ("part", "removed", "funnel", "quality")}
    for name, schema in (("part", EXAMPLE), ("removed", REMOVED), ("funnel", FUNNEL), ("quality", QUALITY)):
        assert files[name].schema.equals(schema), name
    assert report.conserved
    assert (report.read, report.kept) == (40, files["part"].num_rows)
    assert files["removed"].num_rows == 40 - report.kept
    assert sum(files["funnel"]["removed"].to_pylist()) == 40 - report.kept
    assert sum(report.read_by_segment.values()) == 40
    assert (
        report.segments == {"tutoring.en.math": report.kept, "tutoring.hi.math": 0}
        or sum(report.segments.values()) == report.kept
    )
    assert report.pii_counts == {"PERSON": report.kept}
    assert len(set(files["part"]["example_id"].to_pylist())) == report.kept


@pytest.mark.parametrize(
    "changes", [{"batch_rows": 7}, {"batch_rows": 7, "workers": 1}, {"batch_rows": 1, "workers": 3}]
)
def test_batches_and_workers_change_nothing(lake, tmp_path, changes):
    put(lake, mixed(60))
    whole = curate_day(lake, DAY, config(removed_sample_per_rule=3))
    before = {name: lake.read_table(lake.examples(DAY, name)) for name in ("part", "removed", "funnel", "quality")}
    again = curate_day(lake, DAY, config(removed_sample_per_rule=3, **changes))
    assert again == whole
    for name, expected in before.items():
        assert lake.read_table(lake.examples(DAY, name)).equals(expected), name


def test_a_day_without_rows_is_fine(lake):
    put(lake, [])
    report = curate_day(lake, DAY, CONFIG)
    assert (report.read, report.kept, report.removed_by_rule) == (0, 0, {})
    assert lake.read_table(lake.examples(DAY)).num_rows == 0
    assert stale_days(lake, CONFIG) == []


def test_a_missing_day_says_what_to_do(lake):
    with pytest.raises(MissingDayError, match="Materialize raw_interactions"):
        curate_day(lake, DAY, CONFIG)
    assert not lake.exists(lake.path("examples"))


def test_days_become_stale_for_a_reason(lake):
    other = DAY + timedelta(days=1)
    put(lake, mixed(4), "a")
    put(lake, mixed(4), "a", other)
    assert stale_days(lake, CONFIG) == [DAY, other]
    curate_day(lake, DAY, CONFIG)
    curate_day(lake, other, CONFIG)
    assert stale_days(lake, CONFIG) == []
    put(lake, mixed(4), "a")  # built again from the same inputs
    assert stale_days(lake, CONFIG) == []
    put(lake, mixed(4), "b")
    assert stale_days(lake, CONFIG) == [DAY]
    curate_day(lake, DAY, CONFIG)
    assert stale_days(lake, config(minimum_rating=4.5)) == [DAY, other]
    assert stale_days(lake, config(workers=1, batch_rows=10, user_cap=5, quality_minimum_rows=7)) == []
    lake.write_text("language: en\nrefusals: [no comment]\n", lake.side("wordlists", "en.yaml"))
    assert stale_days(lake, CONFIG) == [DAY, other]


def test_a_raw_day_that_does_not_say_its_inputs_is_known_by_its_file(lake):
    put(lake, mixed(4))
    curate_day(lake, DAY, CONFIG)
    assert stale_days(lake, CONFIG) == []
    put(lake, mixed(5))
    assert stale_days(lake, CONFIG) == [DAY]


def test_a_run_that_dies_leaves_nothing_half_written(lake, monkeypatch):
    put(lake, mixed(20))

    def die(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("lyo_pipelines.curation.day.update_day", die)
    with pytest.raises(OSError, match="No space"):
        curate_day(lake, DAY, CONFIG)
    assert not lake.exists(lake.examples(DAY))
    assert not [name for name in lake.fs.ls(lake.path("examples", f"date={DAY}"), detail=False) if ".tmp-" in name]
    assert stale_days(lake, CONFIG) == [DAY]
    monkeypatch.undo()
    assert curate_day(lake, DAY, CONFIG).read == 20


def test_raw_days_with_columns_in_another_order_are_read(lake):
    made = table(*mixed(6))
    lake.write_table(made.select(made.column_names[::-1]), lake.interactions(DAY))
    assert curate_day(lake, DAY, CONFIG).read == 6


def test_examples_say_what_they_were_made_from(lake):
    put(lake, mixed(3))
    curate_day(lake, DAY, CONFIG)
    assert INPUTS_KEY in (pq.read_metadata(lake.examples(DAY)).metadata or {})


def test_an_example_s_id_follows_its_texts(lake):
    put(lake, [row(1, rating=5.0)])
    curate_day(lake, DAY, CONFIG)
    first = lake.read_table(lake.examples(DAY))["example_id"].to_pylist()
    put(lake, [row(1, rating=4.0)])
    curate_day(lake, DAY, CONFIG)
    assert lake.read_table(lake.examples(DAY))["example_id"].to_pylist() == first
    put(lake, [row(1, rating=5.0, context="new")])
    curate_day(lake, DAY, CONFIG)
    changed = lake.read_table(lake.examples(DAY))["example_id"].to_pylist()
    assert changed != first
    assert all(len(key) == 16 for key in changed)


def test_segments_are_counted_from_the_funnels_alone(lake):
    other = DAY + timedelta(days=1)
    put(lake, mixed(40))
    put(lake, mixed(20), day=other)
    put(lake, [], day=other + timedelta(days=1))
    reports = [curate_day(lake, day, CONFIG) for day in lake.days("interactions")]
    counts = segment_counts(lake)
    for key, count in counts.items():
        assert count.read == sum(report.read_by_segment.get(key, 0) for report in reports)
        assert count.kept == sum(report.segments.get(key, 0) for report in reports)
    before = examples_signature(lake)
    put(lake, mixed(21), day=other)
    curate_day(lake, other, CONFIG)
    assert examples_signature(lake) != before


def test_a_lake_in_memory_works_too():
    lake = Lake("memory://curation-test")
    lake.write_table(pa.Table.from_batches(table(*mixed(8)).to_batches()), lake.interactions(DAY))
    assert curate_day(lake, DAY, CONFIG).read == 8
