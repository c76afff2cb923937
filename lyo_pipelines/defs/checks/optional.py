"""A check that may have nothing to judge: it then has no result, and its page shows it as skipped instead of green.

Not for a blocking check: without a result, what comes after it would not run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg


def optional_check(
    asset: dg.CoercibleToAssetKey, *, name: str, description: str, partitions_def: dg.PartitionsDefinition | None = None
) -> Callable[[Callable[..., Any]], dg.AssetChecksDefinition]:
    """A decorator like `dg.asset_check` for a generator of one result or none."""
    key = dg.AssetKey.from_coercible(asset)
    spec = dg.AssetCheckSpec(name, asset=key, description=description, partitions_def=partitions_def)
    # Dagster demands a result of every check but of those that can be asked for one by one
    return dg.multi_asset_check(name=f"{key.to_python_identifier()}_{name}", specs=[spec], can_subset=True)
