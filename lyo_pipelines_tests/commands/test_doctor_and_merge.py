"""`lyo doctor --recipe` and `lyo merge`, as a person meets them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands.doctor_recipe import check_recipe
from lyo_pipelines.commands.merge import merge_segment
from lyo_pipelines.commands.train import train_segment
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.base_models import MissingBaseModelError
from lyo_pipelines.training.recipe_loading import RecipeError
from lyo_pipelines.training.versions import NoAdapterError, point_to
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.training.tiny import make_model


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path / "data"


def asked(name: str, *changes: str) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=200)
    well = check_recipe(console, name, changes)
    text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    return well, text


def test_the_doctor_says_device_base_model_and_memory_by_part(data):
    well, text = asked("cpu_demo")
    assert well
    for part in (
        "device: CPU",
        "there",
        "Apache-2.0",
        "weights",
        "gradients",
        "optimizer",
        "activations",
        "logits",
        "free here",
    ):
        assert part in text
    assert "4 examples (4 x 1), each up to 512 tokens" in text
    assert "134,515,008 weights, of which 4,884,480 are learnt" in text


def test_the_doctor_says_what_is_missing_and_what_to_do(data):
    well, text = asked("gemma_2_2b")
    assert not well
    for part in ("shows none", "--set device=cpu", "accept its licence", "HF_TOKEN", "activations"):
        assert part in text
    assert "free here" not in text, "a GPU that is not there has no free memory"
    well, text = asked("smollm2_full", "batch.size=4096")
    assert not well
    assert "cannot start: this training needs about" in text
    well, text = asked("dialogpt_medium", "batch.max_length=4096")
    assert "1024 positions" in text
    with pytest.raises(RecipeError, match="Did you mean"):
        asked("owner", "lora.rank=3")


def test_a_training_whose_base_model_is_gated_is_refused_before_dagster_is_started(data, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(MissingBaseModelError, match="HF_TOKEN"):
        train_segment(Console(file=io.StringIO()), "tutoring.en.math", "gemma_2_2b")


def test_the_doctor_reads_the_shape_of_a_model_in_a_folder(data, tmp_path):
    model = make_model(tmp_path / "model", "gemma2")
    well, text = asked("tiny_test", f"base_model={model}")
    assert well
    assert f"there: {model}" in text


def test_the_newest_adapter_of_a_segment_is_merged_into_the_lake(data, tmp_path):
    import transformers

    lake, segment = Lake(str(data)), "tutoring.en.math"
    source = sample_reports.tiny_base(tmp_path / "base")
    for version in ("owner-1", "owner-2"):
        sample_reports.adapter(lake.local(lake.adapter_dir(segment, version)), source, source)
    point_to(lake, segment, "owner-2")
    console = Console(file=io.StringIO(), width=200)
    folder = merge_segment(console, segment, version=None, output=None)
    assert folder == Path(lake.path("merged", segment, "owner-2"))
    assert str(folder) in console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert json.loads((folder / "base_model.json").read_text())["adapter"]["version"] == "owner-2"
    transformers.AutoModelForCausalLM.from_pretrained(folder)
    told = Console(file=io.StringIO(), width=200)
    other = merge_segment(console, segment, version="owner-1", output=tmp_path / "mine", json_to=told)
    assert (other / "model.safetensors").is_file()
    result = json.loads(told.file.getvalue())  # pyright: ignore[reportAttributeAccessIssue]
    assert (result["segment"], result["version"], result["folder"]) == (segment, "owner-1", str(other))
    assert result["bytes"] == sum(path.stat().st_size for path in other.iterdir())
    with pytest.raises(NoAdapterError, match="finished: owner-1, owner-2"):
        merge_segment(console, segment, version="owner-3", output=None)
    with pytest.raises(NoAdapterError, match=r"lyo train tutoring\.hi\.math"):
        merge_segment(console, "tutoring.hi.math", version=None, output=None)
