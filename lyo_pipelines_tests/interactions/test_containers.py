"""Containers as exports write them: arrays and envelopes of JSON, Parquet and Arrow types, layouts of CSV, compressed files."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import uuid
import zipfile
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.interactions.fields.header_names import field_name
from lyo_pipelines.interactions.reading.arrow_rows import arrow_blocks, parquet_blocks
from lyo_pipelines.interactions.reading.csv_rows import csv_blocks
from lyo_pipelines.interactions.reading.json_envelope import envelope_around
from lyo_pipelines.interactions.reading.json_values import json_lines
from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import read_lines
from lyo_pipelines_tests.interactions.landing_lake import as_csv, build, lake_at, land, rejected, row

LIMIT = 4_096

BLOCKS = {"block_bytes": 1 << 22, "max_row_bytes": 1 << 24}


def parsed(content, block=64, limit=LIMIT):
    """Rows with their numbers, and the numbers of what is broken, of a JSON text."""
    rows, bad = [], []
    for lines in json_lines(io.BytesIO(content), block_bytes=block, max_row_bytes=limit):
        found = parse_lines(lines, limit)
        rows += list(zip(found.lines, found.rows, strict=True))
        bad += [(one.line, one.reason) for one in found.bad]
    return rows, bad


def numbered(rows):
    return list(enumerate(rows, 1))


def cells(content, **options):
    blocks = csv_blocks(io.BytesIO(content), block_bytes=64, max_row_bytes=LIMIT, **options)
    return [one for block in blocks for one in block.rows]


value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(['"', "\\", '\\"}', "],[", "\n{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
objects = st.lists(st.dictionaries(st.text(max_size=4), value, max_size=4), max_size=6)


@given(objects, st.sampled_from([None, 0, 1, 4]), st.integers(1, 80), st.booleans())
def test_an_array_gives_the_rows_that_the_same_objects_give_as_lines(rows, indent, block, ascii_only):
    array = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    by_line = "\n".join(json.dumps(one, ensure_ascii=ascii_only) for one in rows).encode("utf-8", "surrogatepass")
    lines = [
        parse_lines(part, LIMIT) for part in read_lines(io.BytesIO(by_line), block_bytes=1 << 20, max_line_bytes=LIMIT)
    ]
    assert parsed(array, block)[0] == [pair for part in lines for pair in zip(part.lines, part.rows, strict=True)]


@given(
    objects.filter(bool), st.sampled_from(["data", "rows", "traces"]), st.sampled_from([None, 2]), st.integers(1, 80)
)
def test_an_envelope_gives_its_rows(rows, name, indent, block):
    around = {"object": "list", name: rows, "meta": {"page": 1, "of": [{"a": 1}]}}
    assert parsed(json.dumps(around, indent=indent).encode(), block) == (numbered(rows), [])


@given(st.binary(max_size=120), st.integers(1, 40))
def test_any_bytes_end_and_give_lines_with_numbers_that_go_up(content, block):
    numbers = [part.first for part in json_lines(io.BytesIO(b"[" + content), block_bytes=block, max_row_bytes=16)]
    assert numbers == sorted(set(numbers))


def test_objects_one_after_the_other_and_lines_with_commas_are_rows():
    rows = [{"id": 1, "n": [{"id": 9}]}, {"id": 2, "n": []}]
    for text in ("\n".join(json.dumps(one, indent=2) for one in rows), ",\n".join(map(json.dumps, rows))):
        assert parsed(text.encode()) == (numbered(rows), [])


def test_a_broken_element_costs_itself_where_elements_begin_on_their_own_lines():
    rows = [{"id": number, "n": [{"id": 7}]} for number in range(1, 5)]
    good = json.dumps(rows, indent=2)
    for broken in (
        good.replace('"id": 2', '"id: 2'),
        good.replace('    "id": 2,', "    2,"),
        good.replace('  },\n  {\n    "id": 3', '  ,\n  {\n    "id": 3'),
    ):
        found, bad = parsed(broken.encode())
        assert [one["id"] for _, one in found] == [1, 3, 4]
        assert bad == [(2, "broken_json")]


def test_a_part_of_a_row_is_never_taken_for_a_row():
    content = json.dumps([{"id": 1}, {"id": 2, "n": [{"id": 8}]}, {"id": 3}]).replace('"id": 2', '"id: 2')
    found, bad = parsed(content.encode())
    assert [one["id"] for _, one in found] == [1]
    assert bad


def test_a_line_break_inside_a_text_does_not_become_a_space():
    found, bad = parsed(b'[{"t": "one\ntwo"}]')
    assert found == []
    assert bad[0][1] == "broken_json"


def test_an_array_that_was_cut_says_so_after_its_last_whole_row():
    found, bad = parsed(b'[{"id": 1},\n{"id": 2},')
    assert [one["id"] for _, one in found] == [1, 2]
    assert bad == [(3, "broken_json")]


@pytest.mark.parametrize("block", [1, 100, 100_000])
def test_an_element_beyond_the_limit_costs_itself(block):
    rows = [{"id": 1}, {"id": 2, "t": "x\\" * 5_000}, {"id": 3, "u": [["y"] * 900]}, {"id": 4}]
    found, bad = parsed(json.dumps(rows).encode(), block, 1_000)
    assert found == [(1, {"id": 1}), (4, {"id": 4})]
    assert bad == [(2, "row_too_long"), (3, "row_too_long")]


def test_an_object_with_more_than_its_rows_is_a_row():
    assert envelope_around(b'{"trace": {"id": 1}, "observations": [{"a": 1}]}') is False
    assert envelope_around(b'{"scores": [{"a": 1}], "input": "q"}') is False
    assert envelope_around(b'{"data": [1, 2]}') is False
    late = b'{"data": [' + b",".join([b'{"a": 1}'] * 40_000) + b'], "input": "q"}'
    found, bad = parsed(late, 1 << 16)
    assert len(found) == 40_000
    assert bad == [(40_001, "not_an_object")]


def test_whole_numbers_beyond_64_bits_stay_exact():
    content = b'{"id": 91000000000000000000003}\n{"id": 9007199254740993}'
    (lines,) = read_lines(io.BytesIO(content + b"\n"), block_bytes=1_000, max_line_bytes=100)
    assert [one["id"] for one in parse_lines(lines, 100).rows] == [91_000_000_000_000_000_000_003, 2**53 + 1]


# -- Parquet and Arrow ---------------------------------------------------------------------------------------------
def from_parquet(table):
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return [one for block in parquet_blocks(io.BytesIO(buffer.getvalue()), size=0, **BLOCKS) for one in block.rows]


def test_ids_of_parquet_types_are_text():
    one = uuid.UUID(int=2**100 + 5)
    table = pa.table(
        {
            "uuid": pa.array([one.bytes, None], pa.uuid()),
            "plain": pa.array([one.bytes, b"abcdefghijklmnop"], pa.binary(16)),
            "trace_id": pa.array([one.bytes, None], pa.binary(16)),
            "decimal": pa.array([Decimal("91000000000000000000003"), Decimal(0)], pa.decimal128(30, 0)),
            "large": pa.array([2**63 + 1, 2**53 + 1], pa.uint64()),
        }
    )
    first, second = from_parquet(table)
    assert first["uuid"] == first["plain"] == str(one)
    assert first["trace_id"] == one.hex
    assert (second["uuid"], second["plain"]) == (None, "abcdefghijklmnop")
    assert (first["decimal"], first["large"], second["large"]) == (91_000_000_000_000_000_000_003, 2**63 + 1, 2**53 + 1)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_duration_is_milliseconds_whatever_its_unit(unit, tmp_path):
    took = timedelta(seconds=7)
    rows = [row(0) | {"response_time_ms": took}, row(1) | {"response_time_ms": None}]
    table = pa.Table.from_pylist([{k: v for k, v in one.items() if k not in ("history", "metadata")} for one in rows])
    place = table.schema.get_field_index("response_time_ms")
    pq.write_table(
        table.set_column(place, "response_time_ms", table["response_time_ms"].cast(pa.duration(unit))),
        tmp_path / "a.parquet",
    )
    lake = lake_at(tmp_path / "data")
    assert land(lake, tmp_path / "a.parquet").accepted == 2
    assert build(lake)["response_time_ms"].to_pylist() == [7000.0, None]


def test_values_inside_lists_and_objects_are_read_as_those_of_a_column():
    kind = pa.struct([("at", pa.timestamp("ns")), ("took", pa.duration("ms")), ("price", pa.decimal128(6, 2))])
    values = [
        [
            {"at": 1_700_000_000_000_000_001, "took": 1500, "price": Decimal("1.50")},
            {"at": None, "took": 2, "price": None},
        ]
    ]
    (found,) = from_parquet(pa.table({"steps": pa.array(values, pa.list_(kind))}))
    first, second = found["steps"]
    assert first["at"].endswith(".000000001")
    assert (first["took"], first["price"]) == (timedelta(seconds=1.5), 1.5)
    assert second == {"took": timedelta(milliseconds=2)}


def test_turns_with_keys_of_two_formats_lose_the_empty_ones():
    turns = [{"from": "human", "value": "q"}, {"role": "assistant", "content": "a"}]
    turn = pa.struct([(name, pa.string()) for name in ("from", "value", "role", "content")])
    (found,) = from_parquet(pa.table({"conversations": pa.array([turns], pa.list_(turn))}))
    assert found["conversations"] == turns


def test_an_object_of_lists_is_the_list_of_messages_it_stands_for():
    table = pa.Table.from_pylist(
        [{"messages": {"role": ["user", "assistant"], "content": ["q", "a"]}}, {"messages": None}]
    )
    first, second = from_parquet(table)
    assert first["messages"] == [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    assert second["messages"] is None


def test_an_object_of_lists_of_different_lengths_is_a_broken_value():
    buffer = io.BytesIO()
    rows = [{"m": {"role": ["user"], "content": ["q"]}}, {"m": {"role": ["user"], "content": ["q", "a"]}}]
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    (block,) = parquet_blocks(io.BytesIO(buffer.getvalue()), size=0, **BLOCKS)
    assert block.lines == [1]
    assert [(one.line, one.reason) for one in block.bad] == [(2, "broken_value")]
    assert block.bad[0].detail.startswith("m (struct")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "a": st.none()
                | st.lists(st.none() | st.dictionaries(st.sampled_from("xy"), st.integers(0, 9)), max_size=3),
                "b": st.none() | st.text(max_size=4),
                "m": st.none() | st.dictionaries(st.sampled_from("pq"), st.integers(0, 9), max_size=2),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 3),
)
def test_nested_values_come_back_as_they_were_written(rows, cut):
    inner = pa.struct([("x", pa.int64()), ("y", pa.int64())])
    schema = pa.schema([("a", pa.large_list(inner)), ("b", pa.string_view()), ("m", pa.map_(pa.string(), pa.int64()))])
    maps = [None if one["m"] is None else list(one["m"].items()) for one in rows]
    columns = ([one["a"] for one in rows], [one["b"] for one in rows], maps)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    batch = pa.record_batch(arrays, schema=schema).slice(cut)
    for writer in (pa.ipc.new_file, pa.ipc.new_stream):
        buffer = io.BytesIO()
        with writer(buffer, schema) as out:
            out.write_batch(batch)
        found = [one for block in arrow_blocks(io.BytesIO(buffer.getvalue()), **BLOCKS) for one in block.rows]
        assert found == rows[cut:]


def test_dictionaries_of_lists_and_null_columns_are_read():
    words = pa.array(["hi", "en", "hi"]).dictionary_encode()
    nested = pa.ListArray.from_arrays([0, 2, 3], words)
    rows = from_parquet(pa.table({"l": nested, "n": pa.nulls(2), "h": pa.array([1.5, 2], pa.float16())}))
    assert rows == [{"l": ["hi", "en"], "n": None, "h": 1.5}, {"l": ["hi"], "n": None, "h": 2.0}]


# -- CSV -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content",
    [
        b"a,b c\n1,x\n",
        b"sep=;\r\na;b c\r\n1;x\r\n",
        b'"sep=,"\na,b c\n1,x\n',
        b"a;b c\n1;x\n",
        b"a|b c\n1|x\n",
        b"a\tb c\r\n1\tx\r\n",
        b"a,b c\r1,x\r",
        b'a,"b\nc"\n1,x\n',
        b"a ,\xc2\xa0b  c\n1,x\n",
        b"a,b c,\n1,x,\n",
        b"a,b c,\n1,x\n",
        b"a,b c\n1,x,,\n",
        b"\n,\na,b c\n1,x\n",
    ],
)
def test_a_csv_of_any_layout_gives_the_same_row(content):
    assert cells(content) == [{"a": "1", "b c": "x"}]


def test_commas_in_names_and_texts_do_not_hide_semicolons():
    content = b'question;"answer, in full";"rating, 1 to 5"\nWhat, then?;One, two, three;4\nWhy?;So, so;5\n'
    assert cells(content)[1] == {"question": "Why?", "answer, in full": "So, so", "rating, 1 to 5": "5"}


def test_cells_without_a_name_count_where_something_stands_in_them():
    assert cells(b",a,b\n0,x,y\n1,z,\n") == [
        {"(column 1)": "0", "a": "x", "b": "y"},
        {"(column 1)": "1", "a": "z", "b": None},
    ]


def test_too_few_or_too_many_cells_are_a_rejected_row(tmp_path):
    path = as_csv(tmp_path / "a.csv", [row(n) for n in range(3)])
    path.write_bytes(path.read_bytes().replace(b"\r\n", b",more\r\n", 2).replace(b",more", b"", 1))
    lake = lake_at(tmp_path / "data")
    assert land(lake, path).rejected_by_reason == {"wrong_number_of_cells": 1}


@pytest.mark.parametrize(
    "word", ["NULL", "null", "None", "NaN", "nan", "N/A", "\\N", "#N/A", "<NA>", " NULL ", "#NAME?"]
)
def test_a_word_for_nothing_is_no_text_in_a_csv_and_is_counted(word):
    (block,) = csv_blocks(io.BytesIO(f"a,b\nx,{word}\n".encode()), block_bytes=64, max_row_bytes=LIMIT)
    assert block.rows == [{"a": "x", "b": None}]
    assert block.notes == {f"a cell {word.strip()} says nothing": 1}


@pytest.mark.parametrize("text", ["none", "NA", "null and void", "None of them", "nano", "No", "0", "-"])
def test_a_text_that_only_looks_like_a_word_for_nothing_stays(text):
    assert cells(f"a,b\nx,{text}\n".encode())[0]["b"] == text


def test_none_is_an_answer_in_json(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row(0, answer="None")))
    lake = lake_at(tmp_path / "data")
    land(lake, path)
    assert build(lake)["answer"].to_pylist() == ["None"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("rating (1-5)", "rating"),
        ("Rating (1 to 5)", "rating"),
        ("rating / 5", "rating"),
        ("rating (out of 5)", "rating"),
        ("rating / 10", "rating / 10"),
        ("rating out of 7", "rating out of 7"),
        ("response_time_ms [ms]", "response_time_ms"),
        ("rating (1-10)", "rating (1-10)"),
        ("rating (average)", "rating (average)"),
        ("answer (draft)", "answer (draft)"),
        ("response_time_ms (s)", "response_time_ms (s)"),
    ],
)
def test_a_name_with_its_own_scale_is_the_field_and_with_another_is_not(header, name):
    assert field_name(header) == name


# -- what a file is ------------------------------------------------------------------------------------------------
def zipped(content: bytes, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


PACKED = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, "zstd", asbytes=True),
    "two zst": lambda content: b"".join(
        pa.compress(part, "zstd", asbytes=True) for part in (content[:70], content[70:])
    ),
    "zip": lambda content: zipped(content, "log.jsonl"),
    "gz in zip": lambda content: zipped(gzip.compress(content, mtime=0), "log.jsonl.gz"),
    "zip of a Mac": lambda content: zipped(content, "log.jsonl", "__MACOSX/._log.jsonl", ".DS_Store"),
}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet", "arrow"])
def test_a_compressed_file_is_read_as_what_is_in_it_whatever_its_name(packed, kind, tmp_path):
    rows = [row(n) for n in range(20)]
    path = tmp_path / "plain"
    if kind == "csv":
        as_csv(path, rows)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "arrow":
        table = pa.Table.from_pylist(rows)
        with pa.ipc.new_file(path, table.schema) as out:
            out.write_table(table)
    else:
        path.write_text(json.dumps(rows, indent=1) if kind == "json" else "\n".join(map(json.dumps, rows)))
    upload = tmp_path / "upload.bin"
    upload.write_bytes(PACKED[packed](path.read_bytes()))
    lake = lake_at(tmp_path / "data")
    assert (land(lake, upload).unreadable, build(lake).num_rows) == (None, 20)


@pytest.mark.parametrize("name", ["ORCID", "PARENT_ID", "PAR1", "PGDMP", "Rar!", "FEA1"])
def test_a_first_column_named_like_a_binary_format_is_a_column(name, tmp_path):
    assert land(lake_at(tmp_path / "data"), as_csv(tmp_path / "a.csv", [{name: 7} | row(1)])).accepted == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (zipped(b"x", "a.jsonl", "b.jsonl"), "a zip of 2 files"),
        (zipped(b"x", "[Content_Types].xml", "xl/workbook.xml"), "Excel"),
        (zipped(b"x"), "no file"),
        (b"SQLite format 3\x00" + b"\0" * 80, "SQLite"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 80, "old Excel"),
        (b"%PDF-1.7", "documents"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"FEA1\0\0\0\0", "Feather"),
        (b"ORC\x0a\x03\0\0", "ORC"),
        (b"PK\x03\x04 and then nothing", "unpacked"),
        (gzip.compress(b'{"a": 1}\n' * 500, mtime=0)[:-30], "ended before"),
        (pa.compress(b'{"a": 1}\n' * 500, "zstd", asbytes=True)[:-9], "it cannot be read"),
    ],
)
def test_what_is_no_log_is_named_with_what_to_do(content, says, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(content)
    assert says in (land(lake_at(tmp_path / "data"), tmp_path / "a.jsonl").unreadable or "")


def test_the_number_of_a_rejected_row_is_that_of_its_element(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": [row(0), {"question": "no time"}, "text", row(3)]}, indent=2))
    lake = lake_at(tmp_path / "data")
    report = land(lake, path)
    assert (report.read, report.accepted) == (4, 2)
    assert [one["line"] for one in rejected(lake)] == [2, 3]


def test_a_csv_named_as_json_lines_and_json_lines_named_as_csv_are_read_as_what_they_are(tmp_path):
    as_csv(tmp_path / "a.jsonl", [row(0)])
    (tmp_path / "b.csv").write_text(json.dumps(row(1)))
    lake = lake_at(tmp_path / "data")
    assert [land(lake, tmp_path / name).accepted for name in ("a.jsonl", "b.csv")] == [1, 1]
