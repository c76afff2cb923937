"""Finds new files in the inbox and launches their landing."""

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.jobs import land_inbox_job
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import one_run
from lyo_pipelines.defs.sensors.landings import landing_events
from lyo_pipelines.interactions.landing.inbox import scan_inbox

SETTLE_SECONDS = 3.0
"""A file counts once it has not changed for this long: copying into the inbox is not atomic."""


@dg.sensor(
    job=land_inbox_job,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Watches the inbox and launches a run for new files. A file is read once it has stopped changing for a few "
        "seconds; only one landing run is active at a time."
    ),
)
def inbox_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Launch one landing run for all files that are new, and tell of those that landed without one."""
    events, cursor = landing_events(store.lake(), context.cursor)
    found = _landing(context, store)
    if not events and cursor == (context.cursor or ""):
        return found
    if isinstance(found, dg.SkipReason):
        return dg.SensorResult(skip_reason=found, asset_events=events, cursor=cursor)
    return dg.SensorResult(run_requests=found.run_requests, asset_events=events, cursor=cursor)


def _landing(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    files = scan_inbox(
        store.lake(), store.load_config().interactions, settle_seconds=SETTLE_SECONDS, now=clock.current_time()
    )
    if not files:
        return dg.SkipReason("nothing new in the inbox")
    found = sorted(f"{file.name} {file.token}" for file in files)
    tags, waiting = {"lyo/files": str(len(files))}, f"{len(files)} new file{'s' if len(files) > 1 else ''} in the inbox"
    return one_run(context.instance, land_inbox_job.name, "inbox", *found, tags=tags, waiting=waiting)
