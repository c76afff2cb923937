"""Which rows are the same interaction: ids derived where the source has none, and keys to match by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from lyo_pipelines.storage.arrow import pc

SEPARATOR = "\x1f"
_ROUNDED = r"^-?\d(?:[.,]\d+)?[eE]\+\d{1,3}$"


def derived_id(parts: Sequence[str | None]) -> str:
    """`x_` and 24 hex digits from what makes an interaction itself (time, pseudonym, conversation, turn, question, answer)."""
    joined = SEPARATOR.join("\x00" if part is None else part for part in parts)
    return "x_" + hashlib.blake2b(joined.encode("utf-8", "replace"), digest_size=12).hexdigest()


def plain_ids(ids: pa.Array) -> tuple[pa.Array, list[int]]:
    """Ids as they were before a table program read them as numbers: `1001.0` is `1001`.

    One that was rounded (`4.50012E+15`) is none any more: it becomes null, and its index is in the second value.
    """
    if ids.null_count == len(ids):
        return ids, []
    if pc.any(pc.ends_with(ids, ".0")).as_py():
        ids = pc.replace_substring_regex(ids, r"^(-?\d+)\.0+$", r"\1")
    if not pc.any(pc.match_substring(ids, "+")).as_py():
        return ids, []
    rounded = pc.match_substring_regex(ids, _ROUNDED).fill_null(False)
    found = np.flatnonzero(rounded.to_numpy(zero_copy_only=False)).tolist()
    return pc.if_else(rounded, None, ids) if found else ids, found


def match_keys(ids: pa.Array, key: str) -> pa.Array:
    """Keyed 64-bit hashes (BLAKE2b) of ids, never 0; null stays null. `key` tells one kind of id from another."""
    if ids.null_count == len(ids):
        return pa.nulls(len(ids), pa.uint64())
    encoded = ids.dictionary_encode()  # conversation ids repeat: each is hashed once
    start = hashlib.blake2b(key=key.encode(), digest_size=8)
    digests = []
    for value in encoded.dictionary.to_pylist():
        hasher = start.copy()
        hasher.update(value.encode())
        digests.append(hasher.digest())
    hashes = np.frombuffer(b"".join(digests), "<u8")
    return pa.array(np.maximum(hashes, np.uint64(1))).take(encoded.indices)
