"""What a file says it was made from, asked again and again."""

import pyarrow as pa
import pytest

from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY, MadeFrom, inputs_of, made_from


def _write(lake: Lake, path: str, rows: int, inputs: str | None) -> None:
    table = pa.table({"number": list(range(rows))})
    lake.write_table(
        table.replace_schema_metadata({INPUTS_KEY: inputs.encode()}) if inputs is not None else table, path
    )


def test_a_file_that_is_written_anew_says_the_new_thing(tmp_path):
    lake = Lake(str(tmp_path))
    path = lake.path("some", "part.parquet")

    assert made_from(lake, path) is None
    for rows, inputs in [(3, "first"), (3, "other"), (3, "first"), (4, "first"), (4, None)]:
        _write(lake, path, rows, inputs)
        assert made_from(lake, path) == made_from(lake, path) == MadeFrom(inputs, rows)
    lake.fs.rm(path)
    assert made_from(lake, path) is None


def test_a_footer_is_read_once_for_each_time_that_its_file_is_written(tmp_path, monkeypatch):
    lake = Lake(str(tmp_path))
    path = lake.path("some", "part.parquet")
    read: list[str] = []
    footer = Lake.table_footer
    monkeypatch.setattr(Lake, "table_footer", lambda self, path: read.append(path) or footer(self, path))

    for inputs in ("first", "second"):
        _write(lake, path, 3, inputs)
        assert {made_from(lake, path) for _ in range(5)} == {MadeFrom(inputs, 3)}

    assert read == [path, path]


def test_a_damaged_file_is_said_each_time_and_heals_when_written_anew(tmp_path):
    lake = Lake(str(tmp_path))
    path = lake.path("some", "part.parquet")
    _write(lake, path, 3, "first")
    assert made_from(lake, path) is not None
    lake.local(path).write_bytes(b"no table")

    for _ in range(2):
        with pytest.raises(DamagedTableError, match=r"part\.parquet is damaged"):
            made_from(lake, path)
    _write(lake, path, 3, "first")
    assert made_from(lake, path) == MadeFrom("first", 3)


def test_what_is_made_from_others_counts_as_stale_where_it_is_damaged(tmp_path):
    lake = Lake(str(tmp_path))
    path = lake.path("some", "part.parquet")

    assert inputs_of(lake, path) is None
    for inputs in ("first", None):
        _write(lake, path, 3, inputs)
        assert inputs_of(lake, path) == (inputs or "")
    lake.local(path).write_bytes(b"no table")
    assert inputs_of(lake, path) == ""
