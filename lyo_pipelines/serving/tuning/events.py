"""What a fine-tuning job has said so far, and the model it left, in the shapes of the OpenAI API: out of the lake, newest first."""

from __future__ import annotations

from typing import Any

from lyo_pipelines.external_process.json_lines import read_json_lines
from lyo_pipelines.fine_tuning.progress import Progress
from lyo_pipelines.fine_tuning.record import SUCCEEDED, TuningJob
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.plan import METRICS, read_adapter

_NAMES = {"step": "step", "loss": "train_loss", "eval_loss": "valid_loss", "tokens": "tokens", "steps": "total_steps"}
"""Fields of metrics.jsonl -> as fine-tuning jobs call them."""


def events_of(lake: Lake, job: TuningJob, progress: Progress | None, run: Run | None) -> list[dict[str, Any]]:
    """Every event. progress: of its examples; run: that trains, None while there is none."""
    told = [_event(job, 0, "info", f"created; {job.rows:,} examples go through the inbox and curation")]
    if progress is not None:
        told.append(_event(job, 1, "error" if progress.stage == "refused" else "info", progress.says))
    version = job.adapter or (run.version if run else "")
    if run is not None:
        told.append(_event(job, 2, "info", f"run {run.run_id} in Dagster: {run.step or run.state}"))
    for row in _metrics(lake, job, version):
        values = {theirs: row[ours] for ours, theirs in _NAMES.items() if row.get(ours) is not None}
        said = ", ".join(f"{name} {value:g}" for name, value in values.items() if isinstance(value, int | float))
        told.append(_event(job, len(told), "info", f"Step {row.get('step')}: {said}", data=values))
    if job.ended:
        level = "info" if job.status == SUCCEEDED else "error" if job.error else "warn"
        told.append(
            _event(job, len(told), level, f"The job has {job.status}" + (f": {job.error}" if job.error else ""))
        )
    return told[::-1]


def checkpoints_of(lake: Lake, job: TuningJob) -> list[dict[str, Any]]:
    """The model that was kept, with its losses; [] before the end. Others of the training are not servable and not told."""
    if job.status != SUCCEEDED:
        return []
    metrics = read_adapter(fetched(lake, lake.adapter_dir(job.segment, job.adapter))).metrics
    losses = {"step": metrics.best_step, "train_loss": metrics.loss, "valid_loss": metrics.eval_loss}
    return [{
        "id": f"ftckpt-{job.id.removeprefix('ftjob-')}", "object": "fine_tuning.job.checkpoint", "created_at": job.finished_at,
        "fine_tuned_model_checkpoint": job.fine_tuned_model, "fine_tuning_job_id": job.id,
        "step_number": metrics.best_step or metrics.steps,
        "metrics": {name: value for name, value in losses.items() if value is not None},
    }]  # fmt: skip


def _metrics(lake: Lake, job: TuningJob, version: str) -> list[dict[str, Any]]:
    if not version:
        return []
    rows = read_json_lines(fetched(lake, lake.adapter_dir(job.segment, version)) / METRICS)
    return [row for row in rows if "step" in row and ("loss" in row or "eval_loss" in row)]


def _event(job: TuningJob, number: int, level: str, message: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """One event. Times of their own are not kept: they carry the job's, in order of their numbers."""
    return {
        "id": f"ftevent-{job.id.removeprefix('ftjob-')}-{number:06d}", "object": "fine_tuning.job.event",
        "created_at": job.created_at, "level": level, "message": message, "type": "metrics" if data else "message", "data": data or {},
    }  # fmt: skip
