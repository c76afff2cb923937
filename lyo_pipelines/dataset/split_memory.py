"""What earlier versions decided: for each member key the split of its group, and the weakest split it was ever used in.

Versions are joined by (strongest split, weakest use), which is commutative and idempotent: the order of reading versions,
reading one twice or going back to an older one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lyo_pipelines.contracts.dataset import MANIFEST, PreferenceManifest
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.scope import Scope, is_below
from lyo_pipelines.dataset.versions import latest_version, list_versions
from lyo_pipelines.storage.lake import Lake

MEMORY_SCHEMA = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False, metadata={"doc": "member key, see dataset/group_keys.py"}),
        pa.field("split", pa.string(), nullable=False, metadata={"doc": "split that the key's group belongs to"}),
        pa.field(
            "weakest", pa.string(), nullable=False, metadata={"doc": "weakest split that the group was ever used in"}
        ),
    ]
)


@dataclass(frozen=True)
class SplitMemory:
    """Sorted distinct `keys` (uint64) with `split` and `weakest` (int8 positions in SPLITS)."""

    keys: np.ndarray
    split: np.ndarray
    weakest: np.ndarray

    @classmethod
    def empty(cls) -> SplitMemory:
        """A memory that knows nothing."""
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.int8), np.zeros(0, np.int8))

    def lookup(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (known, split, weakest) for each key; split and weakest mean nothing where known is False."""
        if not len(self.keys):
            return np.zeros(len(keys), bool), np.zeros(len(keys), np.int8), np.zeros(len(keys), np.int8)
        position = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return self.keys[position] == keys, self.split[position], self.weakest[position]

    def joined(self, keys: np.ndarray, split: np.ndarray, weakest: np.ndarray) -> SplitMemory:
        """Return this memory and another one together."""
        merged, inverse = np.unique(np.concatenate([self.keys, keys]), return_inverse=True)
        strong = np.zeros(len(merged), np.int8)
        weak = np.full(len(merged), len(SPLITS) - 1, np.int8)
        np.maximum.at(strong, inverse, np.concatenate([self.split, split]).astype(np.int8))
        np.minimum.at(weak, inverse, np.concatenate([self.weakest, weakest]).astype(np.int8))
        return SplitMemory(merged, strong, weak)

    def to_table(self) -> pa.Table:
        """As the table that groups.parquet holds."""
        names = pa.array(SPLITS)
        return pa.table(
            {
                "key": self.keys,
                "split": names.take(pa.array(self.split)),
                "weakest": names.take(pa.array(self.weakest)),
            },
            schema=MEMORY_SCHEMA,
        )

    @classmethod
    def from_table(cls, table: pa.Table) -> SplitMemory:
        """Read what to_table wrote."""
        codes = {name: code for code, name in enumerate(SPLITS)}
        split, weakest = (
            np.array([codes[name] for name in encoded.dictionary.to_pylist()], np.int8)[encoded.indices.to_numpy()]
            if table.num_rows
            else np.zeros(0, np.int8)
            for encoded in (table[column].combine_chunks().dictionary_encode() for column in ("split", "weakest"))
        )
        return cls(table["key"].to_numpy().astype(np.uint64), split, weakest)


def load_split_memory(lake: Lake, scope: Scope) -> tuple[SplitMemory, list[str]]:
    """Join the memories of all finished versions that share segments with a scope; return it with the versions it covers.

    A parent, its children and a mixture meet the same exercises: what one of them held out, none of the others may train on.
    Each groups.parquet is cumulative, so a version that a newer one already covers is not read again.
    """
    memory, covered = SplitMemory.empty(), set[str]()
    for key in related(lake, scope):
        versions = [
            (f"{key}/{version.fingerprint}", version.path, version.manifest) for version in list_versions(lake, key)
        ]
        for name, path, manifest in [*_preferences(lake, key), *reversed(versions)]:
            if name in covered:
                continue
            with lake.open_table(f"{path}/groups.parquet") as parquet:
                other = SplitMemory.from_table(parquet.read())
            memory = memory.joined(other.keys, other.split, other.weakest)
            covered |= {name, *manifest.remembers}
    return memory, sorted(covered)


def _preferences(lake: Lake, key: str) -> list[tuple[str, str, PreferenceManifest]]:
    """(name, folder, manifest) of the preference data of a key: what was learnt there may not become a test item."""
    folders = [lake.preferences_dir(key, name) for name in lake.names(lake.preferences_dir(key))]
    paths = [path for folder in folders if lake.exists(path := f"{folder}/{MANIFEST}")]
    read = [PreferenceManifest.parse(lake.read_bytes(path), path) for path in paths]
    return [
        (f"preferences:{key}/{path.split('/')[-2]}", path.rpartition("/")[0], manifest)
        for path, manifest in zip(paths, read, strict=True)
    ]


def related(lake: Lake, scope: Scope) -> list[str]:
    """Keys with dataset versions that share segments with the scope: itself first, then by name."""
    wanted = set(scope.segments)

    def shares(key: str) -> bool:
        if is_below(key, scope.key) or is_below(scope.key, key):
            return True
        newest = latest_version(lake, key)
        return newest is not None and not wanted.isdisjoint(newest.manifest.segments)

    known = {*lake.names(lake.path("datasets")), *lake.names(lake.path("preferences"))} - {scope.key}
    others = sorted(key for key in known if shares(key))
    return [scope.key, *others]
