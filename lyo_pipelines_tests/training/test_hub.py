"""A hub's model is taken by one commit, and that commit is what the adapter's manifest, evaluation and the next training mean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lyo_pipelines.training.base_models import find_base_model, split_revision
from lyo_pipelines.training.hub import is_same_base, pinned_name
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines_tests.training.tiny import make_dataset, make_model

OLD, NEW = "a" * 40, "b" * 40
NAME = "somebody/tiny"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of a hub that knows two commits of a model; `main` is the newer one."""
    cache = tmp_path_factory.mktemp("hub")
    repository = cache / "models--somebody--tiny"
    for commit, hidden in ((OLD, 16), (NEW, 32)):
        make_model(repository / "snapshots" / commit, "llama", hidden=hidden)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(NEW)
    return cache


def trained(folder: Path, hub: Path, base_model: str, dataset: Path) -> subprocess.CompletedProcess[str]:
    recipe = folder / "recipe.yaml"
    values = {"extends": "tiny_test", "name": "hub", "base_model": base_model, "budget": {"epochs": 1, "steps": 1}}
    recipe.write_text(yaml.safe_dump(values))
    command = [
        sys.executable, "-m", "lyo_pipelines.training.engine", "--recipe", str(recipe), "--dataset", str(dataset),
        "--output", str(folder / "adapter"), "--models", str(folder / "models"),
    ]  # fmt: skip
    environment = os.environ | {
        "HF_HUB_CACHE": str(hub),
        "HF_HUB_OFFLINE": "1",
        "LYO_LOCK_DIR": str(folder / "locks"),
        "CUDA_VISIBLE_DEVICES": "",
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_adapter_names_the_commit_it_was_trained_on_and_goes_on_meaning_it_when_main_moves(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset(tmp_path / "dataset", train=8, validation=4)
    run = trained(tmp_path, hub, NAME, dataset)
    assert run.returncode == 0, run.stdout + run.stderr
    adapter = read_adapter(tmp_path / "adapter")
    assert adapter.base_model == f"{NAME}@{NEW}"
    assert adapter.manifest.base_model.sha256
    config = json.loads((adapter.path / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (NAME, NEW)

    from huggingface_hub import constants

    from lyo_pipelines.training.engine.base import resolve

    moved = tmp_path / "moved"
    shutil.copytree(hub, moved, symlinks=True)
    (moved / "models--somebody--tiny/refs/main").write_text(OLD)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(moved))
    assert Path(resolve(adapter.base_model, tmp_path / "models")).name == NEW
    assert Path(resolve(NAME, tmp_path / "models")).name == OLD


def test_a_commit_that_cannot_be_had_is_said_with_what_to_do(hub: Path, tmp_path: Path) -> None:
    run = trained(tmp_path, hub, f"{NAME}@{'c' * 40}", make_dataset(tmp_path / "dataset", train=8, validation=4))
    assert run.returncode == 1
    assert "could not be loaded" in run.stderr + run.stdout
    assert "download somebody/tiny elsewhere" in run.stderr + run.stdout


def test_a_revision_is_part_of_a_name_and_no_part_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model@v2"
    folder.mkdir()
    assert split_revision(str(folder)) == (str(folder), None)
    assert split_revision("google/gemma-2-2b-it@main") == ("google/gemma-2-2b-it", "main")
    assert split_revision("smollm2-135m-instruct") == ("smollm2-135m-instruct", None)
    assert find_base_model(f"google/gemma-2-2b-it@{OLD}") is find_base_model("gemma-2-2b-it")
    assert pinned_name("a/b", tmp_path) == "a/b"
    assert pinned_name("a/b@main", tmp_path / "snapshots" / OLD) == f"a/b@{OLD}"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (f"{NAME}@{OLD}", NAME, True),
        (f"{NAME}@{OLD}", f"{NAME}@{NEW}", False),
        (f"google/gemma-2-2b-it@{OLD}", "gemma-2-2b-it", True),
        (NAME, "somebody/other", False),
    ],
)
def test_names_of_one_model_are_the_same_base_unless_they_say_other_commits(one: str, other: str, same: bool) -> None:
    assert is_same_base(one, other) == is_same_base(other, one) == same
