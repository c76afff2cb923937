"""Jobs: the intent is on the disk first, then its examples are in the inbox, and a sensor launches what follows. Nothing trains here.

The same request is the same job, so a client that heard no answer asks again; a gateway that died in between finishes it at its start.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import PurePosixPath

import orjson

from lyo_pipelines.config.loading import Config
from lyo_pipelines.errors import LyoError
from lyo_pipelines.fine_tuning.files import checked_rows, content_of, remove_forgotten, remove_orphans
from lyo_pipelines.fine_tuning.record import (
    TuningJob,
    UploadedFile,
    content_path,
    read_files,
    read_jobs,
    record_path,
)
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.segments import SegmentKeyError, segment_key, segment_name
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.fine_tuning import TASK
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines.training.recipes import PREFERENCE_METHODS

HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")
SOURCE = "fine_tuning_api"
_FACET = 40


class JobRequestError(LyoError):
    """A job is not taken; the message says why. param: which of its fields does not fit."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


def create_job(lake: Lake, file: UploadedFile, wanted: TuningJob, config: Config, *, now: float) -> TuningJob:
    """The job of this request, as it is kept now. wanted: with what was asked for; the rest of it is filled in here.

    Raises JobRequestError, and UploadError where the file's content is gone.
    """
    asked = [file.id, wanted.model, wanted.suffix, wanted.seed, dict(sorted(wanted.hyperparameters.items()))]
    identity = f"ftjob-{_digest(orjson.dumps(asked))[:24]}"
    path = record_path(lake, "jobs", identity)
    if not lake.exists(path):
        segment = _segment(file, wanted.suffix, config)
        landed_as = f"fine-tuning-{file.id.removeprefix('file-')}-{segment.rpartition('.')[2]}.jsonl"
        job = wanted.model_copy(update={
            "id": identity, "of": file.of, "file_id": file.id, "segment": segment, "landed_as": landed_as, "rows": file.rows,
            "created_at": int(now),
        })  # fmt: skip
        require_trainable(job, config)
        if file.rows < (least := config.curation.segment_minimum_interactions):
            raise JobRequestError(f"{file.id} holds {file.rows} examples; at least {least} are needed", "training_file")
        content = _inbox_rows(lake, file, job, config)
        job = job.model_copy(update={"file_hash": _digest(content)[:32]})  # as the ledger of landed files names it
        lake.create_text(job.to_json(), path)
    return land_job(lake, TuningJob.parse(lake.read_bytes(path), path), config)


def land_job(lake: Lake, job: TuningJob, config: Config) -> TuningJob:
    """Put the job's examples into the inbox, where they are not there yet, and forget the upload's own copy. Safe to repeat."""
    target = lake.side("inbox", job.landed_as)
    staged = content_path(lake, job.file_id)
    if not lake.exists(target):
        file = next((one for one in read_files(lake) if one.id == job.file_id), None)
        if file is None or job.ended or (not lake.exists(staged) and not _other_copy(lake, job)):
            return job  # what landed may be taken out of the inbox by its owner
        lake.write_text(_inbox_rows(lake, file, job, config).decode(), target)
    if lake.exists(staged):
        lake.fs.rm(staged)
    return job


def recover_jobs(lake: Lake, config: Config, *, now: float) -> None:
    """Finish what a gateway that died has begun, and forget what nobody waits for. now: seconds since 1970."""
    remove_orphans(lake)
    remove_forgotten(lake, config.gateway.fine_tuning, now=now)
    for job in read_jobs(lake):
        land_job(lake, job, config)


def recipe_of(job: TuningJob, config: Config) -> tuple[str, ConfigTree]:
    """(recipe, overrides) of the job's training: what retraining launches for the segment, with the job's hyperparameters."""
    launch, given = config.retraining.for_segment(job.segment).launch, job.hyperparameters
    recipe = load_recipe(launch.recipe, launch.overrides)
    changes: ConfigTree = {**launch.overrides, "seed": job.seed}
    if (epochs := given.get("n_epochs")) is not None:
        changes["budget.epochs"] = epochs
    if (batch := given.get("batch_size")) is not None:
        size = next(n for n in range(min(int(batch), recipe.batch.size), 0, -1) if int(batch) % n == 0)
        changes |= {"batch.size": size, "batch.accumulation": int(batch) // size}
    if (multiplier := given.get("learning_rate_multiplier")) is not None:
        changes["optimizer.learning_rate"] = recipe.optimizer.learning_rate * multiplier
    return launch.recipe, changes


def base_model_of(config: Config, segment: str) -> str:
    """The base model that jobs are trained on, as requests name it."""
    launch = config.retraining.for_segment(segment).launch
    return PurePosixPath(load_recipe(launch.recipe, launch.overrides).base_model).name


def require_trainable(job: TuningJob, config: Config) -> None:
    """Raise JobRequestError unless the model is the one that is trained here, with figures that a recipe can have."""
    try:
        name, changes = recipe_of(job, config)
        recipe = load_recipe(name, changes)
    except LyoError as error:
        raise JobRequestError(str(error), "hyperparameters") from error
    if recipe.method in PREFERENCE_METHODS:
        raise JobRequestError(f"recipe {name} (retraining.launch) does not learn from examples", "model")
    if job.model not in {recipe.base_model, base := base_model_of(config, job.segment)}:
        raise JobRequestError(f"the model {job.model!r} is not trained here; {base} is", "model")


def _segment(file: UploadedFile, suffix: str, config: Config) -> str:
    """A segment of the file's own: its name from the suffix, and a part of the file's id."""
    name = segment_name(suffix)[:_FACET].strip("_") or "tuned"
    facet = f"{name}_{file.id.removeprefix('file-')[:8]}"
    try:
        return segment_key(TASK, file.language or config.gateway.unsaid.language, facet)
    except SegmentKeyError as error:
        raise JobRequestError(f"suffix: {error}", "suffix") from error


def _inbox_rows(lake: Lake, file: UploadedFile, job: TuningJob, config: Config) -> bytes:
    """The upload as a file of the inbox: the same rows, each saying when it came and which segment it is of."""
    task, language, facet = job.segment.split(".")
    at = datetime.fromtimestamp(file.created_at, UTC).isoformat()
    rating = config.gateway.fine_tuning.rating
    said = {"occurred_at": at, "task": task, "language": language, "subject": facet, "metadata": {"source": SOURCE}}
    if rating is not None:
        said["rating"] = rating
    rows = enumerate(checked_rows(content_of(lake, file)), 1)
    return b"".join(
        orjson.dumps({"messages": messages, "interaction_id": f"{file.id}-{facet}-{number}", **said}) + b"\n"
        for number, (messages, _) in rows
    )


def _other_copy(lake: Lake, job: TuningJob) -> bool:
    return any(one.file_id == job.file_id and lake.exists(lake.side("inbox", one.landed_as)) for one in read_jobs(lake))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
