"""A mistyped segment costs nothing: it is said before anything starts, with the near names and their counts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.client import home
from lyo_pipelines.commands import segments, train
from lyo_pipelines.commands.known_segments import (
    UnknownSegmentError,
    near_segments,
    require_examples,
    require_known,
)
from lyo_pipelines.commands.merge import merge_segment
from lyo_pipelines.commands.segments import SegmentInUseError, list_segments, remove_segments
from lyo_pipelines.commands.train import train_segment
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.versions import NoAdapterError
from lyo_pipelines_tests.dataset.example_lake import examples, lake_with
from lyo_pipelines_tests.rollout.adapter_factory import adapter

CONFIG = load_config()


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    rows = [*examples(range(40)), *examples(range(40, 52), segment="tutoring.en.physics", subject="physics")]
    return lake_with(tmp_path / "data", rows)


def test_the_near_names_come_with_their_counts(lake: Lake) -> None:
    with pytest.raises(UnknownSegmentError) as told:
        require_examples(lake, "tutoring.en.maht", CONFIG)
    assert "tutoring.en.math (40 examples)" in told.value.hint
    with pytest.raises(UnknownSegmentError, match="nothing has this segment"):
        require_known(lake, "tutoring.en.fysics")
    for key in ("tutoring.en.math", "tutoring.en", "tutoring"):
        require_examples(lake, key, CONFIG)
        require_known(lake, key)


def test_near_names_are_of_the_same_depth_first_and_else_of_the_same_task_and_language() -> None:
    known = ["tutoring.en", "tutoring.en.math", "tutoring.hi.math", "search.en"]
    assert near_segments("tutoring.en.mathe", known)[0] == "tutoring.en.math"
    assert near_segments("tutoring.em", known)[0] == "tutoring.en"
    assert near_segments("tutoring.en.woodwork", known) == ["tutoring.en.math"]
    assert near_segments("cooking", known) == []


def test_an_empty_lake_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(UnknownSegmentError) as told:
        require_examples(Lake(str(tmp_path)), "tutoring.en.math", CONFIG)
    assert "lyo ingest" in told.value.hint


def test_training_a_segment_that_is_none_starts_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("Dagster was started")

    monkeypatch.setattr(train, "start_server", start)
    console = Console(file=io.StringIO())
    with pytest.raises(UnknownSegmentError, match="maht"):
        train_segment(console, "tutoring.en.maht", "cpu_demo")
    with pytest.raises(NoAdapterError, match="maht") as told:
        merge_segment(console, "tutoring.en.maht", version=None, output=None)
    assert "tutoring.en.math (40 examples)" in told.value.hint, "every command names what is near"
    assert not Path(lake.dataset_dir("tutoring.en.maht")).exists()


def test_a_segment_of_which_only_an_adapter_is_left_is_known(lake: Lake) -> None:
    adapter(lake, segment="tutoring.ta.math")
    require_known(lake, "tutoring.ta.math")


def test_segments_are_listed_with_counts_and_a_partition_without_data_says_how_to_remove_it(lake: Lake) -> None:
    adapter(lake, segment="tutoring.en.math")
    lines = {line.segment: line for line in list_segments(lake, frozenset({"tutoring.en.math", "tutoring.en.maht"}))}
    math, mistake = lines["tutoring.en.math"], lines["tutoring.en.maht"]
    assert (math.interactions, math.examples, math.adapters, math.partition) == (40, 40, 1, True)
    assert "lyo segments remove tutoring.en.maht" in mistake.note
    assert "88 more interactions" in lines["tutoring.en.physics"].note
    assert next(iter(lines)) == "tutoring.en.math"


def test_the_list_is_json_for_programs(lake: Lake) -> None:
    console = Console(record=True, width=60)
    segments.show_segments(console, as_json=True)
    told = json.loads(console.export_text())
    assert [one["segment"] for one in told] == ["tutoring.en.math", "tutoring.en.physics"]
    assert told[0]["partition"] is False, "Dagster's storage is there and has none yet"


def test_a_partition_that_data_stands_behind_is_not_taken_back(lake: Lake) -> None:
    with pytest.raises(SegmentInUseError, match="40 examples"):
        remove_segments(Console(file=io.StringIO()), ["tutoring.en.math"])


def test_partitions_are_read_out_of_dagsters_own_tables(tmp_path: Path) -> None:
    import sqlite3

    storage = home.Storage("SQLite", str(tmp_path))
    assert storage.partitions("segments") == frozenset(), "a new home has none"
    path = tmp_path / "history" / "runs" / "index.db"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.execute("create table dynamic_partitions (partitions_def_name text, partition text)")
        rows = [("segments", "a.b"), ("segments", "c.d.e"), ("other", "x.y")]
        connection.executemany("insert into dynamic_partitions values (?, ?)", rows)
    connection.close()
    assert storage.partitions("segments") == {"a.b", "c.d.e"}
    assert home.Storage("other", "elsewhere").partitions("segments") is None
