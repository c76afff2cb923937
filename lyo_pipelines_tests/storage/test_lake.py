"""Paths of the lake, and writes that are whole or not there."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pytest

from lyo_pipelines.machine import FullDiskError
from lyo_pipelines.storage.lake import Lake, NotLocalError

DAY = date(2026, 10, 1)


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path):
    return Lake(str(tmp_path) if request.param == "local" else f"memory://{tmp_path}")


def test_every_kind_of_file_has_its_place(tmp_path):
    lake, base = Lake(str(tmp_path)), str(tmp_path)
    assert lake.landing_dir(DAY) == f"{base}/lake/landing/date=2026-10-01"
    assert lake.rejected("h") == f"{base}/lake/rejected/h.parquet"
    assert lake.interactions(DAY) == f"{base}/lake/interactions/date=2026-10-01/part.parquet"
    assert lake.examples(DAY, "removed") == f"{base}/lake/examples/date=2026-10-01/removed.parquet"
    assert lake.dataset_dir("a.en", "f") == f"{base}/lake/datasets/a.en/f"
    assert lake.adapter_dir("a.en") == f"{base}/lake/adapters/a.en"
    assert lake.report_dir("a.en", "v") == f"{base}/lake/reports/a.en/v"
    assert lake.side("inbox") == f"{base}/inbox"


def test_what_is_written_is_read_back(lake):
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    lake.write_table(table, lake.interactions(DAY))
    assert lake.read_table(lake.interactions(DAY)).equals(table)
    assert lake.read_table(lake.interactions(DAY), columns=["b"]).column_names == ["b"]
    lake.write_json({"ü": [1]}, lake.path("x.json"))
    assert lake.read_json(lake.path("x.json")) == {"ü": [1]}
    assert lake.read_text(lake.path("x.json")).endswith("\n")
    assert lake.exists(lake.path("x.json"))
    assert not lake.exists(lake.path("y.json"))


def test_a_file_is_replaced_in_one_step_and_an_error_leaves_the_old_one(lake):
    path = lake.path("a", "x.txt")
    lake.write_text("old", path)
    with pytest.raises(RuntimeError, match="half way"), lake.replacing(path) as temporary:
        lake.fs.pipe_file(temporary, b"half")
        raise RuntimeError("half way")
    assert lake.read_text(path) == "old"
    assert lake.names(lake.path("a")) == ["x.txt"]
    with pytest.raises(RuntimeError, match="before"), lake.replacing(path):
        raise RuntimeError("before anything was written")
    lake.write_text("new", path)
    assert lake.read_text(path) == "new"


def test_a_finished_file_is_moved_into_place_and_replaces_what_is_there(lake):
    lake.write_text("1", lake.path("staging", "x"))
    lake.write_text("0", lake.path("there", "y"))
    lake.move(lake.path("staging", "x"), lake.path("there", "y"))
    assert lake.read_text(lake.path("there", "y")) == "1"
    assert lake.names(lake.path("staging")) == []


def test_a_whole_folder_can_be_made_in_one_step(tmp_path):
    lake = Lake(str(tmp_path))
    with lake.replacing(lake.path("versions", "v1")) as temporary:
        Path(temporary).mkdir()
        (Path(temporary) / "x").write_text("1")
    assert lake.names(lake.path("versions", "v1")) == ["x"]


def test_temporary_names_are_never_listed(tmp_path):
    lake = Lake(str(tmp_path))
    lake.write_text("1", lake.path("b"))
    (tmp_path / "lake" / ".tmp-123-c").write_text("half")
    assert lake.names(lake.path()) == ["b"]
    assert lake.names(lake.path("nowhere")) == []
    assert lake.names(lake.path("b")) == [] == lake.names(lake.path("b", "y")), (
        "a file holds no names, not its own either"
    )


def test_days_are_those_that_hold_the_file(lake):
    for day in (DAY, date(2026, 9, 1)):
        lake.write_text("x", lake.interactions(day))
    lake.write_text("x", lake.path("interactions", "date=2026-11-01", "other"))
    lake.write_text("x", lake.path("interactions", "notes"))
    lake.write_text("x", lake.path("interactions", "date=yesterday", "part.parquet"))
    assert lake.days("interactions") == [date(2026, 9, 1), DAY]
    assert lake.days("interactions", name="") == [date(2026, 9, 1), DAY, date(2026, 11, 1)]
    assert lake.days("nowhere") == []


def test_a_remote_lake_has_no_local_paths(tmp_path):
    assert Lake(str(tmp_path)).local(str(tmp_path / "x")) == tmp_path / "x"
    with pytest.raises(NotLocalError, match="LYO_DATA_DIR"):
        Lake("memory://x").local("x")


def test_a_full_disk_says_whose_and_what_to_do(tmp_path):
    import errno

    lake = Lake(str(tmp_path))
    with (
        pytest.raises(FullDiskError, match="Free some space and run it again") as error,
        lake.replacing(lake.path("x")),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(tmp_path) in str(error.value)
    with pytest.raises(OSError, match="something else"), lake.full_disk_explained():
        raise OSError(errno.EIO, "something else")


def test_a_text_is_created_only_once(lake):
    path = lake.path("claims", "x.json")
    assert lake.create_text("ü", path)
    assert not lake.create_text("other", path)
    assert lake.read_text(path) == "ü"
    assert lake.names(lake.path("claims")) == ["x.json"]
    lake.fs.rm(path)
    assert lake.create_text("again", path)


def test_of_many_threads_exactly_one_creates_a_text(tmp_path):
    lake, writers = Lake(str(tmp_path)), 8
    together = Barrier(writers)

    def create(number: int) -> list[bool]:
        together.wait()
        return [lake.create_text(f"{number}", lake.path("claims", f"{at}")) for at in range(40)]

    with ThreadPoolExecutor(writers) as pool:
        won = list(pool.map(create, range(writers)))
    for at in range(40):
        assert [number for number in range(writers) if won[number][at]] == [
            int(lake.read_text(lake.path("claims", f"{at}")))
        ]
    assert not [entry for entry in Path(lake.path("claims")).iterdir() if entry.name.startswith(".tmp-")]


CREATE = """
import sys
from lyo_pipelines.storage.lake import Lake
lake, me = Lake(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
print(sum(lake.create_text(me * 500_000, lake.path("claims", str(at))) for at in range(20)))
"""


def test_of_several_processes_exactly_one_creates_a_text_and_readers_never_see_half_of_it(tmp_path):
    lake = Lake(str(tmp_path))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, lake.root, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    sizes = set()
    while any(writer.poll() is None for writer in writers):
        sizes |= {len(lake.read_text(lake.path("claims", name))) for name in lake.names(lake.path("claims"))}
    won = [int(writer.communicate()[0]) for writer in writers]
    assert sum(won) == 20
    contents = [lake.read_text(lake.path("claims", f"{at}")) for at in range(20)]
    assert [len(text) for text in contents] == [500_000] * 20
    assert [sum(text == name * 500_000 for text in contents) for name in "ab"] == won
    assert sizes <= {500_000}
