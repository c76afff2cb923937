"""A file in any marked Unicode encoding is read as the same rows, in every format; a mark in the middle costs one row."""

from __future__ import annotations

import pytest

from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import Lines
from lyo_pipelines_tests.interactions.landing_lake import build, facts, jsonl, lake_at, land, rejected, row
from lyo_pipelines_tests.interactions.test_conservation import FORMATS, MAPPING, good_files
from lyo_pipelines_tests.storage.test_byte_order_mark import MARKS


@pytest.mark.parametrize("which", [*FORMATS, "csv"])
def test_marked_files_of_every_format_hold_the_same_rows_as_plain_ones(which, tmp_path):
    path, count = good_files(tmp_path)[which]
    mapping = MAPPING if which == "flat" else None
    plain_lake = lake_at(tmp_path / "plain")
    plain = land(plain_lake, path, mapping=mapping)
    assert (plain.read, plain.accepted) == (count, count)
    expected, text = facts(build(plain_lake)), path.read_text(encoding="utf-8")
    for encoding, mark in MARKS.items():
        lake = lake_at(tmp_path / encoding)
        path.write_bytes(mark + text.encode(encoding))
        report = land(lake, path, mapping=mapping)
        assert (report.format, report.read, report.accepted) == (plain.format, count, count), encoding
        assert facts(build(lake)) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_line_with_a_mark_of_its_own_is_refused_by_name(encoding, tmp_path):
    """Reading it by its mark would be a guess: the next line feed need not end its line."""
    lake = lake_at(tmp_path / "data")
    line = MARKS[encoding] + '{"question": "q"}'.encode(encoding)
    report = land(lake, jsonl(tmp_path / "a.jsonl", [row(1), line, row(2)]))
    assert (report.accepted, report.rejected_by_reason) == (2, {"broken_utf8": 1})
    assert encoding.upper() in rejected(lake)[0]["detail"]


def test_a_line_is_never_read_in_an_encoding_that_nothing_names():
    block = parse_lines(Lines(1, '{"question": "q"}'.encode("utf-16-le")), 1 << 20)
    assert not block.rows
    assert [bad.reason for bad in block.bad] == ["broken_json"]
