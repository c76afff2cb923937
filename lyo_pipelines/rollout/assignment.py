"""Which arm a user gets: a pure function of user and salt, the same on every machine and in every language.

The bucket is sha256 of salt, unit separator and user (UTF-8), its first eight bytes as a big-endian number, modulo 10,000. The
candidate gets the buckets below its share, so a growing share moves nobody back. The salt names segment, version and attempt: who is
early in one release is not early in all of them, nor when a version that fell back is tried again. What is routed where, and the file
that says so, do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

import numpy as np
from numpy.typing import NDArray

BUCKETS = 10_000
SEPARATOR = "\x1f"
ArmName = Literal["candidate", "current"]


def salt_of(segment: str, version: str, attempt: int = 1) -> str:
    """The salt of one release or experiment. attempt: the how-manieth release of this version it is."""
    return f"{segment}{SEPARATOR}{version}" + (f"{SEPARATOR}{attempt}" if attempt > 1 else "")


def release_id_of(segment: str, version: str, attempt: int = 1) -> str:
    """The name of one release, as rows carry it: `tutoring.ta.math@v2`, and `…#2` when the version is tried for the second time."""
    return f"{segment}@{version}" + (f"#{attempt}" if attempt > 1 else "")


def bucket_of(user: str, salt: str) -> int:
    """0 to 9,999. The remainder of a 64-bit number favours no bucket by more than 1 in 10^15."""
    digest = sha256(f"{salt}{SEPARATOR}{user}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def arm(user: str, salt: str, share: float) -> ArmName:
    """The arm of a user while the candidate has this share (0 to 1, to the nearest 1 in 10,000)."""
    return "candidate" if bucket_of(user, salt) < candidate_buckets(share) else "current"


def candidate_buckets(share: float) -> int:
    """How many buckets, from 0 on, get the candidate. Raises ValueError when share is not within 0 to 1."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, found {share}")
    return round(share * BUCKETS)


def buckets(users: Iterable[str], salt: str) -> NDArray[np.int64]:
    """The buckets of many users: the same function, about a million users a second."""
    state = sha256(f"{salt}{SEPARATOR}".encode())

    def one(user: str) -> int:
        own = state.copy()
        own.update(user.encode("utf-8", "surrogatepass"))
        return int.from_bytes(own.digest()[:8], "big") % BUCKETS

    return np.fromiter(map(one, users), dtype=np.int64)
