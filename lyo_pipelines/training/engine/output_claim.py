"""Whose an output folder is: a note written before training starts, so that no folder is ever shared by two trainings."""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.contracts.adapter import NOTE, TrainingNote
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.plan import TrainingResult, adapter_version, data_fingerprint, require_same
from lyo_pipelines.training.recipes import PREFERENCE_METHODS, Recipe


def claim_output(
    output: Path,
    dataset_dir: Path,
    recipe: Recipe,
    start: TrainingResult | None = None,
    ratings: str | None = None,
) -> TrainingNote:
    """Check that the folder is new or belongs to this very training, and note in it what it is. Returns that note.

    ratings: fingerprint of the preference data whose ratings it learns from, beside the dataset.

    Raises OtherTrainingError, or DocumentError when dataset_dir is no dataset version or the note is damaged.
    """
    manifest = DataManifest.read(dataset_dir / MANIFEST)
    manifest.require_files(dataset_dir)
    tuned = start is not None and recipe.method in PREFERENCE_METHODS
    note = TrainingNote(
        segment=manifest.segment,
        version=adapter_version(
            data_fingerprint(manifest.fingerprint, ratings), recipe, start.version if start else ""
        ),
        dataset_fingerprint=start.dataset_fingerprint if start and tuned else manifest.fingerprint,
        preference_fingerprint=manifest.fingerprint if tuned else ratings,
        start_from=start.version if start else None,
        recipe=recipe.model_dump(mode="json"),
        tainted=manifest.tainted,
    )
    path = output / NOTE
    if path.is_file():
        require_same(output, TrainingNote.read(path).version, note.version)
    output.mkdir(parents=True, exist_ok=True)
    write_whole(path, note.to_json().encode())
    return note
