"""A lake with a small dataset version of plain English, and the figures of a small audit."""

from __future__ import annotations

import random
from pathlib import Path

from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.versions import Version
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines.training.recipes import Recipe
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, example, lake_with

_TEXT = (
    "add answer apple area bag because begin better book both bottle bread bridge build carry chair circle city "
    "clean clear cloud corner count cover cross divide double draw early earth equal every factor field find first "
    "flower follow fraction friend garden glass green ground group half hand happy house hundred inside large later "
    "learn letter light line little look market measure metre middle money morning mother mountain multiply number "
    "often orange paper part people picture plane plant point problem quarter question quick rain reach ready "
    "remain result river road round school second seven share short simple square station step stone story straight "
    "street subtract sugar table teacher think third thousand together train triangle turn under village wall watch "
    "water week weight white window winter wood world write year yellow zero "
)
WORDS = _TEXT.split()


def sentence(rng: random.Random, length: int) -> str:
    """Words in no order, as a sentence."""
    text = " ".join(rng.sample(WORDS, length))
    return text[0].upper() + text[1:]


def world(folder: Path, rows: int = 60) -> tuple[Lake, Version]:
    """A lake with a finished dataset version of so many rows."""
    rng = random.Random(5)
    made = [
        example(
            n, question=f"{sentence(rng, 9)}, what is {n} plus {rng.randint(2, 90)}?", answer=f"{sentence(rng, 12)}."
        )
        for n in range(rows)
    ]
    lake = lake_with(folder, made)
    return lake, build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)


def figures(**changes: object) -> Config:
    """The packaged configuration with these figures of audits."""
    config = load_config()
    small = {"canaries": 8, "repetitions": (1, 8), **changes}
    return config.model_copy(update={"privacy": config.privacy.model_copy(update=small), "curation": CURATION})


def overtrained(base_model: Path, *, steps: int) -> Recipe:
    """A recipe that learns its few rows by heart."""
    changes = {
        "base_model": str(base_model), "dtype": "float32", "device": "cpu", "method": "full",
        "optimizer": {"learning_rate": 3e-3, "schedule": "constant"},
        "batch": {"size": 16, "accumulation": 1, "max_length": 128},
        "budget": {"epochs": 100, "steps": steps}, "validation": {"interval": steps, "patience": None},
        "checkpoints": {"interval": None, "keep": 1}, "logging": {"tracking": "none"},
    }  # fmt: skip
    return load_recipe("owner", changes)
