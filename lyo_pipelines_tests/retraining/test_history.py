"""What is remembered of trainings and reports, and what follows from launches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lyo_pipelines.contracts.adapter import MANIFEST
from lyo_pipelines.contracts.dataset import DatasetManifest
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Slice
from lyo_pipelines.dataset.versions import Version
from lyo_pipelines.retraining.history import (
    TrainingHistory,
    read_reports,
    read_trainings,
    record_report,
    record_training,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines.training.versions import point_to
from lyo_pipelines_tests.contracts.reports_made import comparison, report
from lyo_pipelines_tests.retraining.signal_factory import NOW, launch, training

SEGMENT = "tutoring.en.math"
DATASET: dict[str, Any] = {
    "segment": SEGMENT,
    "fingerprint": "f1",
    "created_at": "2026-10-01T10:00:00+00:00",
    "funnel": [{"removed": 20, "remaining": 80}, {"removed": 5, "remaining": 75}],
    "strata_by": ["language", "subject", "grade", "topic"],
    "strata": {
        "en · math · 6 · angles": {"train": 10, "test": 2},
        "en · math · 7 · angles": {"train": 5},
        "en · math · 6 · fractions": {"train": 1},
        "other": {"train": 9},
    },
}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def trained(lake: Lake, dataset: dict[str, Any] = DATASET, segment: str = SEGMENT):
    """An adapter and its dataset, as a training by hand leaves them."""
    lake.write_json(dataset, f"{lake.dataset_dir(segment, 'f1')}/manifest.json")
    manifest = {
        "segment": segment,
        "version": "owner-1",
        "dataset_fingerprint": "f1",
        "base_model": {"name": "tiny"},
        "metrics": {},
    }
    lake.write_json(manifest, f"{lake.adapter_dir(segment, 'owner-1')}/{MANIFEST}")
    point_to(lake, segment, "owner-1")
    return read_adapter(lake.adapter_dir(segment, "owner-1"))


def told(lake: Lake) -> str:
    return f"{lake.adapter_dir(SEGMENT)}/trained.json"


def test_a_training_is_remembered_by_the_few_figures_that_ticks_need(lake):
    record_training(
        lake, trained(lake), Version(SEGMENT, "f1", "", DatasetManifest.parse(json.dumps(DATASET), "manifest.json"))
    )
    found = read_trainings(lake)[SEGMENT]
    assert (found.at, found.version, found.fingerprint) == (datetime(2026, 10, 1, 10, tzinfo=UTC), "owner-1", "f1")
    assert found.examples == 100  # those that the dataset's build began with
    assert found.topics == {"angles": 17, "fractions": 1}
    assert found.grades == {"6": 13, "7": 5}


@pytest.mark.parametrize("left", [None, "{half a fi"])
def test_an_adapter_of_which_nothing_or_rubbish_is_remembered_is_looked_into(lake, left):
    trained(lake)
    if left is not None:
        lake.write_text(left, told(lake))
    assert read_trainings(lake)[SEGMENT].examples == 100
    assert json.loads(lake.read_text(told(lake)))["examples"] == 100


@pytest.mark.parametrize("content", ["", "[]", "{}", '"v1"'])
def test_a_segment_whose_newest_adapter_nobody_can_tell_is_told_and_the_others_are_known(lake, content):
    trained(lake)
    lake.write_text(content, f"{lake.adapter_dir('search.mr')}/latest.json")
    troubles: dict[str, str] = {}
    assert list(read_trainings(lake, troubles)) == [SEGMENT]
    assert list(troubles) == ["search.mr"] and "latest.json" in troubles["search.mr"]


def test_what_a_later_version_remembers_besides_is_left_out(lake):
    trained(lake)
    before = read_trainings(lake)
    lake.write_json({**json.loads(lake.read_text(told(lake))), "cost": {"hours": 3}}, told(lake))
    assert read_trainings(lake) == before


@pytest.mark.parametrize("content", ["", "[1]", '{"version": "v"}', '{"version": "v", "language_match": "x", "n": 1}'])
def test_a_damaged_memory_of_a_report_is_told_and_the_others_are_read(lake, content):
    record_report(lake, SEGMENT, "owner-1", reported(language_match=0.8))
    lake.write_text(content, f"{lake.report_dir('search.mr')}/reported.json")
    troubles: dict[str, str] = {}
    assert list(read_reports(lake, ["search.mr", SEGMENT], troubles)) == [SEGMENT]
    assert list(troubles) == ["search.mr"] and "reported.json" in troubles["search.mr"]


def test_a_dataset_without_strata_has_no_topics_and_a_time_without_zone_is_utc(lake):
    trained(lake, DATASET | {"strata_by": ["language"], "created_at": "2026-10-01T10:00:00"})
    found = read_trainings(lake)[SEGMENT]
    assert (found.topics, found.grades, found.at.tzinfo) == ({}, {}, UTC)


def test_a_segment_without_a_finished_adapter_or_without_its_dataset_is_untrained(lake):
    trained(lake)
    lake.fs.rm(lake.dataset_dir(SEGMENT, "f1"), recursive=True)
    lake.write_text("", f"{lake.adapter_dir('tutoring.hi.math', 'owner-1')}/checkpoint")
    assert read_trainings(lake) == {}
    assert read_trainings(Lake("memory://no-adapters")) == {}


def reported(slices: tuple[Slice, ...] = (), **candidate: float) -> Report:
    values = {name: {"value": value, "n": 50} for name, value in candidate.items()}
    return report(models={"base": {}, "candidate": values}, slices=slices)


def test_a_report_is_remembered_by_the_share_of_answers_in_the_right_language(lake):
    record_report(lake, SEGMENT, "owner-1", reported(language_match=0.8))
    record_report(lake, "tutoring.hi.math", "owner-1", reported())
    lake.write_json(
        {"version": "owner-0", "language_match": 0.7, "n": 9}, f"{lake.report_dir('search.en')}/reported.json"
    )
    found = read_reports(lake, [SEGMENT, "tutoring.hi.math", "tutoring.ta.math"])
    assert list(found) == [SEGMENT]
    assert (found[SEGMENT].version, found[SEGMENT].language_match, found[SEGMENT].n) == ("owner-1", 0.8, 50)
    assert read_reports(lake, ["search.en"])["search.en"].worse_languages == ()  # remembered by an earlier version


def test_a_report_is_remembered_by_the_languages_that_the_adapter_made_worse(lake):
    def part(value: str, *verdicts: str, dimension: str = "language") -> Slice:
        compared = tuple(comparison(verdict) for verdict in verdicts)
        return Slice(dimension=dimension, value=value, n=80, groups=60, models={}, comparisons=compared)

    slices = (
        part("hi", "better", "worse"),
        part("en", "better", "cannot_tell"),
        part("angles", "worse", dimension="topic"),
    )
    record_report(lake, SEGMENT, "owner-1", reported(slices, language_match=0.99))
    assert read_reports(lake, [SEGMENT])[SEGMENT].worse_languages == ("hi",)


def test_a_segment_was_last_trained_or_launched_when_the_later_of_both_was():
    assert TrainingHistory().last is None
    assert TrainingHistory(training=training(5), launches=(launch(9),)).last == NOW - timedelta(days=5)
    assert TrainingHistory(training=training(5), launches=(launch(2),)).last == NOW - timedelta(days=2)
    assert TrainingHistory(training=training(5), launches=(launch(2, status="failed"),)).last == NOW - timedelta(days=5)
