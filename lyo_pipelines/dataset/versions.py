"""The read side: which dataset versions exist, which is the newest, and what is in them. Building belongs to build.py."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from lyo_pipelines.contracts.dataset import MANIFEST, DatasetManifest
from lyo_pipelines.dataset.contract import SPLIT_SCHEMA, SPLITS
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.written_files import require_whole
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object


@dataclass(frozen=True)
class Version:
    """One finished version: `manifest` is its manifest.json, `path` its folder."""

    segment: str
    fingerprint: str
    path: str
    manifest: DatasetManifest


def list_versions(lake: Lake, segment: str) -> list[Version]:
    """Return finished versions, oldest first; a folder without a manifest is not a version. Raises DocumentError for a damaged one."""
    found = []
    for name in lake.names(lake.dataset_dir(segment)):
        version = _read(lake, segment, name, follow=False)
        if version is not None:
            found.append(version)
    return sorted(found, key=lambda version: (version.manifest.created_at, version.fingerprint))


def latest_version(lake: Lake, segment: str) -> Version | None:
    """Return the version that the newest build produced (or reused); None when there is none.

    For a segment that is too thin this is its parent's version (`Version.segment` says whose). When latest.json is missing, the
    version made last counts.
    """
    told = _pointer(lake, segment)
    if parent := told.get("served_by"):
        return latest_version(lake, str(parent))
    version = _read(lake, segment, str(told.get("fingerprint", "")))
    if version is not None:
        return version
    versions = list_versions(lake, segment)
    return versions[-1] if versions else None


def why_served(lake: Lake, segment: str) -> str:
    """Return why a segment trains nothing of its own and is served by a parent; "" when it has a dataset of its own."""
    return str(_pointer(lake, segment).get("reason", ""))


def point_to_version(lake: Lake, segment: str, told: dict[str, str]) -> None:
    """Say what the segment's newest build produced: `{"fingerprint"}`, or `{"served_by", "reason"}` for a thin one."""
    path = f"{lake.dataset_dir(segment)}/latest.json"
    try:
        before = _pointer(lake, segment)
    except DamagedFileError:
        before = None
        with suppress(OSError):
            lake.set_aside(path)
    if before != told:
        lake.write_json(told, path)


def _pointer(lake: Lake, segment: str) -> dict[str, str]:
    """What the newest build said; nothing before the first. Raises DamagedFileError for a damaged file."""
    try:
        return {
            name: str(value) for name, value in read_object(lake, f"{lake.dataset_dir(segment)}/latest.json").items()
        }
    except (FileNotFoundError, NotADirectoryError):
        return {}


def get_version(lake: Lake, segment: str, fingerprint: str) -> Version:
    """Return one version, or the one that stands for it since an erasure. Raises UnknownVersionError that lists those that exist."""
    version = _read(lake, segment, fingerprint)
    if version is None:
        known = ", ".join(version.fingerprint for version in list_versions(lake, segment)) or "none"
        raise UnknownVersionError(
            f"{segment} has no dataset version {fingerprint}. Versions: {known}. "
            f"Materialize train_split for {segment} to make one."
        )
    return version


def split_path(lake: Lake, segment: str, fingerprint: str, split: str) -> str:
    """Path of one split file. Raises ValueError for an unknown split name."""
    if split not in SPLITS:
        raise ValueError(f"{split!r} is not a split: expected one of {', '.join(SPLITS)}")
    return f"{lake.dataset_dir(segment, fingerprint)}/{split}.parquet"


def read_split(lake: Lake, segment: str, fingerprint: str, split: str, columns: list[str] | None = None) -> pa.Table:
    """Read one split (columns of contract.SPLIT_SCHEMA). Raises UnknownVersionError for an unfinished version.

    Columns that may be null and that a version of before does not have are null.
    """
    version = get_version(lake, segment, fingerprint)
    require_whole(lake, version.path, version.manifest)
    with lake.open_table(split_path(lake, segment, version.fingerprint, split)) as parquet:
        there = parquet.schema_arrow.names
        table = parquet.read(columns=columns and [name for name in columns if name in there])
    for name in columns or ():
        if name not in there and (field := SPLIT_SCHEMA.field(name)).nullable:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table


def replaced_path(folder: str) -> str:
    """What stands in the folder of a version that an erasure replaced."""
    return f"{folder}/replaced.json"


def _replaced_by(lake: Lake, folder: str) -> str:
    """Fingerprint of the version that stands in for one whose examples were erased; "" for none."""
    try:
        return str(read_object(lake, replaced_path(folder)).get("by", ""))
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _read(lake: Lake, segment: str, fingerprint: str, *, follow: bool = True) -> Version | None:
    folder = lake.dataset_dir(segment, fingerprint)
    path = f"{folder}/{MANIFEST}"
    if not fingerprint:
        return None
    if not lake.exists(path):
        replaced = _replaced_by(lake, folder)
        return _read(lake, segment, replaced) if replaced and follow else None
    return Version(segment, fingerprint, folder, DatasetManifest.parse(lake.read_bytes(path), path))
