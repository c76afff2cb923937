"""Our processes are started with this Python, from the project's folder, and each says how its threads wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lyo_pipelines.external_process.command import module_command, run_command
from lyo_pipelines.external_process.environment import NO_SPIN, SHORT_SPIN, prepare_environment


def test_options_without_a_value_are_left_out():
    command = module_command("json.tool", "in.json", options={"--indent": 2, "--sort-keys": None, "--empty": ""})
    assert command == [sys.executable, "-m", "json.tool", "in.json", "--indent", "2", "--empty", ""]


def test_a_folder_that_the_caller_stands_in_does_not_hide_our_packages(tmp_path, monkeypatch):
    (tmp_path / "lyo_pipelines").mkdir()
    (tmp_path / "lyo_pipelines" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    monkeypatch.chdir(tmp_path)
    command = module_command("lyo_pipelines.training.engine", "--help")
    assert run_command(command).returncode == 0
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    there = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "the wrong package" in there.stderr, "the case would show nothing"


def test_a_command_that_takes_too_long_is_ended():
    with pytest.raises(subprocess.TimeoutExpired):
        run_command([sys.executable, "-c", "import time; time.sleep(60)"], timeout_seconds=0.2)


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ({}, SHORT_SPIN, {"GOMP_SPINCOUNT": "20000"}),
        ({}, NO_SPIN, {"OMP_WAIT_POLICY": "PASSIVE"}),
        ({"GOMP_SPINCOUNT": "7"}, NO_SPIN, {"GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, SHORT_SPIN, {"OMP_WAIT_POLICY": "ACTIVE"}),
    ],
)
def test_threads_wait_as_the_process_says_unless_somebody_chose_otherwise(monkeypatch, theirs, ours, expected):
    kept = {name: value for name, value in os.environ.items() if name not in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}}
    monkeypatch.setattr(os, "environ", kept | theirs)
    prepare_environment(offline=False, waiting=ours)
    assert {k: v for k, v in os.environ.items() if k in {*SHORT_SPIN, *NO_SPIN}} == expected
    assert "HF_HUB_OFFLINE" not in set(os.environ) - set(kept)
    prepare_environment(offline=True)
    assert os.environ["HF_HUB_OFFLINE"] == kept.get("HF_HUB_OFFLINE", "1")


def test_no_torch_is_loaded_before_the_environment_is_prepared():
    for engine in ("training", "evaluation"):
        code = f"import sys, lyo_pipelines.{engine}.engine.__main__; sys.exit('torch' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0, engine
