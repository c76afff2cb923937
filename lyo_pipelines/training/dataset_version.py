"""What training needs to know of a dataset version before it loads anything heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from lyo_pipelines.contracts.errors import DatasetError


def read_manifest(dataset_dir: Path) -> dict[str, Any]:
    """Segment, fingerprint and counts of a dataset version. Raises DatasetError when it is not one."""
    path = dataset_dir / "manifest.json"
    try:
        manifest = orjson.loads(path.read_bytes())
        _ = manifest["segment"], manifest["fingerprint"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{dataset_dir} is no dataset version: {path.name} is missing or broken ({error})."
        ) from error
    return manifest


def tasks_in(manifest: dict[str, Any]) -> set[str]:
    """Tasks of the segments that a dataset version (or preference data) holds."""
    return {key.partition(".")[0] for key in manifest.get("segments") or [manifest["segment"]]}
