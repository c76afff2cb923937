"""Puts the definitions together: everything that this folder holds, with the resources and the executor of this installation.

Nothing is listed here. A module anywhere below `defs/` that defines an asset, a check, a job, a sensor or a schedule is loaded, as is
what `dg scaffold defs` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from lyo_pipelines.defs.resources import Store, pipes_client


def build_defs(*, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return fresh Definitions; `resources` replaces single resources by name (`{"store": Store(data_dir=…)}`)."""
    shared = dg.Definitions(
        resources={"store": Store(), "pipes": pipes_client(), **(resources or {})},
        # two heavy steps at most, or a laptop's memory is the limit
        executor=dg.multiprocess_executor.configured({"max_concurrent": 2}),
    )
    return dg.Definitions.merge(_folder(), shared)


@cache
def _folder() -> dg.Definitions:
    """What the modules of this folder define; loaded once, as walking the folder costs half a second."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
