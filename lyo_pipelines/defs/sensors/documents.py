"""Finds document sets that are not up to date and launches their reading. Segments are added by segments.py, as for all examples."""

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.jobs import documents_job
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import one_run
from lyo_pipelines.documents.inputs import stale_sets
from lyo_pipelines.interactions.landing.inbox_listing import is_settling

SETTLE_SECONDS = 3.0
"""A set counts once none of its files has changed for this long: copying a folder is not atomic."""


@dg.sensor(
    job=documents_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Watches data/documents and launches a run for document sets that changed. A set is read once its files have "
        "stopped changing for a few seconds; only one run is active at a time."
    ),
)
def documents_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Launch one run for all sets whose files, configuration or rules changed."""
    lake, config = store.lake(), store.load_config()
    stale = stale_sets(lake, config.documents, config.curation)
    now = clock.current_time().timestamp()
    settled = {name: one for name, one in stale.items() if not is_settling(one.files.newest, now, SETTLE_SECONDS)}
    if len(settled) < len(stale):
        return dg.SkipReason(f"{len(stale) - len(settled)} document sets are still being copied")
    if not settled:
        return dg.SkipReason("every document set is up to date")
    found = [f"{name} {one.signature}" for name, one in settled.items()]
    tags, waiting = {"lyo/document_sets": str(len(settled))}, f"{len(settled)} document sets"
    return one_run(context.instance, documents_job.name, "documents", *found, tags=tags, waiting=waiting)
