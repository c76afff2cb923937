"""Before anything starts: what a training needs and whether it is there, and what a person is told where it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.training import preflight
from lyo_pipelines.training.base_models import BASE_MODELS, MissingBaseModelError
from lyo_pipelines.training.dimensions import REGISTERED, dimensions_of, dimensions_of_config
from lyo_pipelines.training.memory import (
    LargestBatch,
    MemoryEstimate,
    TooLittleMemoryError,
    estimate_memory,
    free_bytes,
    largest_batch,
    require_memory,
)
from lyo_pipelines.training.preflight import MissingPackageError, UnfitRecipeError, base_state, require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, recipe_names
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.training.tiny import make_model

GEMMA = REGISTERED["gemma-2-2b-it"]


@pytest.mark.parametrize("model", BASE_MODELS, ids=lambda model: model.name)
def test_the_table_of_shapes_holds_exactly_the_weights_of_each_registered_model(model):
    assert REGISTERED[model.name].parameters == model.parameters


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2", "gpt2", "t5"])
def test_a_shape_read_from_a_config_counts_the_weights_of_the_real_model(tmp_path, family):
    import peft
    import transformers

    from lyo_pipelines.training.engine.lora import add_lora
    from lyo_pipelines.training.recipes import Lora

    folder = make_model(tmp_path, family)
    dimensions = dimensions_of("anything", folder)
    assert dimensions is not None
    kind = transformers.AutoModelForSeq2SeqLM if family == "t5" else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder)
    assert dimensions.parameters == sum(p.numel() for p in model.parameters())
    adapted = add_lora(model, Lora(r=4), 0)
    assert isinstance(adapted, peft.PeftModel)
    assert dimensions.lora(4) == sum(p.numel() for p in adapted.parameters() if p.requires_grad)


def test_an_architecture_that_is_not_known_has_no_estimate():
    assert dimensions_of_config({"model_type": "mamba"}) is None
    assert dimensions_of("nobody/nothing", None) is None


@given(
    st.sampled_from(recipe_names()), st.sampled_from(sorted(REGISTERED)), st.integers(1, 8), st.integers(64, 1024),
    st.sampled_from(["cpu", "cuda"]),
)  # fmt: skip
@settings(max_examples=draws(60))
def test_more_tokens_never_need_less_and_the_parts_are_all_there_is(name, model, size, width, device):
    recipe = load_recipe(name)
    dimensions = REGISTERED[model]
    small, large = (
        estimate_memory(dimensions, recipe, LargestBatch(n * width, n * width // 2, width, width), device)
        for n in (size, size + 1)
    )
    assert small.total < large.total
    assert small.total == sum(small.parts.values())
    assert all(value >= 0 for value in small.parts.values())


def test_four_bits_full_training_and_checkpointing_move_the_parts_that_they_are_about():
    def of(**changes):
        recipe = load_recipe("owner", {"batch.max_length": 1024, **changes})
        return estimate_memory(GEMMA, recipe, largest_batch(recipe, "tutoring"), "cuda").parts

    lora = of()
    assert lora["weights"] == GEMMA.parameters * 2
    assert of(method="qlora")["weights"] < 0.5 * lora["weights"]
    full = of(method="full", dtype="float32")
    assert full["weights"] + full["gradients"] + full["optimizer"] == GEMMA.parameters * 16
    assert of(**{"speed.gradient_checkpointing": True})["activations"] < 0.2 * lora["activations"]
    assert of(**{"speed.loss_positions_only": False})["logits"] > 1.4 * lora["logits"]


def test_split_over_gpus_each_holds_its_part_and_on_a_cpu_the_processes_share_the_memory():
    def of(sharding, processes, device="cuda"):
        recipe = load_recipe("owner", {"sharding": sharding})
        return estimate_memory(GEMMA, recipe, largest_batch(recipe, "tutoring"), device, processes=processes).parts

    alone, ddp, fsdp = of("none", 1), of("ddp", 4), of("fsdp", 4)
    assert ddp == alone
    assert alone["weights"] / 4 < fsdp["weights"] < alone["weights"] / 3, "a quarter, and one block whole"
    assert fsdp["optimizer"] == round(alone["optimizer"] / 4)
    assert fsdp["activations"] == alone["activations"]
    assert sum(of("ddp", 2, "cpu").values()) == pytest.approx(2 * sum(of("none", 1, "cpu").values()))


def test_a_training_far_beyond_what_is_free_does_not_start_and_the_recipe_may_allow_it():
    needed = MemoryEstimate({"weights": 5 * 10**9, "activations": 10**10})
    recipe = load_recipe("owner", {"batch.size": 4})
    require_memory(needed, recipe, "cpu", lambda _: 12 * 10**9)
    with pytest.raises(TooLittleMemoryError) as error:
        require_memory(needed, recipe, "cpu", lambda _: 11 * 10**9)
    for part in (
        "15.0 GB",
        "weights 5.00",
        "11.0 GB",
        "batch.size",
        "gradient_checkpointing",
        "method=qlora",
        "refuse_above",
    ):
        assert part in str(error.value)
    require_memory(needed, load_recipe("owner", {"memory.refuse_above": None}), "cpu", lambda _: 0)


def test_the_process_refuses_before_it_loads_the_model(tmp_path):
    from lyo_pipelines_tests.training.tiny import make_dataset

    dataset, model = make_dataset(tmp_path / "dataset"), make_model(tmp_path / "model")
    command = [
        sys.executable, "-m", "lyo_pipelines.training.engine", "--recipe", "tiny_test", "--dataset", str(dataset),
        "--output", str(tmp_path / "out"), "--models", str(tmp_path), "--set", f"base_model={model}",
        "--set", "memory.refuse_above=0.000001",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "this training needs about" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_what_is_free_is_measured():
    assert 10**8 < free_bytes("cpu") < 10**14


def test_a_gated_model_without_a_token_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "has_token", lambda: False)
    monkeypatch.setattr(preflight, "_cached", lambda _hub_id, _revision: None)
    state = base_state("google/gemma-2-2b-it", tmp_path)
    assert (state.state, state.there) == ("gated", False)
    with pytest.raises(MissingBaseModelError, match=r"accept its licence on the hub page.*HF_TOKEN"):
        require_ready(load_recipe("gemma_2_2b"), tmp_path)
    monkeypatch.setattr(preflight, "has_token", lambda: True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert base_state("google/gemma-2-2b-it", tmp_path).state == "hub"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingBaseModelError, match="HF_HUB_OFFLINE"):
        require_ready(load_recipe("mistral_7b"), tmp_path)


def test_a_model_in_a_folder_needs_no_token_and_no_hub(tmp_path):
    make_model(tmp_path / "gemma-2-2b-it", "gemma2")
    state = base_state("google/gemma-2-2b-it", tmp_path)
    assert (state.state, state.folder) == ("folder", tmp_path / "gemma-2-2b-it")
    assert base_state(str(tmp_path / "gemma-2-2b-it"), Path("/nowhere")).there
    assert base_state("typo", tmp_path).state == "missing"
    assert base_state("smollm2-135m-instruct", tmp_path).state == "embedded"


def test_a_missing_package_is_named_before_anything_starts(tmp_path, monkeypatch):
    recipe = load_recipe("owner", {"method": "qlora"})
    require_ready(recipe, tmp_path)
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="bitsandbytes"):
        require_ready(recipe, tmp_path)


def test_rows_longer_than_the_model_knows_are_refused_with_the_length_that_fits(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with pytest.raises(UnfitRecipeError, match=r"1024 positions.*batch\.max_length=1024"):
        require_ready(load_recipe("dialogpt_medium", {"batch.max_length": 2048}), tmp_path)
    with pytest.raises(UnfitRecipeError, match="padding_free=false"):
        require_ready(load_recipe("flan_t5_base", {"batch.padding_free": True}), tmp_path)


@pytest.mark.parametrize("name", recipe_names())
def test_every_packaged_recipe_fits_its_base_model(name):
    recipe = load_recipe(name)
    dimensions = dimensions_of(recipe.base_model, None)
    if recipe.device == "cuda":
        assert dimensions is not None
        needed = estimate_memory(dimensions, recipe, largest_batch(recipe, "tutoring"), "cuda")
        assert needed.total < (16e9 if recipe.method == "qlora" else 141e9), "the card that its file names"
    assert preflight.unfit_recipe(recipe, dimensions) is None
