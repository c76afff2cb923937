"""One training per device, across processes; a killed holder holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lyo_pipelines.training.lock import DeviceBusyError, device_lock

HOLD = """
import sys, time
from lyo_pipelines.training.lock import device_lock
with device_lock("gpu-0", "other training", wait_seconds=5, say=print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LYO_LOCK_DIR", str(tmp_path / "locks"))


def holder() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    return process


def test_the_second_training_fails_naming_the_first_ones_process():
    other = holder()
    try:
        with pytest.raises(DeviceBusyError) as error, device_lock("gpu-0", "mine", wait_seconds=0, say=print):
            pytest.fail("two trainings on one device")
        assert str(other.pid) in str(error.value)
        assert "other training" in str(error.value)
        with device_lock("gpu-1", "mine", wait_seconds=0, say=print):
            pass
    finally:
        other.kill()
        other.wait()


def test_kill_minus_nine_frees_the_device_for_the_one_that_waits():
    other = holder()
    said: list[str] = []
    threading.Timer(0.5, lambda: os.kill(other.pid, signal.SIGKILL)).start()
    started = time.monotonic()
    with device_lock("gpu-0", "mine", wait_seconds=20, say=said.append, poll_seconds=0.05):
        assert time.monotonic() - started > 0.3
    other.wait()
    assert len(said) == 1
    assert f"process {other.pid}" in said[0]


def test_the_lock_is_free_again_after_use_and_after_an_error():
    for _ in range(2):
        with pytest.raises(KeyError), device_lock("cpu", "mine", wait_seconds=0, say=print):
            raise KeyError


def test_a_device_name_is_a_safe_file_name(tmp_path):
    with device_lock("gpu/../../x", "mine", wait_seconds=0, say=print):
        assert [path.parent for path in Path(tmp_path / "locks").iterdir()] == [tmp_path / "locks"]
