"""Adapters that learnt from people who were erased since: `lake/erased/tainted.json`, written by erasure/, told by name."""

from __future__ import annotations

from lyo_pipelines.json_types import JsonObject, is_dict
from lyo_pipelines.storage.damage import RESTORE, DamagedFileError
from lyo_pipelines.storage.lake import Lake


def tainted_path(lake: Lake) -> str:
    """Where they stand."""
    return lake.path("erased", "tainted.json")


def read_tainted(lake: Lake) -> dict[str, JsonObject]:
    """`<segment>/<version>` -> `since` when (ISO 8601), and from how many `examples`. Raises DamagedFileError."""
    path = tainted_path(lake)
    if not lake.exists(path):
        return {}
    told = lake.read_json(path)
    if not is_dict(told):
        raise DamagedFileError(f"{path} is damaged: it holds no JSON object", hint=RESTORE)
    return {name: value for name, value in told.items() if is_dict(value)}
