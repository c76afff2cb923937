"""Puts the definitions together; tests and commands swap parts (`build_defs(resources={"store": Store(data_dir=…)})`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lyo_pipelines.defs.assets.curation import filtered_examples
from lyo_pipelines.defs.assets.dataset import dataset_splits
from lyo_pipelines.defs.assets.documents import document_chunks, documents
from lyo_pipelines.defs.assets.evaluation import eval_report
from lyo_pipelines.defs.assets.interactions import inbox, landed_files, raw_interactions, tables
from lyo_pipelines.defs.assets.monitoring import retraining_signals, segment_health
from lyo_pipelines.defs.assets.preferences import preference_adapter, preference_data
from lyo_pipelines.defs.assets.release import release
from lyo_pipelines.defs.assets.training import adapter
from lyo_pipelines.defs.checks.adapter import adapter_checks
from lyo_pipelines.defs.checks.dataset import dataset_checks
from lyo_pipelines.defs.checks.evaluation import evaluation_checks
from lyo_pipelines.defs.checks.preferences import preference_checks
from lyo_pipelines.defs.checks.release import release_checks
from lyo_pipelines.defs.jobs import daily_job, documents_job, land_inbox_job, prefer_job, release_job, retrain_job
from lyo_pipelines.defs.resources import Store, pipes_client
from lyo_pipelines.defs.sensors.alerts import alerts_sensor
from lyo_pipelines.defs.sensors.days import stale_days_sensor
from lyo_pipelines.defs.sensors.documents import documents_sensor
from lyo_pipelines.defs.sensors.inbox import inbox_sensor
from lyo_pipelines.defs.sensors.rollout import rollout_sensor
from lyo_pipelines.defs.sensors.segments import segments_sensor
from lyo_pipelines.defs.sensors.tables import tables_sensor
from lyo_pipelines.defs.sensors.triggers import trigger_sensors
from lyo_pipelines.defs.step_up import step_up_job


def build_defs(*, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return fresh Definitions; `resources` replaces single resources by name."""
    return dg.Definitions(
        assets=[
            inbox,
            tables,
            landed_files,
            raw_interactions,
            filtered_examples,
            documents,
            document_chunks,
            segment_health,
            retraining_signals,
            dataset_splits,
            adapter,
            preference_data,
            preference_adapter,
            eval_report,
            release,
        ],
        asset_checks=[*dataset_checks, *adapter_checks, *preference_checks, *evaluation_checks, *release_checks],
        jobs=[land_inbox_job, documents_job, daily_job, retrain_job, prefer_job, release_job, step_up_job],
        sensors=[
            inbox_sensor,
            tables_sensor,
            documents_sensor,
            stale_days_sensor,
            segments_sensor,
            *trigger_sensors,
            rollout_sensor,
            alerts_sensor,
        ],
        resources={"store": Store(), "pipes": pipes_client(), **(resources or {})},
        # two heavy steps at most, or a laptop's memory is the limit
        executor=dg.multiprocess_executor.configured({"max_concurrent": 2}),
    )
