"""Checks of a trained adapter, read from its manifest."""

import math
from collections.abc import Iterator

import dagster as dg

from lyo_pipelines.defs.checks.optional import optional_check
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.telling import rounded
from lyo_pipelines.training.versions import latest_adapter


def _losses(context: dg.AssetCheckExecutionContext, store: Store) -> tuple[float | None, float | None]:
    metrics = latest_adapter(store.lake(), context.op_execution_context.partition_key).metrics
    return metrics.first_eval_loss, metrics.eval_loss


@dg.asset_check(
    asset="adapter",
    description="The validation loss of the kept checkpoint is a finite number. An adapter whose training diverged is not evaluated.",
    blocking=True,
    partitions_def=SEGMENTS,
)
def finite_loss(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """A diverged training stops here."""
    best = _losses(context, store)[1]
    return dg.AssetCheckResult(
        passed=best is not None and math.isfinite(best),
        description="validation loss is no number" if best is None else f"validation loss {best:.4g}",
    )


@optional_check(
    "adapter",
    name="learned_something",
    description="The validation loss of the kept checkpoint is lower than it was before training. Skipped where it was not measured.",
    partitions_def=SEGMENTS,
)
def learned_something(context: dg.AssetCheckExecutionContext, store: Store) -> Iterator[dg.AssetCheckResult]:
    """Whether it helps is for the report to say; no gain at all in validation is worth a look before that."""
    first, best = _losses(context, store)
    if first is None or best is None:
        context.log.info("validation loss was not measured: nothing is judged")
        return
    yield dg.AssetCheckResult(
        passed=best < first,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"validation loss {first:.3f} before the first step, {best:.3f} at the kept checkpoint",
        metadata={"first_eval_loss": rounded(first), "eval_loss": rounded(best)},
    )
