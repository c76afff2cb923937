"""A recipe holds the configured values, and a mistake in one is answered with the key that was meant."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
import yaml

from lyo_pipelines.training.plan import TRAINING_VERSION, adapter_version, training_command
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe, recipe_names, valid_keys, write_recipe
from lyo_pipelines.training.recipes import Recipe


def test_the_configured_values_are_the_defaults():
    recipe = load_recipe("owner")
    assert (recipe.lora.r, recipe.lora.alpha, recipe.lora.dropout) == (16, 32, 0.1)
    assert (recipe.optimizer.learning_rate, recipe.budget.epochs) == (2e-4, 3)
    assert (recipe.batch.size, recipe.batch.accumulation) == (4, 4)
    assert recipe.batch.max_length_of("tutoring") == 2048
    assert recipe.batch.max_length_of("documents") == 512


@pytest.mark.parametrize("name", recipe_names())
def test_every_packaged_recipe_is_valid_and_keeps_what_was_not_overridden(name):
    recipe = load_recipe(name, {"seed": 11})
    assert recipe.seed == 11
    assert recipe == load_recipe(name).model_copy(update={"seed": 11})
    assert recipe.lora.dropout == (0.0 if name == "cpu_demo" else 0.1), "the configured value, but in the demo"


def test_nested_and_dotted_overrides_are_merged_deeply():
    recipe = load_recipe(
        "owner", {"optimizer": {"warmup_ratio": 0.1}, "optimizer.learning_rate": 1e-4, "batch.max_length": 256}
    )
    assert (recipe.optimizer.warmup_ratio, recipe.optimizer.learning_rate, recipe.optimizer.schedule) == (
        0.1,
        1e-4,
        "linear",
    )
    assert recipe.batch.max_length_of("tutoring") == 256


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ({"lora": {"rank": 8}}, ["'lora.rank'", "'lora.r'"]),
        ({"learning_rat": 1}, ["'learning_rat'", "'optimizer.learning_rate'", "expects float"]),
        ({"batch": {"sise": 1}}, ["'batch.sise'", "'batch.size'", "expects int"]),
        ({"batch": {"size": 0}}, ["batch.size", "greater than 0", "given: 0"]),
        ({"optimizer": {"learning_rate": "fast"}}, ["optimizer.learning_rate", "valid number", "'fast'"]),
        ({"logging": {"tracking": "tensorbord"}}, ["logging.tracking", "tensorboard, mlflow, wandb, none"]),
        ({"batch": {"max_length": {"tutoring": 9, "default": "x"}}}, ["batch.max_length", "int or dict of int"]),
        ({"base_model": 7}, ["base_model", "expects str"]),
        ({"lora": 3}, ["lora"]),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_expected(override, named):
    with pytest.raises(RecipeError) as error:
        load_recipe("owner", override)
    for part in named:
        assert part in str(error.value)


def test_an_unknown_recipe_names_the_closest_one(tmp_path):
    with pytest.raises(RecipeError, match="Did you mean 'owner'"):
        load_recipe("ownr")
    broken = tmp_path / "r.yaml"
    broken.write_text("name: [")
    with pytest.raises(RecipeError, match=r"r\.yaml.*YAML"):
        load_recipe(broken)
    broken.write_text("- a list")
    with pytest.raises(RecipeError, match="found list"):
        load_recipe(broken)


def test_a_file_extends_another_and_cannot_extend_itself(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"extends": "cpu_demo", "name": "mine", "lora": {"r": 8}}))
    assert (load_recipe(mine).lora.r, load_recipe(mine).lora.alpha) == (8, 32)
    mine.write_text(yaml.safe_dump({"extends": str(mine)}))
    with pytest.raises(RecipeError, match="extends itself"):
        load_recipe(mine)


def test_a_written_recipe_reads_back_equal(tmp_path):
    recipe = load_recipe("gemma_2_2b", {"seed": 3})
    write_recipe(recipe, tmp_path / "folder" / "r.yaml")
    assert load_recipe(tmp_path / "folder" / "r.yaml") == recipe


def test_the_version_changes_with_what_changes_weights_and_only_with_that():
    recipe = load_recipe("owner")
    version = adapter_version("abc", recipe)
    assert version.startswith("owner-")
    assert version == adapter_version(
        "abc", load_recipe("owner", {"logging.interval": 5, "checkpoints.keep": 9, "cost.per_hour": 3})
    )
    assert version != adapter_version("abd", recipe)
    assert version != adapter_version("abc", load_recipe("owner", {"seed": 8}))


def test_settings_that_came_later_leave_the_versions_of_earlier_adapters_as_they_were():
    first = (
        "base_model", "method", "dtype", "device", "seed", "lora", "optimizer", "batch", "budget", "validation", "speed",
    )  # fmt: skip
    for name in ("owner", "cpu_demo", "tiny_test"):
        recipe = load_recipe(name)
        values = {key: value for key, value in recipe.model_dump(mode="json").items() if key in first}
        text = json.dumps([TRAINING_VERSION, "abc", values], sort_keys=True)
        assert adapter_version("abc", recipe) == f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    assert set(load_recipe("owner").speed.model_dump()) == {
        "loss_positions_only", "fused_lora", "attention", "gradient_checkpointing", "compile", "threads",
    }  # fmt: skip


def test_every_dotted_key_is_listed_with_its_type():
    keys = valid_keys()
    assert keys["lora.target_modules"] == "list of str or null"
    assert keys["dtype"] == "one of float32, bfloat16"
    assert set(keys) >= {"budget.tokens", "validation.patience", "speed.compile"}


def test_the_light_modules_do_not_import_torch():
    code = (
        "import sys, lyo_pipelines.training.plan, lyo_pipelines.training.recipe_loading, lyo_pipelines.training.base_models, "
        "lyo_pipelines.training.lock, lyo_pipelines.training.metrics_log, lyo_pipelines.training.checkpoints; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'peft', 'dagster')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_is_one_that_a_shell_can_run():
    command = training_command("r.yaml", "d", "o", "m")
    assert command[1:3] == ["-m", "lyo_pipelines.training.engine"]
    assert command[3:] == ["--recipe", "r.yaml", "--dataset", "d", "--output", "o", "--models", "m"]


def test_a_recipe_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Recipe(name="a", base_model="b").seed = 4  # pyright: ignore[reportAttributeAccessIssue]
