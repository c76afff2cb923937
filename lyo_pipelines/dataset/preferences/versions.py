"""The read side of preference data: which versions exist and which is the newest. Building belongs to build.py."""

from __future__ import annotations

from dataclasses import dataclass

from lyo_pipelines.contracts.dataset import MANIFEST, PreferenceManifest
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class PreferenceVersion:
    """One finished version: `manifest` is its manifest.json, `path` its folder."""

    segment: str
    fingerprint: str
    path: str
    manifest: PreferenceManifest

    def size(self, method: str, split: str) -> int:
        """Labels (kto) or pairs (dpo) in a split."""
        return sum(self.manifest.by_method[method].get(split, {}).values())


def get_preferences(lake: Lake, segment: str, fingerprint: str) -> PreferenceVersion:
    """Return one version. Raises UnknownVersionError that says how to make one."""
    folder = lake.preferences_dir(segment, fingerprint)
    path = f"{folder}/{MANIFEST}"
    if not fingerprint or not lake.exists(path):
        raise UnknownVersionError(
            f"{segment} has no preference data {fingerprint or 'yet'}: materialize preference_data for {segment} to make it."
        )
    return PreferenceVersion(segment, fingerprint, folder, PreferenceManifest.parse(lake.read_bytes(path), path))


def latest_preferences(lake: Lake, segment: str) -> PreferenceVersion:
    """Return the version that the newest build produced or reused. Raises UnknownVersionError."""
    pointer = f"{lake.preferences_dir(segment)}/latest.json"
    told = lake.read_json(pointer) if lake.exists(pointer) else {}
    return get_preferences(lake, segment, str(told.get("fingerprint", "")))


def point_to_preferences(lake: Lake, segment: str, fingerprint: str) -> None:
    """Say what the segment's newest build produced."""
    pointer, told = f"{lake.preferences_dir(segment)}/latest.json", {"fingerprint": fingerprint}
    if not lake.exists(pointer) or lake.read_json(pointer) != told:
        lake.write_json(told, pointer)
