"""Parquet, Arrow and packed files stand under the limits of JSON lines: by row, by block, and by what they unpack to."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading import unpacking
from lyo_pipelines.interactions.reading.arrow_rows import arrow_blocks, parquet_blocks
from lyo_pipelines.interactions.reading.arrow_sizes import row_sizes
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.reading.unpacking import check_unpacked
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, jsonl, lake_at, land, row

LIMITS = {"block_bytes": 50_000, "max_row_bytes": 20_000}


def repeated(text: str, rows: int) -> pa.Table:
    """Texts that stand in the file once and in every row, also inside lists of objects."""
    once = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    turns = pa.StructArray.from_arrays([pa.array(["user"] * rows), once], ["role", "content"])
    return pa.table(
        {"question": once, "history": pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), turns)}
    )


def parquet(table: pa.Table) -> io.BytesIO:
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    stream.seek(0)
    return stream


def arrow(table: pa.Table) -> io.BytesIO:
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    stream.seek(0)
    return stream


def blocks_of(kind: str, table: pa.Table, **limits: int):
    limits = LIMITS | limits
    if kind == "parquet":
        stream = parquet(table)
        return list(parquet_blocks(stream, size=len(stream.getvalue()), **limits))
    return list(arrow_blocks(arrow(table), **limits))


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_blocks_hold_so_many_bytes_however_small_the_file_is(kind):
    blocks = blocks_of(kind, repeated("word " * 1_000, 200))
    assert max(len(block.rows) for block in blocks) <= 5
    rows = [one for block in blocks for one in block.rows]
    assert [line for block in blocks for line in block.lines] == list(range(1, 201))
    assert rows == [{"question": "word " * 1_000, "history": [{"role": "user", "content": "word " * 1_000}]}] * 200


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_row_that_is_too_large_is_rejected_on_its_line_and_the_others_stay(kind):
    texts = ["a", "b" * 30_000, "c", "d" * 30_000]
    blocks = blocks_of(kind, pa.table({"question": texts}), block_bytes=1 << 20)
    assert [one["question"] for block in blocks for one in block.rows] == ["a", "c"]
    assert [line for block in blocks for line in block.lines] == [1, 3]
    assert [(bad.line, bad.reason) for block in blocks for bad in block.bad] == [
        (2, "row_too_long"),
        (4, "row_too_long"),
    ]


VALUES = st.lists(st.text(max_size=20) | st.none(), min_size=1, max_size=8)


@given(VALUES, st.integers(0, 3), st.integers(1, 8))
def test_the_size_of_a_row_is_that_of_its_texts_wherever_they_stand(texts, start, length):
    wanted = np.array([len((text or "").encode()) for text in texts])
    plain = pa.array(texts, pa.string())
    kinds = [
        plain,
        plain.cast(pa.large_string()),
        plain.dictionary_encode(),
        pa.array([[text] for text in texts], pa.list_(pa.string())),
        pa.array([[text] for text in texts], pa.list_(pa.string(), 1)),
        pa.StructArray.from_arrays([plain, pa.array(range(len(texts)))], ["a", "b"]),
        pa.array([[("k", text)] for text in texts], pa.map_(pa.string(), pa.string())),
        pa.array([None if text is None else [{"a": {"b": [text]}}] for text in texts]),
    ]
    for array in kinds:
        part = array.slice(start, length)
        more = row_sizes(part) - wanted[start : start + length]
        assert len(more) == len(part)
        assert ((more >= 0) & (more <= 60)).all()


def test_numbers_and_times_have_a_size():
    for array in (pa.array([1, None]), pa.array([True]), pa.array([None]), pa.array([1.5]), pa.array([[1, 2, 3]])):
        assert (row_sizes(array) > 0).all()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_file_that_unpacks_as_no_log_does_is_set_aside(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(unpacking, "MOST_UNPACKED", 1_000_000)
    path = tmp_path / "bomb.jsonl"
    path.write_bytes(pack(b'{"question": "' + b"\0" * 4_000_000 + b'"}\n'))
    report = land(lake_at(tmp_path / "data"), path)
    assert "no log does" in (report.unreadable or "")


def test_a_parquet_file_that_says_so_is_refused_before_it_is_read():
    stream = parquet(repeated("w", 3))
    with pytest.raises(UnreadableFileError, match="unpacks to more"):
        check_unpacked(1 << 40, 1_000)
    check_unpacked(1 << 28, 10)
    assert list(parquet_blocks(stream, size=len(stream.getvalue()), **LIMITS))


def test_a_packed_log_of_usual_repetition_is_read(tmp_path):
    path = jsonl(tmp_path / "plain.jsonl", [row(n) for n in range(300)])
    packed = tmp_path / "log.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert land(lake_at(tmp_path / "data"), packed).accepted == 300
    assert CONFIG.max_row_bytes == 16 << 20


@pytest.mark.parametrize("at", range(0, 120, 11))
def test_a_damaged_zip_of_a_store_is_unreadable_as_one_of_a_disk_is(at, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.jsonl", b'{"a": 1}\n')
    content = packed.getvalue()[at + 1 :]
    store, disk = fsspec.filesystem("memory"), tmp_path / "log.zip"
    store.pipe_file("/log.zip", b"PK\x03\x04" + content)
    disk.write_bytes(b"PK\x03\x04" + content)
    for path, fs in (("/log.zip", store), (str(disk), None)):
        with pytest.raises(UnreadableFileError), InputFile.at(path, fs).content() as handle:
            handle.read()
