"""Damaged files are errors that name the file and what to do, never other values."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from lyo_pipelines.storage.damage import DamagedFileError, DamagedTableError
from lyo_pipelines.storage.lake import Lake


@pytest.fixture
def table_path(tmp_path: Path) -> Path:
    lake, words = Lake(str(tmp_path)), random.Random(4)
    rows = [" ".join("".join(words.choices("abcdefgh", k=7)) for _ in range(9)) for _ in range(400)]
    lake.write_table(pa.table({"n": range(400), "text": rows}), lake.path("t.parquet"))
    return Path(lake.path("t.parquet"))


def test_a_flipped_bit_in_a_page_is_an_error_and_never_another_value(table_path):
    lake, whole = Lake("/"), table_path.read_bytes()
    table, dice = lake.read_table(str(table_path)), random.Random(11)
    end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    other = 0
    for _ in range(120):
        damaged = bytearray(whole)
        damaged[dice.randrange(200, end)] ^= 1 << dice.randrange(8)
        table_path.write_bytes(damaged)
        try:
            other += not lake.read_table(str(table_path)).equals(table)
        except DamagedTableError as error:
            assert str(table_path) in str(error)
            assert "lyo verify" in error.hint
    assert other == 0


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
