"""The jobs that sensors and people launch. Each runs in one process: its heavy steps start processes of their own."""

from __future__ import annotations

import dagster as dg

land_inbox_job = dg.define_asset_job(
    "land_inbox",
    selection=["landed_files"],
    executor_def=dg.in_process_executor,
    description="Read what is new in the inbox.",
)

daily_job = dg.define_asset_job(
    "daily_data",
    selection=["raw_interactions", "filtered_examples", "segment_health"],
    executor_def=dg.in_process_executor,
    description="Rebuild days: interactions with their feedback, filtered examples, health of the segments.",
)

retrain_job = dg.define_asset_job(
    "retrain",
    selection=["train_split", "validation_split", "test_split", "adapter", "eval_report"],
    executor_def=dg.in_process_executor,
    description="Dataset version, adapter and report of one segment.",
)
