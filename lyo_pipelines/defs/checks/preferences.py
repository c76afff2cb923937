"""Preference data holds nothing of the test split; recomputed from the files on disk."""

import dagster as dg

from lyo_pipelines.dataset.preferences.leakage import NAME, no_test_item
from lyo_pipelines.dataset.preferences.versions import latest_preferences
from lyo_pipelines.dataset.versions import latest_version
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store


@dg.asset_check(
    asset="preference_data",
    name=NAME,
    blocking=True,
    partitions_def=SEGMENTS,
    description="No question in the preference data is a test item or a near duplicate of one.",
)
def preferences_leakage(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Compare the written preference data with the test split of the segment's current dataset version."""
    lake, config, segment = store.lake(), store.load_config(), context.op_execution_context.partition_key
    dataset = latest_version(lake, segment)
    if dataset is None:
        return dg.AssetCheckResult(passed=True, description="there is no test split yet")
    outcome = no_test_item(lake, latest_preferences(lake, segment), dataset, config.dataset)
    return dg.AssetCheckResult(
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=outcome.message,
        metadata=dict(outcome.details),
    )
