"""Looks at the configured tables and launches the landing run when one of them holds something new.

It runs from the start: without a table it says so and costs nothing, and a table that is configured later is watched at once.
"""

import os

import dagster as dg

from lyo_pipelines.defs.jobs import land_inbox_job
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import one_run
from lyo_pipelines.interactions.tables.errors import TableError
from lyo_pipelines.interactions.tables.probe import probe_table


@dg.sensor(
    job=land_inbox_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Checks whether the configured tables have new rows, without reading them, and launches a landing run if so. "
        "Only one landing run is active at a time."
    ),
)
def tables_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Launch one landing run for all tables that hold something new; a table that cannot be looked at does not hold up the others."""
    tables, lake = store.load_config().interactions.tables, store.lake()
    if not tables:
        return dg.SkipReason("no table is configured (interactions.tables in config.yaml)")
    new, broken = {}, []
    for table in tables:
        try:
            look = probe_table(lake, table, os.environ)
        except TableError as error:
            broken.append(str(error))
            continue
        if look.newer:
            new[table.name] = look.signature
    for error in broken:
        context.log.warning(error)
    if not new:
        return dg.SkipReason("; ".join(broken) or "nothing new in the tables")
    tags, waiting = {"lyo/tables": str(len(new))}, f"new rows in {', '.join(new)}"
    return one_run(context.instance, land_inbox_job.name, "tables", *new.values(), tags=tags, waiting=waiting)
