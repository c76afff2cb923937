from __future__ import annotations

from dataclasses import replace

import pytest

from lyo_pipelines.curation.contract import QUALITY
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.quality import CHECKS, quality_checks, quality_table
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, config, row, table

MANY = config(quality_minimum_rows=10)


def report(tmp_path, *rows):
    lake = Lake(str(tmp_path))
    lake.write_table(table(*rows), lake.interactions(DAY))
    return curate_day(lake, DAY, CONFIG)


def outcomes(found, with_config=MANY):
    return {outcome.name: outcome for outcome in quality_checks(found, with_config)}


def test_metrics_of_a_day_and_its_segments(tmp_path):
    rows = [
        row(1, rating=5.0, question="My name is Asha Rao. What is x?"),
        row(2, rating=3.0),
        row(3, retries=1),
        row(4, question=row(3)["question"]),
        row(5, language="hi"),
        row(6, error="timeout", topic="equations"),
    ]
    found = report(tmp_path, *rows)
    day, english = found.quality[""], found.quality["tutoring.en.math"]
    assert (day["rows"], english["rows"]) == (6, 5)
    assert day["rated_share"] == pytest.approx(2 / 6, abs=1e-5)
    assert day["mean_rating"] == 4.0
    assert day["error_share"] == pytest.approx(1 / 6, abs=1e-5)
    assert english["duplicate_share"] == pytest.approx(0.2)
    assert english["missing_topic"] == pytest.approx(0.8)
    assert found.quality["tutoring.hi.math"]["language_mismatch"] == 1.0
    assert english["pii_rate"] == pytest.approx(1 / 2)
    assert quality_table(found.quality).schema.equals(QUALITY)


def test_a_good_day_passes_all_checks(tmp_path):
    good = report(
        tmp_path, *(row(n, rating=5.0, topic="t", grade="7", conversation_id="c", model="m") for n in range(20))
    )
    found = outcomes(good)
    assert tuple(found) == CHECKS
    assert all(outcome.passed for outcome in found.values())


def test_a_bad_day_fails_loudly_and_says_where(tmp_path):
    bad = report(tmp_path, *(row(n, error="timeout", rating=1.0) for n in range(20)))
    found = outcomes(bad)
    assert not found["survival"].passed
    assert found["survival"].blocking
    assert "whole day" in found["survival"].message
    assert not found["error_share"].passed
    assert not found["mean_rating"].passed
    assert not found["mean_rating"].blocking
    assert found["error_share"].details["outside"]["whole day"] == {"error_share": 1.0}


def test_a_bad_segment_of_a_good_day_warns(tmp_path):
    rows = [row(n, rating=5.0) for n in range(90)] + [row(n, rating=5.0, language="hi") for n in range(100, 112)]
    outcome = outcomes(report(tmp_path, *rows))["language_mismatch"]
    assert not outcome.passed
    assert not outcome.blocking
    assert list(outcome.details["outside"]) == ["tutoring.hi.math"]


def test_too_few_rows_are_said_and_not_judged(tmp_path):
    few = report(tmp_path, row(1, error="timeout"))
    assert all(outcome.passed for outcome in quality_checks(few, CONFIG))
    assert "too few" in outcomes(few, CONFIG)["survival"].message


def test_a_lost_row_blocks(tmp_path):
    lost = replace(report(tmp_path, row(1, rating=5.0)), read=2)
    assert not lost.conserved
    outcome = outcomes(lost)["rows_conserved"]
    assert not outcome.passed
    assert outcome.blocking
    assert "1 of 2" in outcome.message
