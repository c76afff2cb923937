"""A model that sees learns from pictures, and no row with one becomes tokens without it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from safetensors import safe_open

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.messages import IMAGE_MARK
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines.training.preflight import UnfitRecipeError, require_ready, require_seen
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe
from lyo_pipelines.training.recipes import Recipe
from lyo_pipelines_tests.training.test_training import finish, start
from lyo_pipelines_tests.training.tiny import make_model
from lyo_pipelines_tests.training.tiny_seeing import make_seeing_dataset, make_seeing_model


@pytest.fixture(scope="module")
def eyes(tmp_path_factory) -> Path:
    return make_seeing_model(tmp_path_factory.mktemp("model") / "seeing")


@pytest.fixture(scope="module")
def blind(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "llama", "llama")


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return Lake(str(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def dataset(lake) -> Path:
    return make_seeing_dataset(lake)


def changes(base: Path, **more) -> dict:
    return {
        "base_model": str(base), "images": "learn", "budget": {"epochs": 20, "steps": 60}, "optimizer": {"learning_rate": 0.01},
        "lora": {"r": 8, "alpha": 16, "dropout": 0.0}, "batch": {"size": 4, "accumulation": 1},
        "validation": {"interval": 20}, "checkpoints": {"interval": None}, "speed": {"threads": 1}, **more,
    }  # fmt: skip


def written(path: Path, **values) -> Path:
    path.write_text(yaml.safe_dump({"extends": "tiny_test", "name": "seeing", **values}))
    return path


def test_it_learns_what_only_the_pictures_say(tmp_path, eyes, dataset):
    output = tmp_path / "adapter"
    code, said = finish(start(written(tmp_path / "recipe.yaml", **changes(eyes)), dataset, output))
    assert code == 0, said
    manifest = read_adapter(output).manifest
    assert manifest.examples == {"train": 44, "validation": 14} and manifest.pictured == 40
    # of the 28 answer tokens of the validation 10 are colours, each red or blue: blind, nobody is below this
    blind = 10 * math.log(2) / 28
    assert manifest.metrics.eval_loss < blind / 2
    with safe_open(output / "adapter_model.safetensors", "pt") as weights:
        assert all("text_model" in name and "vision" not in name for name in weights.keys())  # noqa: SIM118


@pytest.mark.parametrize("images", ["refuse", "leave_out"])
def test_a_recipe_that_reads_text_alone_refuses_such_rows_or_leaves_them_out(tmp_path, blind, dataset, images):
    output = tmp_path / "adapter"
    recipe = written(tmp_path / "recipe.yaml", **changes(blind, images=images, budget={"epochs": 1, "steps": 2}))
    code, said = finish(start(recipe, dataset, output))
    if images == "refuse":
        assert code != 0 and "40 of 44 rows" in said and "no row is learnt without its pictures" in said
        assert not (output / "adapter_model.safetensors").exists()
    else:
        assert code == 0, said
        manifest = read_adapter(output).manifest
        assert manifest.examples == {"train": 4, "validation": 4} and not manifest.pictured
        assert manifest.left_out == {"train": {"shows a picture": 40}, "validation": {"shows a picture": 10}}


def recipe_of(base: Path, **more) -> Recipe:
    return load_recipe("tiny_test", changes(base, **more))


def test_what_does_not_fit_is_said_before_anything_is_loaded(tmp_path, eyes, blind):
    require_ready(recipe_of(eyes), tmp_path)
    with pytest.raises(UnfitRecipeError, match="reads text alone"):
        require_ready(recipe_of(blind), tmp_path)
    with pytest.raises(UnfitRecipeError, match="sees pictures"):
        require_ready(recipe_of(eyes, images="refuse"), tmp_path)
    with pytest.raises(UnfitRecipeError, match="3 rows of train, 1 rows of validation show pictures"):
        require_seen(recipe_of(blind, images="refuse"), {"train": 3, "validation": 1, "test": 0}, "tutoring.en.math")
    require_seen(recipe_of(blind, images="refuse"), {}, "tutoring.en.math")
    for more in ({"method": "full"}, {"batch": {"padding_free": True}}, {"sharding": "ddp", "devices": 2}):
        with pytest.raises(RecipeError, match="images: learn"):
            recipe_of(eyes, **more)


def test_a_picture_is_among_the_tokens_or_there_are_none(tmp_path, eyes, lake, dataset):
    import pyarrow.parquet as pq
    import torch
    import transformers

    from lyo_pipelines.training.engine.base import SeeingBaseError, load_model
    from lyo_pipelines.training.engine.chat import UnseenImageError, tokenize
    from lyo_pipelines.training.engine.data import Collator
    from lyo_pipelines.training.engine.sight import Sight

    sight = Sight(transformers.AutoProcessor.from_pretrained(str(eyes)), Path(lake.path("images")), torch.float32)
    row = pq.read_table(dataset / "train.parquet").to_pylist()[0]
    messages, files = row["messages"], row["images"]
    seen = sight.tokens(messages, files, 512)
    assert seen is not None and seen.files == tuple(files)
    assert sight.tokens(messages, files, len(seen) - 1) is None
    with pytest.raises(UnseenImageError):
        sight.tokens(messages, [], 512)
    with pytest.raises(UnseenImageError):
        sight.tokens([{"role": "user", "content": "<image> the number"}, messages[-1]], files, 512)
    with pytest.raises(DatasetError, match="cannot be read"):
        sight.tokens(messages, ["0" * 64 + ".png"], 512)
    blind = transformers.AutoTokenizer.from_pretrained(str(eyes))
    with pytest.raises(UnseenImageError):
        tokenize([messages], blind, 512)
    with pytest.raises(UnseenImageError):
        Collator(0)([{"tokens": seen, "weight": 1.0}])
    both = [{"role": "user", "content": f"{IMAGE_MARK}{IMAGE_MARK} add"}, messages[-1]]
    two = sight.tokens(both, [*files, *files], 512)
    words = sight.tokens([{"role": "user", "content": "four <image>"}, messages[-1]], [], 512)
    assert two is not None and words is not None
    batch = Collator(0, sight=sight)([{"tokens": one, "weight": 1.0} for one in (seen, words, two)])
    assert batch["pixel_values"].shape[:2] == (2, 2)  # rows with pictures, most of one row
    assert "pixel_values" not in Collator(0, sight=sight)([{"tokens": words, "weight": 1.0}])
    with pytest.raises(SeeingBaseError, match="nothing here evaluates, exports or serves it"):
        load_model(str(eyes), dtype=torch.float32)
