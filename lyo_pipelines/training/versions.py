"""The read side of adapters: which are finished, and which one the newest training produced or found again."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.storage.small_files import read_object
from lyo_pipelines.training.plan import TrainingResult, is_complete, read_adapter
from lyo_pipelines.training.recipes import TUNING_METHODS

_POINTER = "latest.json"


class NoAdapterError(LyoError):
    """The segment has no finished adapter; the message says how to get one."""


class DamagedPointerError(NoAdapterError):
    """What says which adapter is the newest cannot be read; the message names the file."""


def list_adapters(lake: Lake, segment: str) -> list[TrainingResult]:
    """Finished adapters of a segment, by name."""
    folders = [fetched(lake, lake.adapter_dir(segment, version)) for version in lake.names(lake.adapter_dir(segment))]
    return [read_adapter(folder) for folder in folders if is_complete(folder)]


def point_to(lake: Lake, segment: str, version: str, *, served_by: str | None = None) -> None:
    """Remember which adapter the newest training produced (or found again), or which parent's adapter serves the segment."""
    told = {"version": version} | ({"served_by": served_by} if served_by else {})
    lake.write_json(told, f"{lake.adapter_dir(segment)}/{_POINTER}")


def latest_adapter(lake: Lake, segment: str) -> TrainingResult:
    """The adapter of the newest training, of the parent's for a segment that it serves.

    Raises NoAdapterError when there is none, DamagedPointerError when nobody can tell which it is.
    """
    pointer = f"{lake.adapter_dir(segment)}/{_POINTER}"
    try:
        told = read_object(lake, pointer)
        folder = fetched(lake, lake.adapter_dir(str(told.get("served_by", segment)), str(told["version"])))
    except (FileNotFoundError, NotADirectoryError):
        folder = None
    except DamagedFileError as error:
        raise DamagedPointerError(error.message, hint=f"Restore it, or train {segment} again.") from error
    except KeyError as error:
        raise DamagedPointerError(
            f"{pointer} is damaged: it names no version", hint=f"Restore it, or train {segment} again."
        ) from error
    if folder is not None and is_complete(folder):
        return read_adapter(folder)
    raise NoAdapterError(f"{segment} has no finished adapter. Materialize `adapter` for it (or `lyo train {segment}`).")


def chosen_adapter(lake: Lake, segment: str, version: str = "") -> TrainingResult:
    """The segment's own version of this name, its newest adapter where none is named. Raises NoAdapterError.

    A hosted model is never the newest: it is asked only where somebody names it.
    """
    if not version:
        return latest_adapter(lake, segment)
    if version in lake.names(lake.adapter_dir(segment)):  # a name, whatever else a path may hold
        folder = fetched(lake, lake.adapter_dir(segment, version))
        if is_complete(folder):
            return read_adapter(folder)
    known = ", ".join(one.version for one in list_adapters(lake, segment)) or "none yet"
    raise NoAdapterError(f"{segment} has no finished adapter {version[:100]!r} (finished: {known}).")


def supervised_adapter(lake: Lake, segment: str) -> TrainingResult:
    """The newest adapter of the segment that was not tuned from another: what tuning on preferences or rewards starts from.

    Raises NoAdapterError, also for a segment that its parent serves.
    """
    found = latest_adapter(lake, segment)
    if found.segment != segment:
        raise NoAdapterError(
            f"{segment} has no adapter of its own, {found.segment} serves it: tune that one (`lyo prefer {found.segment}`)."
        )
    if found.manifest.method in TUNING_METHODS and found.manifest.start_from:
        return read_adapter(fetched(lake, lake.adapter_dir(segment, found.manifest.start_from)))
    return found
