"""The Parquet files of a finished version as they were written: recorded in its manifest, and compared before it is used again."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from lyo_pipelines.contracts.dataset import DataManifest, FileRecord
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


def recorded_files(lake: Lake, folder: str) -> dict[str, FileRecord]:
    """What lies in a folder that was just written, by name."""
    names = [name for name in lake.names(folder) if name.endswith(".parquet")]
    return {name: record_of(lake, f"{folder}/{name}") for name in names}


def file_damage(lake: Lake, folder: str, manifest: DataManifest, *, deep: bool = False) -> dict[str, str]:
    """Path -> what is wrong with a file that the manifest names; deep: every byte is read, not the size alone."""
    found = dict[str, str]()
    for name, told in manifest.files.items():
        path = f"{folder}/{name}"
        if not lake.exists(path):
            found[path] = f"is gone ({told.rows:,} rows)"
        elif (size := int(lake.fs.info(path)["size"])) != told.bytes:
            found[path] = f"has {size:,} bytes instead of {told.bytes:,}"
        elif deep and _digest(lake, path) != told.sha256:
            found[path] = "differs from what was written"
    return found


def require_whole(lake: Lake, folder: str, manifest: DataManifest) -> None:
    """Raise DamagedFileError, which names the files, unless each is there and as long as it was written."""
    found = file_damage(lake, folder, manifest)
    if found:
        said = "; ".join(f"{path} {what}" for path, what in found.items())
        raise DamagedFileError(said, hint=f"Build {manifest.segment} again: the same examples give the same files.")


def missing_files(lake: Lake, folder: str, names: Iterable[str]) -> list[str]:
    """Names that a folder lacks: what a version of before, which records no files, can be asked."""
    return [name for name in names if not lake.exists(f"{folder}/{name}")]


def record_of(lake: Lake, path: str) -> FileRecord:
    """What lies at a path."""
    size = int(lake.fs.info(path)["size"])
    return FileRecord(rows=lake.table_footer(path).num_rows, bytes=size, sha256=_digest(lake, path))


def _digest(lake: Lake, path: str) -> str:
    digest = sha256()
    with lake.fs.open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
