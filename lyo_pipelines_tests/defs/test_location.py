"""The code location loads in a fresh interpreter, quickly, without the libraries that would slow every tick."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from lyo_pipelines.config.settings import PROJECT_ROOT

HEAVY = ["torch", "transformers", "trl", "peft", "datasets", "evaluate", "matplotlib", "sklearn"]


def test_code_location_loads_without_any_heavy_library() -> None:
    code = f"import sys; from lyo_pipelines.definitions import defs; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_loading_warns_about_nothing() -> None:
    code = "import lyo_pipelines.definitions"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=True)
    assert "Warning" not in done.stderr


def test_both_ways_to_open_the_location_give_it_one_name() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    workspace = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert workspace["location_name"] == project["tool"]["dg"]["project"]["code_location_name"] == "lyo_pipelines"
    assert workspace["module_name"] == project["tool"]["dg"]["project"]["code_location_target_module"]


def test_what_dg_scaffold_writes_is_loaded(tmp_path: Path) -> None:
    shutil.copytree(
        PROJECT_ROOT / "lyo_pipelines", tmp_path / "lyo_pipelines", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PROJECT_ROOT / "pyproject.toml", tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "VIRTUAL_ENV": sys.prefix}
    scaffold = [f"{sys.prefix}/bin/dg", "scaffold", "defs", "dagster.asset", "assets/extra.py"]
    subprocess.run(scaffold, cwd=tmp_path, env=environment, check=True, capture_output=True)
    code = "from lyo_pipelines.definitions import defs; print(*(s.key.to_user_string() for s in defs.resolve_all_asset_specs()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert {"extra", "raw_interactions"} <= set(done.stdout.split())


@pytest.mark.parametrize("command", [["lint-imports"]])
def test_rooms_import_only_rooms_below_them(command: list[str]) -> None:
    done = subprocess.run(
        [f"{sys.prefix}/bin/{command[0]}"], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False
    )
    assert done.returncode == 0, done.stdout
