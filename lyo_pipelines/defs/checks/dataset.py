"""Checks of a dataset version, recomputed from the files on disk; those about leakage stop everything downstream."""

from __future__ import annotations

import dagster as dg

from lyo_pipelines.dataset.leakage import LEAKAGE_CHECKS, leakage_check
from lyo_pipelines.dataset.versions import latest
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store


def _check(name: str, description: str, *, blocking: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="train_split", name=name, description=description, blocking=blocking, partitions_def=SEGMENTS)
    def check(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
        lake, figures = store.lake(), store.figures()
        version = latest(lake, context.op_execution_context.partition_key)
        outcome = leakage_check(name, lake, version.segment, version.fingerprint, figures.dataset, figures.curation)
        return dg.AssetCheckResult(
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description=outcome.message,
            metadata=dict(outcome.details),
        )

    return check


dataset_checks = [_check(name, spec.description, blocking=spec.blocking) for name, spec in LEAKAGE_CHECKS.items()]
