"""Whose an output folder is: a note written before training starts, so that no folder is ever shared by two trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.dataset_version import read_manifest
from lyo_pipelines.training.plan import TrainingResult, adapter_version, require_same
from lyo_pipelines.training.recipes import PREFERENCE_METHODS, Recipe

RUN_FILE = "run.json"


def claim_output(
    output: Path, dataset_dir: Path, recipe: Recipe, start: TrainingResult | None = None
) -> dict[str, Any]:
    """Check that the folder is new or belongs to this very training, and note in it what it is. Returns that note.

    Raises OtherTrainingError, or DatasetError when dataset_dir is no dataset version.
    """
    manifest = read_manifest(dataset_dir)
    fingerprint = manifest["fingerprint"]
    note = {
        "segment": manifest["segment"],
        "version": adapter_version(fingerprint, recipe, start.version if start else ""),
        **_made_of(fingerprint, recipe, start),
        "recipe": recipe.model_dump(mode="json"),
    }
    path = output / RUN_FILE
    if path.is_file():
        require_same(output, orjson.loads(path.read_bytes())["version"], note["version"])
    output.mkdir(parents=True, exist_ok=True)
    write_whole(path, orjson.dumps(note, option=orjson.OPT_INDENT_2))
    return note


def _made_of(fingerprint: str, recipe: Recipe, start: TrainingResult | None) -> dict[str, str]:
    """The dataset version (whose test split the adapter has not seen), and what it was tuned with and from."""
    if start is None:
        return {"dataset_fingerprint": fingerprint}
    if recipe.method in PREFERENCE_METHODS:
        made = {"dataset_fingerprint": start.dataset_fingerprint, "preference_fingerprint": fingerprint}
    else:
        made = {"dataset_fingerprint": fingerprint}
    return {**made, "start_from": start.version}
