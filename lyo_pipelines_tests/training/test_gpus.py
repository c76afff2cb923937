"""Trainings side by side: each takes GPUs that are free, under the GPUs' own ids, whatever CUDA_VISIBLE_DEVICES numbers them."""

from __future__ import annotations

import os

import pytest

from lyo_pipelines.training import gpus
from lyo_pipelines.training.gpus import listed_gpus, lock_name, show_only, visible_gpus
from lyo_pipelines.training.lock import DeviceBusyError, NoDeviceError, device_locks, share_lock

LISTING = """GPU 0: NVIDIA H200 (UUID: GPU-aaaa-1)
GPU 1: NVIDIA H200 (UUID: GPU-bbbb-2)
  MIG 1g.18gb     Device  0: (UUID: MIG-cccc-3)
GPU 2: NVIDIA H200 (UUID: GPU-dddd-4)
"""
ALL = ["GPU-aaaa-1", "GPU-bbbb-2", "MIG-cccc-3", "GPU-dddd-4"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LYO_LOCK_DIR", str(tmp_path / "locks"))


def test_gpus_are_read_from_nvidia_smi_and_there_are_none_without_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert listed_gpus() == []
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{LISTING}END\n")
    program.chmod(0o755)
    assert listed_gpus() == ALL


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, ["GPU-aaaa-1", "GPU-bbbb-2", "GPU-dddd-4"]),
        ("2,0", ["GPU-dddd-4", "GPU-aaaa-1"]),
        ("GPU-bb", ["GPU-bbbb-2"]),
        ("MIG-cccc-3", ["MIG-cccc-3"]),
        ("1,-1,0", ["GPU-bbbb-2"]),
        ("0,7,1", ["GPU-aaaa-1"]),
        ("", []),
    ],
)
def test_what_a_process_may_see_is_what_cuda_would_show_it(visible, found):
    assert visible_gpus(ALL, visible) == found


def test_trainings_side_by_side_take_other_gpus_and_see_only_their_own(monkeypatch):
    names = [lock_name(gpu) for gpu in visible_gpus(ALL, None)]
    quick = {"wait_seconds": 0, "say": print}
    with device_locks(names, 1, "first", **quick) as first, device_locks(names, 2, "second", **quick) as second:
        assert (first, second) == (names[:1], names[1:])
        monkeypatch.setenv(gpus.VISIBLE, "0,1,2")
        show_only(second)
        assert os.environ[gpus.VISIBLE] == "GPU-bbbb-2,GPU-dddd-4"
        with (
            pytest.raises(DeviceBusyError, match=r"gpu-aaaa-1 is busy: process \d+ \(first"),
            device_locks(names, 1, "third", **quick),
        ):
            pytest.fail("three trainings on one GPU")
    with device_locks(names, 1, "first", **quick) as first:
        with pytest.raises(DeviceBusyError), device_locks(names, 3, "all", **quick):
            pytest.fail("all GPUs, one of which another trains on")
        with device_locks(names, 2, "second", **quick):
            pass  # who could not have all of them held none


def test_a_device_is_busy_until_the_last_of_its_processes_is_gone():
    def busy() -> bool:
        try:
            with device_locks(["gpu-a"], 1, "next", wait_seconds=0, say=print):
                return False
        except DeviceBusyError:
            return True

    started = device_locks(["gpu-a"], 1, "mine", wait_seconds=0, say=print, together=True)
    with share_lock("gpu-a"):
        assert busy(), "a process of it is still there"
    with started, share_lock("gpu-a"):
        assert busy()
    assert not busy()


def test_more_devices_than_there_are_is_said_with_how_many_there_are():
    with (
        pytest.raises(NoDeviceError, match="--set devices=2"),
        device_locks(["gpu-a", "gpu-b"], 4, "mine", wait_seconds=0, say=print),
    ):
        pytest.fail("devices that are not there")
