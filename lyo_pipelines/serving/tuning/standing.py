"""How a job stands: its record, its Dagster run and its adapter, read each time, as nothing of it is kept in this process."""

from __future__ import annotations

from typing import Any, Protocol

from lyo_pipelines.config.loading import Config
from lyo_pipelines.fine_tuning.jobs import HYPERPARAMETERS
from lyo_pipelines.fine_tuning.progress import progress_of
from lyo_pipelines.fine_tuning.record import FAILED, SUCCEEDED, TuningJob, end_job
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.plan import is_complete, read_adapter


class Tunings(Protocol):
    """What reaches Dagster. Every method blocks; all raise LyoError where it does not answer."""

    def run_of(self, job: str) -> Run | None:
        """The newest run that trains for a job; None while none was launched."""
        ...

    def stop(self, run_id: str) -> None:
        """Have a run end."""
        ...


def settled(lake: Lake, config: Config, tunings: Tunings, job: TuningJob, *, now: float) -> tuple[TuningJob, str]:
    """The job with its status as Dagster and the lake say now; how it ended is written down. Raises LyoError without Dagster."""
    run = None if job.ended else tunings.run_of(job.id)
    if job.ended:
        status = job.status
    elif run is None:
        found = progress_of(lake, job, config)
        if found.stage == "refused":
            job = end_job(lake, job, FAILED, now=now, error=found.says)
        status = job.status or ("queued" if found.stage == "ready" else "validating_files")
    else:
        if run.state == "failed":
            job = end_job(lake, job, FAILED, now=now, error=run.why or "the run failed")
        elif run.state == "done":
            job = _done(lake, job, run, now)
        status = job.status or ("running" if run.state == "running" else "queued")
    return job, status


def _done(lake: Lake, job: TuningJob, run: Run, now: float) -> TuningJob:
    """The job after its run has ended well. A segment that its parent serves was not trained."""
    folder = fetched(lake, lake.adapter_dir(job.segment, run.version))
    if not run.version or not is_complete(folder):
        return end_job(lake, job, FAILED, now=now, error=f"the run {run.run_id} left no adapter of {job.segment}")
    tokens = read_adapter(folder).metrics.tokens
    return end_job(lake, job, SUCCEEDED, now=now, adapter=run.version, trained_tokens=tokens)


def shape_of(job: TuningJob, status: str) -> dict[str, Any]:
    """A job as the API has it."""
    figures = {name: job.hyperparameters.get(name, "auto") for name in HYPERPARAMETERS}
    return {
        "id": job.id, "object": "fine_tuning.job", "created_at": job.created_at, "finished_at": job.finished_at, "model": job.model,
        "fine_tuned_model": job.fine_tuned_model, "organization_id": "lyo_pipelines", "result_files": [], "status": status,
        "training_file": job.file_id, "validation_file": None, "trained_tokens": job.trained_tokens, "seed": job.seed,
        "error": {"code": "failed", "message": job.error, "param": None} if job.error else None, "estimated_finish": None,
        "integrations": [], "metadata": job.metadata, "user_provided_suffix": job.suffix or None, "hyperparameters": figures,
        "method": {"type": "supervised", "supervised": {"hyperparameters": figures}},
    }  # fmt: skip
