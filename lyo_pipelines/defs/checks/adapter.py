"""Checks of a trained adapter, read from its manifest."""

import math

import dagster as dg

from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.training.versions import latest_adapter


@dg.asset_check(
    asset="adapter",
    description="Validation loss is finite and the kept checkpoint is better than the untrained start.",
    blocking=True,
    partitions_def=SEGMENTS,
)
def learned_something(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Compare the best validation loss with the one before the first step."""
    manifest = latest_adapter(store.lake(), context.op_execution_context.partition_key).manifest
    first, best = manifest["metrics"].get("initial_eval_loss"), manifest["metrics"].get("best_eval_loss")
    finite = best is not None and math.isfinite(best)
    passed = finite and (first is None or best < first)
    message = (
        f"validation loss {first:.3f} -> {best:.3f}" if finite and first is not None else f"validation loss {best}"
    )
    return dg.AssetCheckResult(
        passed=passed, description=message, metadata={"initial_eval_loss": first, "best_eval_loss": best}
    )


adapter_checks = [learned_something]
