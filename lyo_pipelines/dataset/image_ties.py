"""Pictures that tie examples: the same file, and near copies by their hash (images/likeness.py).

Two hashes of 64 bits that differ in three bits at most are equal in one of four quarters at least: within the examples that share a
quarter all pairs are compared. What only looks alike (the same form, filled in differently) is tied, too, and nothing leaks by it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.images.likeness import NEAR_BITS
from lyo_pipelines.storage.arrow import offsets_and_values, pc

_QUARTERS = NEAR_BITS + 1
_CHUNK = 2_048


def image_keys(images: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, member key of the file, hash) of every picture of N rows (`images` of EXAMPLE). int64[P], uint64[P], uint64[P]."""
    nothing = np.zeros(0, np.uint64)
    if images.null_count == len(images):
        return np.zeros(0, np.int64), nothing, nothing
    offsets, flat = offsets_and_values(images)
    row = np.repeat(np.arange(len(images)), np.diff(offsets)).astype(np.int64)
    _, keys = member_keys("p", flat.field("file"))
    hashes = np.array([int(one, 16) for one in flat.field("likeness").to_pylist()], np.uint64)
    return row, keys, hashes


def hash_keys(hashes: np.ndarray) -> np.ndarray:
    """Member keys of hashes: what is remembered of a picture's looks from version to version. uint64."""
    return member_keys("h", pa.array([f"{int(one):016x}" for one in hashes], pa.string()))[1]


def near_hashes(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (left, right) of positions in distinct hashes (uint64) that differ in NEAR_BITS bits at most; a pair may come twice."""
    bits = 64 // _QUARTERS
    for quarter in range(_QUARTERS):
        band = (hashes >> np.uint64(quarter * bits)) & np.uint64((1 << bits) - 1)
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for members in np.split(order, edges):
            for start in range(0, len(members) if len(members) > 1 else 0, _CHUNK):
                part = members[start : start + _CHUNK]
                apart = np.bitwise_count(hashes[part][:, None] ^ hashes[members][None, :])
                left, right = np.nonzero(apart <= NEAR_BITS)
                distinct = part[left] < members[right]
                yield part[left[distinct]], members[right[distinct]]


def image_pairs(own: np.ndarray, keys: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """(E, 2) keys that belong together: each picture's example (own) with its file and its hash, and hashes with near ones."""
    distinct, place = np.unique(hashes, return_inverse=True)
    names = hash_keys(distinct)
    near = [np.column_stack([names[left], names[right]]) for left, right in near_hashes(distinct)]
    return np.concatenate([np.column_stack([own, keys]), np.column_stack([own, names[place]]), *near])


def files_column(images: pa.Array) -> pa.Array:
    """The files of each row's pictures in the order in which its messages show them; null where it has none. list<string>."""
    if images.null_count == len(images):
        return pa.nulls(len(images), pa.list_(pa.string()))
    shown = [
        [one["file"] for one in sorted(row, key=lambda one: -one["turns_back"])] if row else None
        for row in images.to_pylist()
    ]
    return pa.array(shown, pa.list_(pa.string()))


def with_pictures(images: pa.ChunkedArray) -> np.ndarray:
    """Mask of the rows that have any. bool[N]."""
    return pc.fill_null(pc.greater(pc.list_value_length(images), 0), False).to_numpy(zero_copy_only=False).astype(bool)
