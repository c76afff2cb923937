"""What a computation puts aside is the same in memory and on disk, and nothing of it stays behind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.storage import working_space
from lyo_pipelines.storage.working_space import EqualHashes, Spool, WorkingSpaceError, working_array, working_texts
from lyo_pipelines_tests.hypothesis_profile import draws

TEXTS = st.lists(st.lists(st.none() | st.text(max_size=5), max_size=4), max_size=5)


@settings(max_examples=draws(60))
@given(TEXTS, st.sampled_from([1, 8, 10_000]))
def test_texts_come_back_as_they_were_put_aside(parts: list[list[str | None]], mapped_from: int):
    arrays = [pa.array(part, pa.string()) for part in parts]
    together = pa.concat_arrays([pa.array(["before"]), *arrays, pa.array(["behind"])])
    for given_ in (arrays, [together.slice(1, len(together) - 2)]):  # an array may begin in the middle of its buffers
        assert working_texts(given_, mapped_from).to_pylist() == [text or "" for part in parts for text in part]


@pytest.mark.parametrize("mapped_from", [1, 10_000])
def test_arrays_are_zeros_that_can_be_written(mapped_from: int):
    array = working_array((3, 5), np.uint64, mapped_from)
    assert not array.any()
    array[:, 2:4] = np.arange(6, dtype=np.uint64).reshape(3, 2)
    assert array.sum() == 15
    assert working_array((0,), np.uint8, mapped_from).tolist() == []


def test_a_spool_moves_to_disk_when_it_grows():
    held = {}
    for mapped_from in (16, 10**6):
        spool = Spool(mapped_from)
        for number in range(4):
            spool.write(np.arange(number, dtype=np.uint64))
        held[mapped_from] = spool.array(np.uint64).tolist()
    assert held[16] == held[10**6] == [0, 0, 1, 0, 1, 2]


@settings(max_examples=draws(60))
@given(st.lists(st.lists(st.integers(0, 9), max_size=9), max_size=4), st.sampled_from([40, 10**6]))
def test_owners_of_equal_hashes_come_together(batches: list[list[int]], mapped_from: int):
    found, owner = EqualHashes(sum(map(len, batches)), mapped_from), 0
    expected: dict[int, list[int]] = {}
    for batch in batches:
        found.add(np.array(batch, np.int64), owner + np.arange(len(batch)))
        for place, value in enumerate(batch):
            expected.setdefault(value, []).append(owner + place)
        owner += len(batch)
    parts = [list(zip(*(column.tolist() for column in part), strict=True)) for part in found.parts()]
    assert all(part == sorted(part) for part in parts)
    assert sorted(pair for part in parts for pair in part) == sorted(
        (h, o) for h, owners in expected.items() for o in owners
    )
    assert all(
        len({number for number, part in enumerate(parts) for h, _ in part if h == value}) == 1 for value in expected
    )


def test_nothing_stays_in_the_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(working_space, "process_scratch", lambda: tmp_path)
    array, texts = working_array((10,), np.uint8, 1), working_texts([pa.array(["a text"])], 1)
    array[:] = 7
    assert not list(tmp_path.iterdir())  # not even while they are used: a killed process leaves nothing either
    assert texts.to_pylist() == ["a text"]


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(working_space, "process_scratch", lambda: tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(WorkingSpaceError, match=r"0\.0 GB have to be put aside") as raised:
        working_array((10,), np.uint8, 1)
    assert "LYO_LOCAL_DIR" in str(raised.value.hint)
