"""Damaged files are errors that name the file and what to do, never other values."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyo_pipelines.storage.damage import DamagedFileError, DamagedTableError
from lyo_pipelines.storage.lake import Lake


@pytest.fixture
def table_path(tmp_path: Path) -> Path:
    lake, words = Lake(str(tmp_path)), random.Random(4)
    rows = [" ".join("".join(words.choices("abcdefgh", k=7)) for _ in range(9)) for _ in range(400)]
    lake.write_table(pa.table({"n": range(400), "text": rows}), lake.path("t.parquet"))
    return Path(lake.path("t.parquet"))


def test_a_flipped_bit_anywhere_is_an_error_and_never_another_value(table_path):
    lake, whole = Lake("/"), table_path.read_bytes()
    table, dice = lake.read_table(str(table_path)), random.Random(11)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [dice.randrange(200, footer) for _ in range(120)] + [
        dice.randrange(footer, len(whole)) for _ in range(240)
    ]
    other = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << dice.randrange(8)
        table_path.write_bytes(damaged)
        try:
            other += not lake.read_table(str(table_path)).equals(table, check_metadata=True)
            assert place < footer, "names, types and counts have a checksum of our own"
        except DamagedTableError as error:
            assert str(table_path) in str(error)
            assert "lyo verify" in error.hint
    assert other == 0


def test_other_readers_and_files_of_before_have_no_need_of_the_footers_checksum(table_path):
    lake, whole = Lake("/"), table_path.read_bytes()
    table = lake.read_table(str(table_path))
    assert pq.read_table(table_path).equals(table)
    assert pl.read_parquet(table_path).height == len(table)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    table_path.write_bytes(whole[: footer - 8] + whole[footer:])
    assert lake.read_table(str(table_path)).equals(table)
    assert lake.table_footer(str(table_path)).num_rows == len(table)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table at all"])
def test_a_cut_table_names_its_path_however_it_is_opened(table_path, content):
    lake = Lake("/")
    table_path.write_bytes(content)
    for read in (lake.read_table, lake.table_footer):
        with pytest.raises(DamagedTableError, match=r"t\.parquet is damaged"):
            read(str(table_path))
    table_path.unlink()
    with pytest.raises(FileNotFoundError):
        lake.read_table(str(table_path))


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe", b"[" * 100_000])
def test_damaged_json_names_its_path(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"state\.json is damaged"):
        Lake(str(tmp_path)).read_json(str(path))


def test_a_damaged_file_that_can_be_made_again_is_put_out_of_the_way(table_path):
    lake = Lake(str(table_path.parents[1]))
    table_path.write_bytes(table_path.read_bytes()[:300])
    with (
        pytest.raises(DamagedTableError, match=r"It is kept as .*quarantine") as raised,
        lake.remade_if_damaged(str(table_path), "the day"),
    ):
        lake.read_table(str(table_path))
    assert "Materialize the day again" in raised.value.hint
    assert not table_path.exists()
