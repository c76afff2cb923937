"""Runs of words, hashed for whole columns of texts at once. What they are compared with belongs to the benchmark modules."""

from __future__ import annotations

import numpy as np

_PRIME = np.uint64(0x9E3779B97F4A7C15)


def windows(codes: np.ndarray, offsets: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (hash uint64, text number) of every run of `size` known words (code >= 0) that lies within one text."""
    count = len(codes) - size + 1
    if count <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    unknown = np.concatenate([[0], np.cumsum(codes < 0)])
    text = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    whole = (unknown[size:] == unknown[:-size]) & (text[:count] == text[size - 1 :])
    start = np.flatnonzero(whole)
    hashes = np.zeros(len(start), np.uint64)
    for step in range(size):
        hashes = hashes * _PRIME + codes[start + step].astype(np.uint64) + np.uint64(1)
        hashes ^= hashes >> np.uint64(29)
    return hashes, text[start]
