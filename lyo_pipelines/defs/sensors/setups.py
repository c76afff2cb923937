"""Trains on a document set that was set up over the gateway, once its documents are read."""

from datetime import timedelta

import dagster as dg

from lyo_pipelines.config.retraining import LaunchConfig
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.jobs import documents_job, retrain_job
from lyo_pipelines.defs.partitions import new_segments
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import WHY, why
from lyo_pipelines.documents.contract import FIRST, SET_TAG, SETUP_TAG
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.storage.lake import Lake

_REACH = timedelta(days=7)


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Launches a training for each segment of a document set that was set up over the gateway, when the run that reads its "
        "documents has succeeded."
    ),
)
def setups_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """One run for each segment of each setup that was read; a run key launches once."""
    records = context.instance.get_run_records(
        dg.RunsFilter(
            job_name=documents_job.name,
            tags={SETUP_TAG: FIRST},
            statuses=[dg.DagsterRunStatus.SUCCESS],
            created_after=clock.current_time() - _REACH,
        )
    )
    lake, config = store.lake(), store.load_config().retraining
    requests = [
        dg.RunRequest(
            f"{record.dagster_run.run_id}:{segment}",
            partition_key=segment,
            run_config=_config(config.for_segment(segment).launch),
            tags={SETUP_TAG: record.dagster_run.run_id, SET_TAG: name, WHY: why(f"the documents {name} were set up")},
        )
        for record in records
        if (name := record.dagster_run.tags.get(SET_TAG))
        for segment in _segments(lake, name)
    ]
    if not requests:
        return dg.SkipReason("no document set was set up in the last days")
    added = new_segments(context.instance, (str(request.partition_key) for request in requests))
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=added)


def _config(launch: LaunchConfig) -> ConfigTree:
    return {"ops": {"adapter": {"config": {"recipe": launch.recipe, "overrides": launch.overrides}}}}


def _segments(lake: Lake, name: str) -> list[str]:
    if not lake.exists(lake.documents(name)):
        return []
    return sorted(set(lake.read_table(lake.documents(name), ["segment"])["segment"].to_pylist()))
