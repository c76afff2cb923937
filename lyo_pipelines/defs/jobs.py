"""The jobs that sensors and people launch. Each runs in one process: its heavy steps start processes of their own."""

from __future__ import annotations

import dagster as dg

land_inbox_job = dg.define_asset_job(
    "land_inbox",
    selection=["landed_files"],
    executor_def=dg.in_process_executor,
    description="Read what is new in the inbox.",
)

documents_job = dg.define_asset_job(
    "read_documents",
    selection=["document_chunks"],
    executor_def=dg.in_process_executor,
    description="Read the document sets whose files changed.",
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

prefer_job = dg.define_asset_job(
    "prefer",
    selection=["preference_data", "preference_adapter", "eval_report"],
    executor_def=dg.in_process_executor,
    description="Tune a segment's adapter on what users preferred, and compare it with the adapter it started from.",
)

release_job = dg.define_asset_job(
    "release_adapter",
    selection=["release"],
    executor_def=dg.in_process_executor,
    description="Begin the release of a segment's newest adapter: registered, gates, first users.",
)
