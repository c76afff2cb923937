"""Checks of a dataset version, recomputed from the files on disk; those about leakage stop everything downstream."""

from collections.abc import Iterator

import dagster as dg

from lyo_pipelines.dataset.leakage import leakage_checks
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store, current_dataset

BLOCKING = {
    "no_shared_group": "No conversation and no group of examples is in more than one split.",
    "no_shared_question": "No exercise, no question and no exercise in the material is in more than one split, however short.",
    "no_near_duplicate_question": "No question is in another split but for a few letters; found by another method than the builder's.",
    "no_benchmark_overlap": (
        "No example overlaps with a registered benchmark (13 words in a row, most of a question, the whole of it or its source id)."
    ),
}
WARNING = {
    "no_giant_group": "No single group is so large that the splits depend on it.",
    "split_proportions": (
        "In every stratum, the splits are 80/10/10 within the range that chance allows. Skipped where no stratum is large enough."
    ),
}


def _specs() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name, asset="train_split", description=text, blocking=name in BLOCKING, partitions_def=SEGMENTS
        )
        for name, text in {**BLOCKING, **WARNING}.items()
    ]


@dg.multi_asset_check(specs=_specs(), can_subset=True)
def dataset_leakage(context: dg.AssetCheckExecutionContext, store: Store) -> Iterator[dg.AssetCheckResult]:
    """Run every check once on the segment's current version."""
    lake, config = store.lake(), store.load_config()
    version = current_dataset(lake, context.op_execution_context.partition_key)
    wanted = {key.name for key in context.op_execution_context.selected_asset_check_keys}
    outcomes = leakage_checks(
        lake,
        version.segment,
        version.fingerprint,
        config.dataset,
        store.pseudonyms(),
        mapped_from=config.curation.mapped_from_bytes,
    )
    for outcome in outcomes:
        # a blocking check always has a result: without one, nothing behind it would run
        if outcome.name not in wanted or (not outcome.blocking and outcome.details.get("judged") == 0):
            continue
        yield dg.AssetCheckResult(
            asset_key="train_split",
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if outcome.name in BLOCKING else dg.AssetCheckSeverity.WARN,
            description=outcome.message,
            metadata=dict(outcome.details),
        )
