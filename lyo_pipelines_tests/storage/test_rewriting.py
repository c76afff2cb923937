"""Many files change as one, whenever the program is killed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting, finish_rewriting, rewriting_unfinished

BEFORE = {"a.json": b"1", "b.json": b"2", "gone/c.json": b"3"}
AFTER = {"a.json": b"one", "b.json": b"2", "new/d.json": b"four"}


class KilledError(BaseException):
    """What no handler catches."""


def contents(lake: Lake) -> dict[str, bytes]:
    root = Path(lake.path())
    files = [path for path in root.rglob("*") if path.is_file() and ".tmp-" not in path.name]
    return {str(path.relative_to(root)): path.read_bytes() for path in files if "rewriting" not in path.parts}


@given(dies_at=st.integers(0, 14))
def test_a_kill_at_any_step_leaves_all_or_nothing(tmp_path_factory, dies_at):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    for name, content in BEFORE.items():
        lake.write_text(content.decode(), lake.path(name))
    steps = iter(range(100))

    class Dying(Lake):
        def _rename(self, temporary: str, path: str) -> None:
            if next(steps) == dies_at:
                raise KilledError
            super()._rename(temporary, path)

    dying = Dying(lake.root)
    try:
        rewriting = Rewriting(dying)
        rewriting.replace_bytes(lake.path("a.json"), "one")
        rewriting.remove(lake.path("gone"))
        rewriting.replace_bytes(lake.path("new", "d.json"), "four")
        rewriting.commit()
    except KilledError:
        pass
    decided = rewriting_unfinished(lake)
    finished = finish_rewriting(lake)
    assert bool(finished) == decided
    assert contents(lake) in (BEFORE, AFTER)
    assert contents(lake) == AFTER if decided else True
    assert finish_rewriting(lake) == 0


def test_what_a_killed_staging_left_does_not_mix_with_the_next(tmp_path):
    lake = Lake(str(tmp_path))
    lake.write_text("1", lake.path("a.json"))
    Rewriting(lake).replace_bytes(lake.path("a.json"), "never decided")
    rewriting = Rewriting(lake)
    staged = rewriting.replace_table(lake.path("t.parquet"), pa.table({"x": [1]}))
    assert lake.table_footer(staged).num_rows == 1
    assert lake.path("t.parquet") in rewriting
    rewriting.commit()
    assert lake.read_text(lake.path("a.json")) == "1"
    assert lake.read_table(lake.path("t.parquet"))["x"].to_pylist() == [1]


def test_nothing_staged_is_nothing_done(tmp_path):
    lake = Lake(str(tmp_path))
    assert Rewriting(lake).commit() == 0
    assert not lake.exists(lake.path("rewriting"))
    with pytest.raises(FileNotFoundError):
        lake.read_text(lake.path("a.json"))
