"""What earlier versions decided: for each member key the split of its group, and the weakest split it was ever used in.

Versions are joined by (strongest split, weakest use), which is commutative and idempotent: the order of reading versions,
reading one twice or going back to an older one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest, DatasetManifest, Moment, PreferenceManifest
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.scope import Scope, is_below
from lyo_pipelines.dataset.versions import latest_version
from lyo_pipelines.storage.damage import DamagedFileError, DamagedTableError
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
        for name, path, remembers in [*_preferences(lake, key), *_versions(lake, key)]:
            if name in covered:
                continue
            other = SplitMemory.from_table(_groups(lake, f"{path}/groups.parquet"))
            memory = memory.joined(other.keys, other.split, other.weakest)
            covered |= {name, *remembers}
    return memory, sorted(covered)


_Told = tuple[str, str, tuple[str, ...]]
"""Name of a version, its folder, and the versions that it took over."""


def _groups(lake: Lake, path: str) -> pa.Table:
    """The memory that one version wrote. Raises DamagedTableError that says what it holds and what to do."""
    lost = (
        "It says what was held out for tests: restore it from a backup. Without one, remove the folder of this version, and train "
        "anew what was compared on its test items: nobody can tell any more which examples an adapter must not have seen."
    )
    try:
        with lake.open_table(path) as parquet:
            return parquet.read()
    except DamagedTableError as error:
        raise DamagedTableError(error.message, hint=lost) from error
    except FileNotFoundError as error:
        raise DamagedTableError(f"{path} is gone", hint=lost) from error


def _versions(lake: Lake, key: str) -> list[_Told]:
    """Dataset versions of a key, the newest first; one whose manifest is damaged is remembered all the same, and comes last."""
    known, damaged = list[tuple[Moment, _Told]](), list[_Told]()
    for name, folder, manifest in _manifests(lake, partial(lake.dataset_dir, key), DatasetManifest):
        if manifest is None:
            damaged.append((f"{key}/{name}", folder, ()))
        else:
            known.append((manifest.created_at, (f"{key}/{name}", folder, manifest.remembers)))
    return [*(told for _, told in sorted(known, reverse=True)), *damaged]


def _preferences(lake: Lake, key: str) -> list[_Told]:
    """The same of the preference data of a key: what was learnt there may not become a test item."""
    return [
        (f"preferences:{key}/{name}", folder, manifest.remembers if manifest else ())
        for name, folder, manifest in _manifests(lake, partial(lake.preferences_dir, key), PreferenceManifest)
    ]


def _manifests(
    lake: Lake, folder_of: Callable[..., str], kind: type[DataManifest]
) -> Iterator[tuple[str, str, DataManifest | None]]:
    """(name, folder, manifest) of each finished version below folder_of(); None for a manifest that is damaged."""
    for name in lake.names(folder_of()):
        folder = folder_of(name)
        path = f"{folder}/{MANIFEST}"
        if lake.exists(path):
            manifest = None
            with suppress(DocumentError):
                manifest = kind.parse(lake.read_bytes(path), path)
            yield name, folder, manifest


def related(lake: Lake, scope: Scope) -> list[str]:
    """Keys with dataset versions that share segments with the scope: itself first, then by name."""
    wanted = set(scope.segments)

    def shares(key: str) -> bool:
        if is_below(key, scope.key) or is_below(scope.key, key):
            return True
        try:
            newest = latest_version(lake, key)
        except (DamagedFileError, DocumentError):  # nobody can tell, so what it holds out counts
            return True
        return newest is not None and not wanted.isdisjoint(newest.manifest.segments)

    known = {*lake.names(lake.path("datasets")), *lake.names(lake.path("preferences"))} - {scope.key}
    others = sorted(key for key in known if shares(key))
    return [scope.key, *others]
