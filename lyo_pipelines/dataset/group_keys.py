"""Member keys: the 64-bit names under which groups are remembered from version to version.

A key is BLAKE2b of a kind letter and a value, so the memory holds neither texts nor ids of anybody. Kinds: `i` interaction,
`c` conversation, `q` source question id, `x` text of a question.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa


def member_keys(kind: str, values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return (row numbers int64, keys uint64) of the N values that are neither null nor empty.

    A repeated value is hashed once. With 3 million keys the chance of any collision is below 1e-6.
    """
    encoded = values.dictionary_encode()
    distinct = [value or "" for value in encoded.dictionary.to_pylist()]
    prefix = kind.encode() + b":"
    digests = b"".join(
        blake2b(prefix + value.encode("utf-8", "surrogatepass"), digest_size=8).digest() for value in distinct
    )
    hashed = np.frombuffer(digests, "<u8").astype(np.uint64)
    usable = np.fromiter((bool(value) for value in distinct), bool, len(distinct))
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero((codes >= 0) & (usable[codes] if distinct else False))
    return rows, hashed[codes[rows]] if len(rows) else np.zeros(0, np.uint64)


def keyed_draw(keys: np.ndarray, secret: str) -> np.ndarray:
    """Return a number in [0, 1) for each key (uint64 -> float64): the same key and secret always draw the same."""
    salt = blake2b(secret.encode()).digest()  # a key of the allowed length, whatever the secret's
    digests = b"".join(blake2b(int(key).to_bytes(8, "little"), key=salt, digest_size=8).digest() for key in keys)
    # 53 bits: as many as a float holds, so that nothing rounds up to 1.0
    return (np.frombuffer(digests, "<u8") >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def hex_ids(keys: np.ndarray) -> pa.Array:
    """Return each uint64 key as 16 hexadecimal digits."""
    distinct, inverse = np.unique(keys, return_inverse=True)
    return pa.array([f"{int(key):016x}" for key in distinct], pa.string()).take(pa.array(inverse))
