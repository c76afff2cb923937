"""What a caller needs around a search: its folder, its command line, whether it can run here, and its result."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from lyo_pipelines.config.search import SearchBudget, SearchConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.command import module_command
from lyo_pipelines.search.record import search_id
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.recipe_loading import write_recipe
from lyo_pipelines.training.recipes import Recipe

CONFIG, RECIPE = "search.json", "recipe.yaml"
SEARCH_TAG = "lyo/search"
"""Tag of a Dagster run: `<segment>/<dataset fingerprint>/<id>` of its search, known before its result is there."""


class MissingOptunaError(LyoError):
    """The package that proposes trials is not installed."""


def require_optuna() -> None:
    """Raise MissingOptunaError without it; it is not loaded."""
    if find_spec("optuna") is None:
        raise MissingOptunaError(
            "a search needs Optuna, which is not installed.",
            hint="Install it: `pip install -c constraints.txt 'lyo_pipelines[search]'`.",
        )


def search_dir(lake: Lake, segment: str, fingerprint: str, identity: str = "") -> str:
    """Folder of the searches on one dataset version, or of one search."""
    return lake.path("searches", segment, fingerprint, identity).rstrip("/")


def prepare_search(
    lake: Lake, segment: str, fingerprint: str, recipe: Recipe, config: SearchConfig
) -> tuple[str, Path]:
    """Make the folder that a search runs in, with what it is; (its id, the folder). The same search has the same folder."""
    identity = search_id(fingerprint, recipe, config)
    folder = lake.local(search_dir(lake, segment, fingerprint, identity))
    folder.mkdir(parents=True, exist_ok=True)
    write_recipe(recipe, folder / RECIPE)
    write_whole(folder / CONFIG, config.model_dump_json(indent=1))
    return identity, folder


def search_command(folder: Path, dataset_dir: Path, models_dir: Path, budget: SearchBudget) -> list[str]:
    """The command that searches, and goes on with a search that was stopped."""
    options: dict[str, object | None] = {
        "--search": folder,
        "--dataset": dataset_dir,
        "--models": models_dir,
        "--budget": json.dumps(budget.model_dump(exclude_none=True)),
    }
    return module_command("lyo_pipelines.search", options=options)
