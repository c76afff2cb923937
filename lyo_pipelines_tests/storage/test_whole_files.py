"""Files that appear whole: by a rename, but where there is no file to replace."""

from __future__ import annotations

import os
import stat

import pytest

from lyo_pipelines.storage.whole_files import whole_file, write_whole


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = tmp_path / "model.json"
    write_whole(path, "first")
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "first"
    write_whole(path, b"second")
    assert path.read_text() == "second"
    assert [found.name for found in tmp_path.iterdir()] == ["model.json"]


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(path, "to whoever reads")
        assert os.read(reader, 100) == b"to whoever reads"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert [found.name for found in tmp_path.iterdir()] == ["pipe"]
