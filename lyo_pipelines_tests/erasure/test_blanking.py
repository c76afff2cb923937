"""Rows go out of a file of any kind, everybody else's stay as they were on their lines; where that is not sure, nothing is done."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.erasure.blanking import NotSureError, blanked, hits_in
from lyo_pipelines.erasure.needles import needle_bytes, needle_pattern

ROWS = [{"user_id": f"student-{n}", "question": f'What is {n}?\nSay it, "briefly".', "n": n} for n in range(1, 8)]
GONE = {2, 5}


def as_lines() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def zipped(inner: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.jsonl", inner)
    return written.getvalue()


PACKED = {
    "log.jsonl": (bytes, bytes),
    "log.jsonl.gz": (gzip.compress, gzip.decompress),
    "log.jsonl.bz2": (bz2.compress, bz2.decompress),
    "log.jsonl.xz": (lzma.compress, lzma.decompress),
    "log.jsonl.zst": (
        lambda data: pa.compress(data, codec="zstd", asbytes=True),
        lambda data: pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(),
    ),
    "log.zip": (zipped, lambda data: zipfile.ZipFile(io.BytesIO(data)).read("log.jsonl")),
}


@pytest.mark.parametrize("name", PACKED)
def test_lines_are_blanked_in_the_packing_they_came_in(name):
    pack, unpack = PACKED[name]
    told = unpack(blanked(pack(as_lines()), name, GONE)).split(b"\n")
    expected = as_lines().split(b"\n")
    assert told == [b"" if number in GONE else line for number, line in enumerate(expected, 1)]


def test_a_record_of_csv_goes_with_all_its_lines():
    written = io.StringIO()
    table = csv.DictWriter(written, list(ROWS[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(ROWS)
    content = written.getvalue().encode()
    told = blanked(content, "sheet.csv", {4})  # the second record: each has two lines
    assert told.count(b"\n") == content.count(b"\n")
    kept = list(csv.DictReader(io.StringIO(told.decode())))
    assert [row["user_id"] for row in kept] == [row["user_id"] for row in ROWS if row["n"] != 2]


def test_a_row_of_parquet_holds_nothing_any_more_and_others_keep_their_place():
    written = io.BytesIO()
    table = pa.table({"user_id": [r["user_id"] for r in ROWS], "tags": [[{"k": r["n"]}] for r in ROWS]})
    pq.write_table(table, written)
    told = pq.read_table(io.BytesIO(blanked(written.getvalue(), "log.parquet", GONE)))
    expected = [{"user_id": None, "tags": None} if n in GONE else row for n, row in enumerate(table.to_pylist(), 1)]
    assert told.to_pylist() == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", json.dumps(ROWS).encode()),
        ("two.zip", b""),
        ("cut.jsonl.gz", gzip.compress(as_lines())[:-9]),
        ("wide.jsonl", as_lines().decode().encode("utf-16")),
    ],
)
def test_what_is_not_sure_is_not_touched(name, content):
    with pytest.raises(NotSureError):
        blanked(content, name, GONE)


def test_a_file_of_nobody_else_becomes_empty_lines():
    assert blanked(as_lines(), "log.jsonl", set(range(1, 8))) == b"\n" * 7


def test_who_stands_in_a_packed_file_is_found():
    one = [{"student-3"}, needle_bytes({"student-3"}), needle_pattern({"student-3"})]
    assert hits_in(gzip.compress(as_lines()), "log.jsonl.gz", *one[1:]) == 1
    assert hits_in(blanked(gzip.compress(as_lines()), "log.jsonl.gz", {3}), "log.jsonl.gz", *one[1:]) == 0


@given(
    st.lists(st.sampled_from([b'{"a": 1}', b"", b"  ", b"no json", b"\xff\xfe", b'{"a": NaN}', b"[1]"]), min_size=1),
    st.data(),
)
def test_every_other_line_stays_byte_for_byte(lines, data):
    content = b'{"first": 1}\n' + b"\n".join(lines)
    rows = [number for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    gone = set(data.draw(st.lists(st.sampled_from(rows[1:] or rows), max_size=3)))
    try:
        told = blanked(content, "log.jsonl", gone)
    except NotSureError:
        return
    pairs = zip(content.split(b"\n"), told.split(b"\n"), strict=True)
    assert all(new == (b"" if number in gone else old) for number, (old, new) in enumerate(pairs, 1))
