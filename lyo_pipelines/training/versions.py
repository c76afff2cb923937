"""The read side of adapters: which are finished, and which one the newest training produced or found again."""

from __future__ import annotations

from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import TrainingResult, is_complete, read_adapter

_POINTER = "latest.json"


class NoAdapterError(RuntimeError):
    """The segment has no finished adapter; the message says how to get one."""


def list_adapters(lake: Lake, segment: str) -> list[TrainingResult]:
    """Finished adapters of a segment, by name."""
    folders = [lake.local(lake.adapter_dir(segment, version)) for version in lake.names(lake.adapter_dir(segment))]
    return [read_adapter(folder) for folder in folders if is_complete(folder)]


def point_to(lake: Lake, segment: str, version: str) -> None:
    """Remember which adapter the newest training produced (or found again)."""
    lake.write_json({"version": version}, f"{lake.adapter_dir(segment)}/{_POINTER}")


def latest_adapter(lake: Lake, segment: str) -> TrainingResult:
    """The adapter of the newest training. Raises NoAdapterError when there is none."""
    pointer = f"{lake.adapter_dir(segment)}/{_POINTER}"
    if lake.exists(pointer):
        folder = lake.local(lake.adapter_dir(segment, lake.read_json(pointer)["version"]))
        if is_complete(folder):
            return read_adapter(folder)
    raise NoAdapterError(f"{segment} has no finished adapter. Materialize `adapter` for it (or `lyo train {segment}`).")
