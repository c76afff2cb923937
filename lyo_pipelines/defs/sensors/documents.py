"""Finds document sets that are not up to date and launches their reading. Segments are added by segments.py, as for all examples."""

from datetime import UTC, datetime

import dagster as dg

from lyo_pipelines.defs.jobs import documents_job
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.runs import CAUSE, cause_hash, job_in_flight, next_attempt
from lyo_pipelines.documents.inputs import stale_sets

SETTLE_SECONDS = 3.0
"""A set counts once none of its files has changed for this long: copying a folder is not atomic."""


@dg.sensor(
    job=documents_job,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches data/documents; a set counts once it has not changed for a moment. One reading run at a time.",
)
def documents_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Launch one run for all sets whose files, figures or rules changed."""
    lake, figures = store.lake(), store.figures()
    stale = stale_sets(lake, figures.documents, figures.curation)
    now = datetime.now(UTC).timestamp()
    settled = {name: one for name, one in stale.items() if now - one.files.newest >= SETTLE_SECONDS}
    if len(settled) < len(stale):
        return dg.SkipReason(f"{len(stale) - len(settled)} document sets are still being copied")
    if not settled:
        return dg.SkipReason("every document set is up to date")
    if job_in_flight(context.instance, documents_job.name):
        return dg.SkipReason(f"{len(settled)} document sets wait for the run in flight")
    cause = cause_hash("documents", *(f"{name} {one.signature}" for name, one in settled.items()))
    attempt = next_attempt(context.instance, cause)
    if attempt.run_key is None:
        return dg.SkipReason(attempt.reason)
    tags = {CAUSE: cause, "lyo/document_sets": str(len(settled))}
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=attempt.run_key, tags=tags)])
