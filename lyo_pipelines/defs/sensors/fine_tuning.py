"""Trains for the fine-tuning jobs that the gateway was asked for, once curation has looked at their examples."""

from datetime import timedelta

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.jobs import retrain_job
from lyo_pipelines.defs.partitions import new_segments
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import WHY, why
from lyo_pipelines.fine_tuning.jobs import recipe_of
from lyo_pipelines.fine_tuning.progress import progress_of
from lyo_pipelines.fine_tuning.record import CANCELLED, JOB_TAG, TuningJob, read_jobs

_REACH = timedelta(days=1)
_GOING_ON = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Launches one training for each fine-tuning job that the gateway was asked for (/v1/fine_tuning/jobs), when its examples "
        "have landed and the day they came in is curated. Off unless gateway.fine_tuning.enabled is true."
    ),
)
def fine_tuning_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """One run for each job; a run key launches once. A cancelled job's run is stopped, whoever died before doing so."""
    config = store.load_config()
    if not config.gateway.fine_tuning.enabled:
        return dg.SkipReason("fine-tuning over the gateway is off (gateway.fine_tuning.enabled)")
    lake = store.lake()
    jobs = read_jobs(lake)
    for job in jobs:
        if job.status == CANCELLED and _ended_lately(job):
            _stop(context, job.id)
    open_jobs = {job.id: job for job in jobs if not job.ended}
    launched = set((context.cursor or "").split()) & open_jobs.keys()
    waiting = [job for key, job in open_jobs.items() if key not in launched]
    ready = [job for job in waiting if progress_of(lake, job, config).stage == "ready"]
    if not ready:
        return dg.SkipReason(f"{len(waiting)} jobs wait for their examples" if waiting else "no job waits")
    requests: list[dg.RunRequest] = []
    for job in ready:
        recipe, overrides = recipe_of(job, config)
        requests.append(
            dg.RunRequest(
                f"fine-tuning:{job.id}",
                partition_key=job.segment,
                run_config={"ops": {"adapter": {"config": {"recipe": recipe, "overrides": overrides}}}},
                tags={JOB_TAG: job.id, WHY: why(f"the gateway was asked to fine-tune on {job.file_id}")},
            )
        )
    added = new_segments(context.instance, (job.segment for job in ready))
    cursor = " ".join(sorted(launched | {job.id for job in ready}))
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=added, cursor=cursor)


def _ended_lately(job: TuningJob) -> bool:
    return clock.current_time().timestamp() - (job.finished_at or 0) < _REACH.total_seconds()


def _stop(context: dg.SensorEvaluationContext, job_id: str) -> None:
    """End a run of a job that was cancelled while it was launched, or by a gateway that died before it had it ended."""
    instance = context.instance
    for run in instance.get_runs(dg.RunsFilter(tags={JOB_TAG: job_id}, statuses=_GOING_ON)):
        try:
            instance.run_coordinator.cancel_run(run.run_id)
        except Exception as error:  # one run that cannot be ended keeps no other job waiting; the next tick tries again
            context.log.warning(f"run {run.run_id} of the cancelled {job_id} was not ended: {error}")
