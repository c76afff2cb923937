"""The runs of the retraining job, as retraining/ knows them: which launch and attempt each is, and how it ended."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from lyo_pipelines.defs.partitions import PARTITION
from lyo_pipelines.defs.runs import ATTEMPT, CAUSE, CAUSES, IN_FLIGHT, TRIGGER, parts_of
from lyo_pipelines.retraining.history import Launch, RunStatus

REACH = timedelta(days=90)
"""Runs older than this say nothing that a decision needs: longer than any cooldown."""


def retraining_runs(instance: dg.DagsterInstance, job_name: str, now: datetime) -> list[Launch]:
    """The job's runs of the last 90 days; those that people launched have an empty `launch`."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job_name, created_after=now - REACH))
    return [
        _launch(record.dagster_run, record.create_timestamp, _status(instance, record.dagster_run))
        for record in records
    ]


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunStatus:
    """A run that a person terminated was asked to stop; one that ended with its code server was not, and counts as failed."""
    if run.status in IN_FLIGHT:
        return "running"
    if run.status == dg.DagsterRunStatus.SUCCESS:
        return "succeeded"
    if run.status == dg.DagsterRunStatus.CANCELED:
        asked = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELING, limit=1)
        return "canceled" if asked.records else "failed"
    return "failed"


def _launch(run: dg.DagsterRun, at: datetime, status: RunStatus) -> Launch:
    return Launch(
        launch=run.tags.get(CAUSE, ""),
        attempt=int(run.tags.get(ATTEMPT, "1")),
        segment=run.tags.get(PARTITION, ""),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        status=status,
        causes=parts_of(run.tags.get(CAUSES, "")),
        kinds=tuple(kind for kind in run.tags.get(TRIGGER, "").split(",") if kind),
        run_id=run.run_id,
    )
