"""The end of a training: the best checkpoint becomes the adapter, and the manifest, written last, says that it is whole."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import orjson
import safetensors

from lyo_pipelines.contracts.adapter import MANIFEST, AdapterManifest, TrainingMetrics
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.whole_files import whole_file, write_whole
from lyo_pipelines.training.base_models import split_revision
from lyo_pipelines.training.checkpoints import checkpoint_fault, step_of
from lyo_pipelines.training.divergence import diverged
from lyo_pipelines.training.engine.loss_curve import draw_loss_curve
from lyo_pipelines.training.engine.whole_model import publish_model
from lyo_pipelines.training.hub import pinned_name
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import LOSS_PLOT, METRICS
from lyo_pipelines.training.recipes import Recipe

ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json")
LIBRARIES = ("torch", "transformers", "peft", "accelerate", "safetensors", "numpy")


class DamagedCheckpointError(LyoError):
    """What was learnt cannot be read back; the message says what to do."""


class TrainerState(TypedDict):
    """What is read of the Trainer's own file; an entry of `log_history` has the names that the Trainer gave it."""

    global_step: int
    best_global_step: NotRequired[int | None]
    log_history: list[dict[str, float]]


def checkpoint_state(checkpoint: Path) -> TrainerState:
    """The Trainer's state inside a checkpoint: step, best step, history."""
    return json.loads(
        (checkpoint / "trainer_state.json").read_bytes()
    )  # the Trainer writes NaN, which is no strict JSON


def publish_adapter(output: Path, last: Path, recipe: Recipe, tokenizer: Any) -> tuple[TrainingMetrics, list[str]]:
    """Copy what was learnt, as of the best checkpoint (else of the last one), to the output folder.

    Returns losses and steps, and the names of the files: a PEFT adapter, or for method `full` a whole model with its tokenizer.
    """
    state = checkpoint_state(last)
    best_step = state.get("best_global_step") or step_of(last)
    best = last.parent / f"checkpoint-{best_step}"
    if (wrong := checkpoint_fault(best)) is not None:
        raise DamagedCheckpointError(
            f"the best checkpoint {best} cannot be published: {wrong}. Remove {output} and train again, or restore it."
        )
    _require_numbers(best, recipe, state)
    files = (
        publish_model(output, best, recipe, tokenizer)
        if recipe.method == "full"
        else _publish_adapter(output, best, recipe)
    )
    return _outcome(output, state, best_step), files


def _require_numbers(best: Path, recipe: Recipe, state: TrainerState) -> None:
    """The last step may break the weights without a loss that would show it. Raises DivergedError."""
    step = state["global_step"]
    for path in sorted(best.glob("*.safetensors")):
        with safetensors.safe_open(path, framework="pt") as weights:
            if not all(bool(weights.get_tensor(name).isfinite().all()) for name in weights.keys()):  # noqa: SIM118
                raise diverged(recipe, "weights", math.nan, step=step_of(best), steps=step, before=step_of(best) - 1)


def _publish_adapter(output: Path, best: Path, recipe: Recipe) -> list[str]:
    for name in ADAPTER_FILES:
        with whole_file(output / name) as temporary:
            shutil.copyfile(best / name, temporary)
            if name == "adapter_config.json":
                # a name that means the same on every machine instead of a path on this one, and the hub's commit in it
                config = orjson.loads(temporary.read_bytes())
                pinned = pinned_name(recipe.base_model, Path(config["base_model_name_or_path"] or ""))
                config["base_model_name_or_path"], config["revision"] = split_revision(pinned)
                temporary.write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    return list(ADAPTER_FILES)


def _outcome(output: Path, state: TrainerState, best_step: int) -> TrainingMetrics:
    validations = [entry["eval_loss"] for entry in state["log_history"] if "eval_loss" in entry]
    rows = reversed(read_metrics(output / METRICS))
    losses = [entry["loss"] for entry in state["log_history"] if "loss" in entry]
    return TrainingMetrics(
        steps=state["global_step"],
        best_step=best_step,
        loss=losses[-1] if losses else None,
        eval_loss=min(validations) if validations else None,
        first_eval_loss=validations[0] if validations else None,
        validations=len(validations),
        tokens_per_second=next((r["tokens_per_second"] for r in rows if r.get("tokens_per_second")), None),
    )


def write_manifest(output: Path, manifest: AdapterManifest, published: list[str]) -> None:
    """Draw the loss curve, hash every file that was published and write adapter_manifest.json, flushed to the disk, by rename."""
    draw_loss_curve(
        read_metrics(output / METRICS),
        output / LOSS_PLOT,
        title=f"{manifest.segment}: {manifest.version}",
        best_step=manifest.metrics.best_step,
    )
    files = [*published, METRICS, LOSS_PLOT]
    whole = manifest.model_copy(
        update={
            "libraries": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
            "files": {name: _flushed_hash(output / name) for name in files},
        }
    )
    write_whole(output / MANIFEST, whole.to_json())


def _flushed_hash(path: Path) -> str:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        return hashlib.file_digest(handle, "sha256").hexdigest()
