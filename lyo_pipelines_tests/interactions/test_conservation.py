"""Whatever a file holds, every row is accepted or rejected: nothing crashes and nothing is lost."""

from __future__ import annotations

import codecs
import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines.interactions.formats.registry import format_named
from lyo_pipelines.storage.byte_order_mark import byte_order_mark, unmarked_wide_encoding
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    as_csv,
    as_parquet,
    build,
    jsonl,
    lake_at,
    land,
    rating,
    rejected,
    row,
)
from lyo_pipelines_tests.interactions.telemetry import ARGILLA, OLDER_ARGILLA, SPANS, annotation, sharegpt
from lyo_pipelines_tests.interactions.test_formats import observation, score
from lyo_pipelines_tests.storage.test_byte_order_mark import MARKS

FORMATS = [
    *("argilla", "canonical", "feedback", "flat", "langfuse_observations", "langfuse_scores", "openai_messages"),
    *("otel_spans", "sharegpt", "span_annotations"),
]
MAPPING = parse_mapping(
    b"""
fields:
  occurred_at: {from: occurred_at, time: epoch_ms, timezone: Asia/Kolkata}
  question: question.text
  user_id: user_id
  language: {from: language, values: {English: en}}
  response_time_ms: {from: response_time_ms, unit: s}
constants: {task: tutoring}
metadata: {all: metadata.x}
""",
    "m",
)

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "2026-10-01", "9" * 30, "NaN", '{"a": 1}', "[1", -1, 10**30, 1e308, 1.5, "\x00", "\ud800", "en"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "text", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
names = [
    *row(
        0, rating=1, thumbs=1, retries=1, feedback_at=1, grade=1, messages=1, input=1, output=1, name=1, value=1, type=1
    ),
    *score(),
    *SPANS["indexed"],
    *SPANS["indexed"]["attributes"],
    *SPANS["export"],
    *SPANS["columns"],
    *annotation(),
    *sharegpt(),
    *(name for record in ARGILLA.values() for name in record),
]
wild_row = st.dictionaries(st.sampled_from(names) | st.text(max_size=4), anything, max_size=12)
good_rows = [
    row(1),
    row(2, rating=4),
    rating("i1", 3),
    observation(1),
    score(trace_id="t1"),
    {"messages": [{"role": "user", "content": "q"}]},
    *(SPANS[name] for name in ("parts", "events", "columns")),
    annotation(),
    sharegpt(),
    *ARGILLA.values(),
]
mutated = st.builds(
    lambda base, change: base | change,
    st.sampled_from(good_rows),
    st.dictionaries(st.sampled_from(names), anything, max_size=3),
)
line = st.one_of(
    wild_row.map(lambda r: json.dumps(r).encode()),
    mutated.map(lambda r: json.dumps(r).encode()),
    st.sampled_from(good_rows).map(lambda r: json.dumps(r).encode()),
    st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ")),
    st.builds(
        bytes.__add__,
        st.sampled_from(sorted(MARKS.values())),
        st.binary(max_size=8).map(lambda b: b.replace(b"\n", b" ")),
    ),
)


def by_its_mark(content: bytes) -> bytes | None:
    """A file's text as UTF-8; None when its bytes are not what its mark says."""
    mark = byte_order_mark(content)
    if mark is not None and mark.encoding != "utf-8":
        try:
            return content[mark.size :].decode(mark.encoding, "surrogatepass").encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None
    return content.removeprefix(codecs.BOM_UTF8)


def may_have_columns(text: bytes | None) -> bool:
    """Whether a file without a line of JSON may be taken for a CSV, whatever its name: its first line names the columns then."""
    shown = (text or b"").lstrip()
    return (
        shown[:1] not in (b"{", b"[")
        and b"\n{" not in shown
        and any(sign in shown.split(b"\n")[0] for sign in b",;\t|")
    )


def holds_json_lines(content: bytes, text: bytes) -> bool:
    """Whether nothing else can be meant: a line of JSON, and not the beginning of a compressed, foreign or binary file."""
    shown = text.lstrip()
    foreign = (b"[", b"<", b"%PDF-", b"\x1f\x8b", b"BZh", b"PK", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
    looks_binary = any(byte < 9 for byte in content) or unmarked_wide_encoding(content) is not None
    return (shown[:1] == b"{" or b"\n{" in shown) and not shown.startswith(foreign) and not looks_binary


@settings(max_examples=draws(120))
@given(
    lines=st.lists(line, max_size=12), name=st.sampled_from(["auto", *FORMATS]), block=st.sampled_from([1024, 1 << 20])
)
def test_any_lines_in_any_format_are_conserved(lines, name, block, tmp_path_factory):
    path = tmp_path_factory.mktemp("c")
    lake = lake_at(path / "data")
    config = CONFIG.model_copy(update={"block_bytes": block, "max_row_bytes": 2048})
    mapping = MAPPING if name == "flat" else None
    report = land(lake, jsonl(path / "a.jsonl", lines), format=name, mapping=mapping, config=config)
    content = (path / "a.jsonl").read_bytes()
    text = by_its_mark(content)
    rows = sum(bool(line.strip()) for line in (text or b"").split(b"\n"))
    if report.unreadable is None:
        is_array = (text or b"").lstrip().startswith(b"[")  # its items are counted, and what breaks it off
        assert report.read == rows or may_have_columns(text) or is_array  # no export line is among them
        assert len(rejected(lake)) == report.rejected
        table = build(lake)
        assert table.num_rows <= report.accepted
    else:
        assert report.read == 0
        assert name in ("auto", "single_messages") or text is None or not holds_json_lines(content, text)


@settings(max_examples=draws(60))
@given(
    content=st.binary(max_size=300),
    suffix=st.sampled_from(["jsonl", "csv", "parquet", "json", "txt", "jsonl.gz"]),
    name=st.sampled_from(["auto", "canonical"]),
)
def test_any_bytes_under_any_name_are_read_or_said_to_be_unreadable(content, suffix, name, tmp_path_factory):
    path = tmp_path_factory.mktemp("b")
    (path / f"a.{suffix}").write_bytes(content)
    report = land(lake_at(path / "data"), path / f"a.{suffix}", format=name)
    assert report.unreadable or report.read >= 0


cell = st.text(max_size=12) | st.sampled_from(['"', 'a"b', "a\nb", "1,2", "2026-10-01", "en", '""'])


@settings(max_examples=draws(60))
@given(
    rows=st.lists(
        st.fixed_dictionaries(dict.fromkeys(("question", "occurred_at", "task", "language", "rating"), cell)),
        min_size=1,
        max_size=8,
    )
)
def test_any_well_formed_csv_is_conserved(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("v")
    rows = [{k: v.replace("\r", "").encode("utf-8", "ignore").decode() for k, v in r.items()} for r in rows]
    report = land(lake_at(path / "data"), as_csv(path / "a.csv", rows), format="canonical")
    assert report.unreadable is None
    assert report.read == len(rows)


def test_a_stray_quote_in_a_csv_costs_one_row(tmp_path):
    path = as_csv(tmp_path / "a.csv", [row(n) for n in range(30)])
    lines = path.read_bytes().split(b"\r\n")
    lines[5] = lines[5].replace(b"It is", b'"It is', 1)
    lines[9] = lines[9] + b",one more"
    lines[12] = b"\xff" + lines[12]
    path.write_bytes(b"\r\n".join(lines))
    lake = lake_at(tmp_path / "data")
    report = land(lake, path)
    assert report.read == 30
    assert report.rejected_by_reason["wrong_number_of_cells"] == 1
    assert report.rejected_by_reason["broken_utf8"] == 1
    assert report.accepted >= 27


def test_a_quote_that_never_closes_does_not_swallow_the_rest_of_a_csv(tmp_path):
    text = (
        "question,occurred_at,task,language\n"
        + "q,2026-10-01,t,en\n" * 3
        + '"never closed,2026-10-01,t,en\n'
        + "q,2026-10-02,t,en\n" * 50
    )
    (tmp_path / "a.csv").write_text(text)
    lake = lake_at(tmp_path / "data")
    report = land(lake, tmp_path / "a.csv")
    assert (report.read, report.accepted, report.rejected_by_reason) == (54, 53, {"broken_csv": 1})
    assert rejected(lake)[0]["line"] == 5


def test_an_overlong_csv_record_costs_one_row(tmp_path):
    (tmp_path / "a.csv").write_text(
        "question,occurred_at,task,language\n" + "x" * 5000 + ",2026-10-01,t,en\nq,2026-10-01,t,en\n"
    )
    config = CONFIG.model_copy(update={"max_row_bytes": 2048})
    report = land(lake_at(tmp_path / "data"), tmp_path / "a.csv", config=config)
    assert (report.accepted, report.rejected) == (1, 1)


def good_files(path: Path) -> dict[str, tuple[Path, int]]:
    rows = [row(n, rating=1 + n % 5) for n in range(60)]
    flat = [{"occurred_at": 1790845200000 + n, "question": {"text": f"q{n}"}, "language": "English"} for n in range(60)]
    return {
        "flat": (jsonl(path / "x.jsonl", flat), 60),
        "canonical": (jsonl(path / "a.jsonl", rows), 60),
        "csv": (as_csv(path / "a.csv", rows), 60),
        "parquet": (as_parquet(path / "a.parquet", rows), 60),
        "feedback": (jsonl(path / "f.jsonl", [rating(f"i{n}", 3) for n in range(60)]), 60),
        "langfuse_observations": (jsonl(path / "o.jsonl", [observation(n) for n in range(60)]), 60),
        "langfuse_scores": (jsonl(path / "s.jsonl", [score(trace_id=f"t{n}") for n in range(60)]), 60),
        "langfuse_parquet": (as_parquet(path / "o.parquet", [observation(n) for n in range(60)]), 60),
        "argilla": (jsonl(path / "r.jsonl", [ARGILLA["feedback dataset"] | {"id": f"r{n}"} for n in range(60)]), 60),
        "otel_spans": (jsonl(path / "t.jsonl", [SPANS["indexed"] | {"span_id": f"s{n}"} for n in range(60)]), 60),
        "sharegpt": (jsonl(path / "g.jsonl", [sharegpt(id=f"g{n}") for n in range(60)]), 60),
        "span_annotations": (jsonl(path / "n.jsonl", [annotation(span_id=f"s{n}") for n in range(60)]), 60),
        "openai_messages": (
            jsonl(path / "m.jsonl", [{"messages": [{"role": "user", "content": f"q{n}"}]} for n in range(60)]),
            60,
        ),
    }


@pytest.mark.parametrize("which", [*FORMATS, "csv", "parquet", "langfuse_parquet"])
def test_flipped_bytes_cost_rows_never_a_crash_or_an_unexplained_loss(which, tmp_path):
    path, count = good_files(tmp_path)[which]
    good = path.read_bytes()
    random_ = random.Random(which)
    for trial in range(14):
        content = bytearray(good)
        for _ in range(1 + trial % 4):
            content[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
        path.write_bytes(content)
        lake = lake_at(tmp_path / f"data{trial}")
        report = land(lake, path, mapping=MAPPING if which == "flat" else None)
        if report.unreadable is not None:
            assert which in ("parquet", "langfuse_parquet", "csv"), report.unreadable
            continue
        assert len(rejected(lake)) == report.rejected
        assert build(lake).num_rows <= report.accepted
        if path.suffix == ".jsonl":  # a flip may join two lines, split one, or make one blank
            assert count - 4 <= report.read <= count + 4
            assert report.accepted >= count - 12


def paths_of(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a row."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in paths_of(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], other: object) -> Any:
    """The same row with another value at a place."""
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], other)
    return copy


NESTED: dict[str, list[dict[str, Any]]] = {
    "otel_spans": list(SPANS.values()),
    "span_annotations": [annotation()],
    "sharegpt": [sharegpt()],
    "argilla": [*ARGILLA.values(), OLDER_ARGILLA],
}
nested_rows = [(name, row) for name, rows in NESTED.items() for row in rows]
broken = st.sampled_from(nested_rows).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.sampled_from(paths_of(pair[1])[1:]), anything)
)


@settings(max_examples=draws(300))
@given(st.lists(broken, min_size=1, max_size=8))
def test_any_value_at_any_place_of_spans_and_records_has_a_named_reason(cases):
    for name in {case[0] for case in cases}:
        rows = [replaced(row, path, other) for kind, row, path, other in cases if kind == name]
        shape = format_named(name, CONFIG, None, "2026-10-01T00:00:00Z")
        assert shape.convert is not None
        for whole in rows:
            for source in shape.expand(whole) if shape.expand else [whole]:
                with contextlib.suppress(RowError):
                    assert isinstance(shape.convert(source), dict)
                shape.user(source)
