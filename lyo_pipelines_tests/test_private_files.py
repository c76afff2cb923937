"""What this program writes is this account's alone, and what others laid in its way is not touched."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lyo_pipelines.private_files import ForeignFileError, narrow_folder, open_own_file, own_temporary_folder
from lyo_pipelines.training.lock import device_lock
from lyo_pipelines_tests.interactions.landing_lake import jsonl, lake_at, land, row


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("LYO_LOCK_DIR", raising=False)


def mode(path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_the_temporary_folder_is_ours_alone(tmp_path):
    folder = own_temporary_folder()
    assert (folder.parent, mode(folder)) == (tmp_path, 0o700)
    folder.chmod(0o777)
    assert mode(own_temporary_folder()) == 0o700


def test_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / f"lyo_pipelines-{os.geteuid()}").symlink_to(tmp_path / "foreign")
    with pytest.raises(ForeignFileError, match="not a folder of this account"):
        own_temporary_folder()


@pytest.mark.parametrize("lay", ["link", "second name", "link to nothing"])
def test_a_lock_that_leads_to_a_foreign_file_leaves_it_as_it_is(tmp_path, lay):
    foreign = tmp_path / "letter.txt"
    foreign.write_text("dear all")
    foreign.chmod(0o600)
    lock = own_temporary_folder() / "cpu.lock"
    if lay == "second name":
        os.link(foreign, lock)
    else:
        lock.symlink_to(foreign if lay == "link" else tmp_path / "nothing")
    with pytest.raises(ForeignFileError), device_lock("cpu", "mine", wait_seconds=0, say=print):
        pytest.fail("the lock was taken")
    assert (foreign.read_text(), mode(foreign)) == ("dear all", 0o600)
    assert not (tmp_path / "nothing").exists()


def test_a_lock_of_our_own_is_private_and_one_in_a_shared_folder_is_not(tmp_path, monkeypatch):
    with device_lock("cpu", "mine", wait_seconds=0, say=print):
        assert mode(own_temporary_folder() / "cpu.lock") & 0o077 == 0 or os.umask(0o022) == 0o022
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("LYO_LOCK_DIR", str(shared))
    with device_lock("cpu", "mine", wait_seconds=0, say=print):
        assert mode(shared / "cpu.lock") == 0o666


def test_a_pipe_is_no_lock(tmp_path):
    os.mkfifo(tmp_path / "cpu.lock")
    with pytest.raises(ForeignFileError, match="no file of its own"):
        open_own_file(tmp_path / "cpu.lock", 0o600)


def test_a_landing_closes_the_folders_that_it_and_people_write_to(tmp_path):
    lake = lake_at(tmp_path / "data")
    for name in ("inbox", "review", "lake"):
        (tmp_path / "data" / name).mkdir(exist_ok=True)
        (tmp_path / "data" / name).chmod(0o755)
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1)]))
    assert {name: mode(tmp_path / "data" / name) for name in ("inbox", "review", "lake")} == dict.fromkeys(
        ("inbox", "review", "lake"), 0o700
    )


def test_a_group_may_be_left_in(tmp_path):
    folder = tmp_path / "team"
    folder.mkdir()
    folder.chmod(0o775)
    narrow_folder(folder, group=True)
    assert mode(folder) == 0o770
    narrow_folder(tmp_path / "not there")


@pytest.mark.parametrize(("shared", "wanted"), [("nobody", 0o600), ("group", 0o660)])
def test_the_definitions_write_privately(tmp_path, shared, wanted):
    made = tmp_path / "made"
    code = (
        "import os; from lyo_pipelines.config.settings import Settings; from lyo_pipelines.private_files import write_privately;"
        f"write_privately(group=Settings.from_env().group_reads); os.close(os.open({str(made)!r}, os.O_CREAT, 0o666))"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "LYO_SHARED_WITH": shared}, check=True)
    assert mode(made) == wanted


def test_a_folder_that_cannot_be_narrowed_as_its_disk_is_read_only_is_left_as_it_is(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    narrow_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
