"""The jobs that sensors and people launch. Each runs in one process: its heavy steps start processes of their own."""

from __future__ import annotations

import dagster as dg

LAKE_INTACT = dg.AssetCheckKey(dg.AssetKey("landed_files"), "lake_intact")
"""The check of the whole lake: for every night, not for every landing."""

land_inbox_job = dg.define_asset_job(
    "land_inbox",
    selection=dg.AssetSelection.assets("landed_files") - dg.AssetSelection.checks(LAKE_INTACT),
    executor_def=dg.in_process_executor,
    description="Land new files from the inbox and new rows from the configured tables.",
)

documents_job = dg.define_asset_job(
    "read_documents",
    selection=["document_chunks"],
    executor_def=dg.in_process_executor,
    description="Read the document sets whose files, settings or rules have changed.",
)

daily_job = dg.define_asset_job(
    "daily_data",
    selection=["raw_interactions", "filtered_examples", "segment_health"],
    executor_def=dg.in_process_executor,
    description="Rebuild the given days: interactions with their feedback, filtered examples and segment health.",
)

retrain_job = dg.define_asset_job(
    "retrain",
    selection=["train_split", "validation_split", "test_split", "adapter", "eval_report"],
    executor_def=dg.in_process_executor,
    description="Build a dataset version for one segment, train an adapter on it and evaluate the adapter.",
)

prefer_job = dg.define_asset_job(
    "prefer",
    selection=["preference_data", "preference_adapter", "eval_report"],
    executor_def=dg.in_process_executor,
    description=(
        "Build preference data for one segment, tune its adapter on it (KTO or DPO; GRPO if asked) and compare the result with the "
        "adapter it started from."
    ),
)

search_job = dg.define_asset_job(
    "search",
    selection=["hyperparameter_search"],
    executor_def=dg.in_process_executor,
    description="Try other figures of a recipe on one segment's dataset version, within a budget; compare the best with its own.",
)

release_job = dg.define_asset_job(
    "release_adapter",
    selection=["release"],
    executor_def=dg.in_process_executor,
    description="Start the release of a segment's newest adapter: register it, check the gates and serve it to the first users.",
)

plan_erasure_job = dg.define_asset_job(
    "plan_erasure",
    selection=["erasure_plan"],
    executor_def=dg.in_process_executor,
    description="Show what the waiting requests of `lyo erase … --request` would take away; nothing is changed.",
)

erase_job = dg.define_asset_job(
    "erase_people",
    selection=["erasure_plan", "erased_people"],
    executor_def=dg.in_process_executor,
    description=(
        "Plan, then carry out the waiting requests of `lyo erase … --request`, build the days again, and search for what is left. "
        "It has no configuration: nobody's id may stand in the record of a run."
    ),
)

audit_privacy_job = dg.define_asset_job(
    "audit_privacy",
    selection=["privacy_audit"],
    executor_def=dg.in_process_executor,
    description="Measure on a copy of a segment's data what its recipe remembers of single people. Nothing launches it by itself.",
)
