"""What earlier versions decided: for each member key the split of its group, and the weakest split it was ever used in.

Versions are joined by (strongest split, weakest use), which is commutative and idempotent: the order of reading versions,
reading one twice or going back to an older one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.versions import list_versions
from lyo_pipelines.storage.lake import Lake

MEMORY_SCHEMA = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False, metadata={"doc": "member key, see dataset/keys.py"}),
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


def remember(lake: Lake, segment: str) -> tuple[SplitMemory, list[str]]:
    """Join the memories of all finished versions of a segment; return it with the fingerprints that it covers.

    Each groups.parquet is cumulative, so a version that a newer one already covers is not read again.
    """
    memory, covered = SplitMemory.empty(), set[str]()
    for version in reversed(list_versions(lake, segment)):
        if version.fingerprint in covered:
            continue
        with lake.open_table(f"{version.path}/groups.parquet") as parquet:
            other = SplitMemory.from_table(parquet.read())
        memory = memory.joined(other.keys, other.split, other.weakest)
        covered |= {version.fingerprint, *version.manifest.get("remembers", [])}
    return memory, sorted(covered)
