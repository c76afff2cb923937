"""What a caller needs around a training: its version, its command line, and its result once it is there.

Nothing here imports torch or knows Dagster.
"""

from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.contracts.adapter import MANIFEST, AdapterManifest, TrainingMetrics
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.command import module_command
from lyo_pipelines.training.recipes import WITHOUT_EFFECT_ON_WEIGHTS, Recipe

METRICS = "metrics.jsonl"
LOSS_PLOT = "loss.png"
ADAPTER_TAG = "lyo/adapter"
"""Tag of a Dagster run: the version of the adapter that it trains. Known before its manifest is there."""
TRAINING_VERSION = 2
"""Raised when the training code changes what is learnt from the same recipe and data."""


@dataclass(frozen=True)
class TrainingResult:
    """A finished adapter: where it is and what its manifest says."""

    path: Path
    manifest: AdapterManifest

    @property
    def segment(self) -> str:
        """The segment it was trained for."""
        return self.manifest.segment

    @property
    def version(self) -> str:
        """Its own version: the name of its folder."""
        return self.manifest.version

    @property
    def dataset_fingerprint(self) -> str:
        """The dataset version whose test split it has not seen."""
        return self.manifest.dataset_fingerprint

    @property
    def base_model(self) -> str:
        """Name or folder of its base model."""
        return self.manifest.base_model.name

    @property
    def metrics(self) -> TrainingMetrics:
        """How its training went."""
        return self.manifest.metrics


class OtherTrainingError(LyoError):
    """The output folder belongs to another recipe or dataset."""


class UnfitStartError(LyoError):
    """The adapter that training is to start from does not fit; the message says why."""


def adapter_version(fingerprint: str, recipe: Recipe, start: str = "") -> str:
    """The version of the adapter that this recipe makes of this dataset: `<recipe name>-<12 hex>`.

    start: version of the adapter that training starts from, where it does.

    Sections that change no weight (names, checkpoints, logging, cost) do not count, nor do unused ones that came later.
    """
    left_out = {*WITHOUT_EFFECT_ON_WEIGHTS, *recipe.unused_later_sections}
    values = {k: v for k, v in recipe.model_dump(mode="json").items() if k not in left_out}
    text = json.dumps([TRAINING_VERSION, fingerprint, values, *([start] if start else [])], sort_keys=True)
    return f"{recipe.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def data_fingerprint(dataset: str, ratings: str | None) -> str:
    """What a training learns from, as a fingerprint: of its dataset, and of the preference data whose ratings it learns from, too."""
    return f"{dataset}+{ratings}" if ratings else dataset


def require_same(output: Path, found: str, wanted: str) -> None:
    """Raise OtherTrainingError when the training found in a folder is not the one that is wanted there (names apart)."""
    if found.rpartition("-")[2] != wanted.rpartition("-")[2]:
        raise OtherTrainingError(
            f"{output} holds the training {found}, not {wanted}: recipe or dataset changed. "
            "Choose another --output, or remove that folder."
        )


def training_command(
    recipe_path: str | Path,
    dataset_dir: str | Path,
    output_dir: str | Path,
    models_dir: str | Path,
    *,
    start_from: str | Path | None = None,
    ratings: str | Path | None = None,
    module: str = "lyo_pipelines.training.engine",
) -> list[str]:
    """The command that trains; the same from a shell and under Dagster Pipes.

    start_from: folder of an adapter to go on with; ratings: folder of preference data whose ratings are learnt from. module: whose
    command line it is.
    """
    options: dict[str, object | None] = {
        "--recipe": recipe_path,
        "--dataset": dataset_dir,
        "--output": output_dir,
        "--models": models_dir,
        "--start-from": start_from,
        "--ratings": ratings,
    }
    return module_command(module, options=options)


def is_complete(adapter_dir: str | Path) -> bool:
    """Whether the training that writes this folder has ended: its manifest is written last. No folder has too long a name."""
    try:
        return (Path(adapter_dir) / MANIFEST).is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def read_adapter(adapter_dir: str | Path) -> TrainingResult:
    """Read a finished adapter's manifest. Raises DocumentError where there is none, or a damaged one."""
    path = Path(adapter_dir)
    return TrainingResult(path, AdapterManifest.read(path / MANIFEST))
