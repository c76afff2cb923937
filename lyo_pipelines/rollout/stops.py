"""The file of a stop: which candidate nobody is routed to any more, although its registry could not be told so. See emergency.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object


@dataclass(frozen=True)
class Stop:
    """One stop. version, release_id: of the candidate; by, person, reason, at, figures: as an event would have them."""

    version: str
    release_id: str
    by: str
    person: bool
    reason: str
    at: datetime
    figures: Mapping[str, Any] = field(default_factory=dict)


def write_stop(lake: Lake, segment: str, stop: Stop) -> None:
    """Write it; it is on the disk when this returns."""
    lake.write_text(json.dumps({**asdict(stop), "at": stop.at.isoformat()}, indent=2) + "\n", _path(lake, segment))


def read_stop(lake: Lake, segment: str) -> Stop | None:
    """The stop of a segment; None without one. Raises DamagedFileError."""
    try:
        told = read_object(lake, _path(lake, segment))
        return Stop(**{**told, "at": datetime.fromisoformat(str(told["at"]))})  # pyright: ignore[reportArgumentType]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{_path(lake, segment)} is damaged: {error}", hint="Restore or remove it.") from error


def remove_stop(lake: Lake, segment: str) -> None:
    """Remove it, after it was settled."""
    with suppress(FileNotFoundError):
        lake.fs.rm(_path(lake, segment))


def _path(lake: Lake, segment: str) -> str:
    return lake.path("rollout", segment, "stopped.json")
