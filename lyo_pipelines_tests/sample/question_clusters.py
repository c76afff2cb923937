"""How varied a sample is: clusters of questions with nearly the same words, found by MinHash and verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from rensa import RMinHash

from lyo_pipelines.sample.duplicates import THRESHOLD, jaccard, shingles


def clusters(texts: Sequence[str]) -> list[int]:
    """Cluster label of each text: near duplicates, and near duplicates of those, share one."""
    sets = [shingles(text) for text in texts]
    parent = list(range(len(texts)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = at = parent[parent[at]]
        return at

    digests = np.empty((len(texts), 128), dtype=np.uint32)
    for at, grams in enumerate(sets):
        sketch = RMinHash(num_perm=128, seed=42)
        sketch.update(list(grams))
        digests[at] = sketch.digest()
    for band in range(0, 128, 8):
        buckets: dict[bytes, list[int]] = {}
        for at in range(len(texts)):
            buckets.setdefault(digests[at, band : band + 8].tobytes(), []).append(at)
        for members in buckets.values():
            for place, at in enumerate(members):
                for other in members[:place]:
                    if root(at) != root(other) and jaccard(sets[at], sets[other]) >= THRESHOLD:
                        parent[root(at)] = root(other)
    return [root(at) for at in range(len(texts))]


def cluster_sizes(texts: Sequence[str]) -> dict[int, int]:
    """Cluster size -> how many clusters have it."""
    return dict(sorted(Counter(Counter(clusters(texts)).values()).items()))


def share_in_small(sizes: dict[int, int], largest: int = 3) -> float:
    """Share of the questions that stand in clusters of at most `largest`."""
    whole = sum(size * count for size, count in sizes.items())
    return sum(size * count for size, count in sizes.items() if size <= largest) / whole if whole else 1.0
