"""What `error` says: spellings of nothing are nothing, and what went wrong is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lyo_pipelines.interactions.fields.failures import error_value, without_no_errors
from lyo_pipelines_tests.interactions.landing_lake import as_csv, build, facts, jsonl, lake_at, land, row

NOTHING = [
    "",
    " ",
    "None",
    "NULL",
    "false",
    "0",
    "OK",
    "200",
    "204",
    "HTTP 200",
    "HTTP/1.1 200 OK",
    "n/a",
    "no error",
    "{}",
    "Success",
]
FAILED = ["timeout", "500", "2001", "not ok", "error 200 of upstream", "nonexistent model", "true", "0x80004005", "-1"]


@pytest.mark.parametrize("told", NOTHING)
def test_a_spelling_of_no_error_is_none(told: str) -> None:
    assert without_no_errors(pa.array([told])).to_pylist() == [None]


@pytest.mark.parametrize("told", FAILED)
def test_a_failure_is_kept_as_it_was_said(told: str) -> None:
    assert without_no_errors(pa.array([None, told])).to_pylist() == [None, told]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (False, None),
        ({}, None),
        ([], None),
        (True, "error"),
        ({"code": 503}, '{"code":503}'),
        (0, 0),
        ("x", "x"),
        (None, None),
    ],
)
def test_values_that_are_no_text_say_whether_something_failed(value: Any, text: Any) -> None:
    assert error_value(value) == text


def test_a_log_says_the_same_as_json_lines_and_as_csv(tmp_path: Path) -> None:
    values = [None, False, 0, "none", "OK", {}, True, "overloaded", 500]
    rows = [row(number, interaction_id=f"e{number}", error=value) for number, value in enumerate(values)]
    found = []
    for way in (jsonl, as_csv):
        lake = lake_at(tmp_path / way.__name__)
        report = land(lake, way(tmp_path / f"{way.__name__}.{'csv' if way is as_csv else 'jsonl'}", rows))
        assert (report.accepted, report.rejected) == (len(rows), 0)
        found.append([r["error"] is not None for r in sorted(facts(build(lake)), key=lambda r: r["interaction_id"])])
    assert found[0] == found[1] == [False] * 6 + [True] * 3
